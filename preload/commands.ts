import type { Language } from './contract.ts';

/**
 * What a person may have done by menu or key, in the order of the menus; a line parts the inner lists. Page and desktop
 * read this one table: `renderer/commands.ts` does what it lists. Keys as `renderer/keys.ts` writes them.
 */
export const COMMAND_MENUS = {
	file: [
		[
			{ id: 'open', key: 'Mod+o' },
			{ id: 'close', key: 'w' },
		],
		[
			{ id: 'export', key: 'Mod+e' },
			{ id: 'runs', key: 'r' },
			{ id: 'models', key: 'Shift+m' },
		],
		[{ id: 'settings', key: 'Mod+,' }],
	],
	analysis: [
		[{ id: 'analyse', key: 'Mod+Enter' }],
		[
			{ id: 'less', key: '[' },
			{ id: 'more', key: ']' },
		],
		[{ id: 'next-disagreement', key: 'd' }],
	],
	playback: [
		[{ id: 'play', key: 'Space' }],
		[
			{ id: 'previous-frame', key: 'ArrowLeft' },
			{ id: 'next-frame', key: 'ArrowRight' },
			{ id: 'second-back', key: 'Shift+ArrowLeft' },
			{ id: 'second-on', key: 'Shift+ArrowRight' },
			{ id: 'first-frame', key: 'Home' },
			{ id: 'last-frame', key: 'End' },
			{ id: 'go-to', key: 'g' },
			{ id: 'mute', key: 'm' },
		],
		[
			{ id: 'shuttle-back', key: 'j' },
			{ id: 'shuttle-stop', key: 'k' },
			{ id: 'shuttle-on', key: 'l' },
		],
		[
			{ id: 'range-in', key: 'i' },
			{ id: 'range-out', key: 'o' },
			{ id: 'range-clear', key: 'x' },
		],
	],
	view: [
		[
			{ id: 'boxes', key: 'b' },
			{ id: 'identities', key: 'n' },
			{ id: 'tokens', key: 't' },
		],
		[
			{ id: 'add-pane', key: 'c' },
			{ id: 'remove-pane', key: 'Shift+c' },
			{ id: 'pane-1', key: '1' },
			{ id: 'pane-2', key: '2' },
			{ id: 'pane-3', key: '3' },
			{ id: 'pane-4', key: '4' },
		],
		[{ id: 'help', key: '?' }],
	],
} as const;

export type CommandGroup = keyof typeof COMMAND_MENUS;
export type CommandId = (typeof COMMAND_MENUS)[CommandGroup][number][number]['id'];

/** What the commands are called. */
export const COMMAND_WORDS: Record<Language, Record<CommandId, string>> = {
	en: {
		open: 'Open video',
		close: 'Close video',
		export: 'Export',
		runs: 'Runs of this video',
		models: 'Models',
		settings: 'Settings',
		analyse: 'Start or stop the analysis',
		less: 'Less budget',
		more: 'More budget',
		'next-disagreement': 'Next disagreement',
		play: 'Play or pause',
		'previous-frame': 'Previous frame',
		'next-frame': 'Next frame',
		'second-back': 'One second back',
		'second-on': 'One second on',
		'first-frame': 'First frame',
		'last-frame': 'Last frame',
		'go-to': 'Go to frame or time',
		mute: 'Sound on or off',
		'shuttle-back': 'Play backwards, faster with each press',
		'shuttle-stop': 'Stop',
		'shuttle-on': 'Play, faster with each press',
		'range-in': 'Range starts here',
		'range-out': 'Range ends here',
		'range-clear': 'Clear the range',
		boxes: 'Boxes on or off',
		identities: 'Numbers of followed objects on or off',
		tokens: 'Token map: this frame, so far, off',
		'add-pane': 'Add a pane',
		'remove-pane': 'Close the pane',
		'pane-1': 'First pane',
		'pane-2': 'Second pane',
		'pane-3': 'Third pane',
		'pane-4': 'Fourth pane',
		help: 'All keys',
	},
	ja: {
		open: '動画を開く',
		close: '動画を閉じる',
		export: '書き出し',
		runs: 'この動画の解析結果',
		models: 'モデル',
		settings: '設定',
		analyse: '解析の開始・停止',
		less: '予算を減らす',
		more: '予算を増やす',
		'next-disagreement': '次の不一致',
		play: '再生・一時停止',
		'previous-frame': '前のフレーム',
		'next-frame': '次のフレーム',
		'second-back': '1 秒戻る',
		'second-on': '1 秒進む',
		'first-frame': '最初のフレーム',
		'last-frame': '最後のフレーム',
		'go-to': 'フレームまたは時刻へ移動',
		mute: '音声のオン・オフ',
		'shuttle-back': '逆再生(押すたびに速く)',
		'shuttle-stop': '停止',
		'shuttle-on': '再生(押すたびに速く)',
		'range-in': '範囲の始点',
		'range-out': '範囲の終点',
		'range-clear': '範囲を解除',
		boxes: '枠の表示切り替え',
		identities: '追跡番号の表示・非表示',
		tokens: 'トークン表示: このフレーム、ここまで、なし',
		'add-pane': '画面を追加',
		'remove-pane': '画面を閉じる',
		'pane-1': '画面 1',
		'pane-2': '画面 2',
		'pane-3': '画面 3',
		'pane-4': '画面 4',
		help: 'キー一覧',
	},
};
