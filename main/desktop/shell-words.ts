import { COMMAND_WORDS, type CommandId } from '../../preload/commands.ts';
import type { Language } from '../../preload/contract.ts';

// The texts of the desktop's menus and dialogs. Commands have the same names as in the page.

const shellEn = {
	file: 'File',
	edit: 'Edit',
	analysis: 'Analysis',
	playback: 'Playback',
	view: 'View',
	help: 'Help',
	about: 'About Sparsight',
	hide: 'Hide Sparsight',
	hideOthers: 'Hide Others',
	unhide: 'Show All',
	quit: 'Quit',
	openRecent: 'Open recent',
	notFound: '{name} (not found)',
	cut: 'Cut',
	copy: 'Copy',
	paste: 'Paste',
	selectAll: 'Select All',
	zoomIn: 'Larger',
	zoomOut: 'Smaller',
	resetZoom: 'Actual Size',
	fullScreen: 'Full Screen',
	reload: 'Reload',
	developerTools: 'Developer Tools',
	checkForUpdates: 'Check for Updates …',
	chooseVideos: 'Open video',
	chooseFolder: 'Add a folder of videos',
	chooseModel: 'Add model',
	chooseTruth: 'Open ground truth',
	chooseExportTarget: 'Export',
	videos: 'Videos',
	models: 'Models',
	projects: 'Projects',
	chooseProject: 'Open project',
	truths: 'Ground truth (MOT, COCO, VOC)',
	allFiles: 'All files',
	closeQuestion: 'Work is still going on. Close all the same?',
	closeDetail: 'Runs: {runs} · exports: {exports}. Runs are stored and can be resumed; exports start over.',
	keepWorking: 'Keep working',
	stopAndClose: 'Stop and close',
	pageDied: 'The window stopped working.',
	pageDiedDetail: 'Runs go on and are stored. The reason stands in the log: {reason}',
	reopen: 'Reopen',
	startFailed: 'Sparsight cannot start.',
	upToDate: 'Version {version} is the newest one.',
	updateFound: 'Version {version} is there. Download it now?',
	updateReady: 'The new version is installed when Sparsight is closed.',
	updateFailed: 'Looking for updates failed.',
	download: 'Download',
	later: 'Later',
	ok: 'OK',
};

export type ShellWord = keyof typeof shellEn;

const shellJa: Record<ShellWord, string> = {
	file: 'ファイル',
	edit: '編集',
	analysis: '解析',
	playback: '再生',
	view: '表示',
	help: 'ヘルプ',
	about: 'Sparsight について',
	hide: 'Sparsight を隠す',
	hideOthers: 'ほかを隠す',
	unhide: 'すべてを表示',
	quit: '終了',
	openRecent: '最近使ったファイルを開く',
	notFound: '{name} (見つかりません)',
	cut: '切り取り',
	copy: 'コピー',
	paste: '貼り付け',
	selectAll: 'すべて選択',
	zoomIn: '拡大',
	zoomOut: '縮小',
	resetZoom: '実際のサイズ',
	fullScreen: 'フルスクリーン',
	reload: '再読み込み',
	developerTools: '開発者ツール',
	checkForUpdates: '更新を確認…',
	chooseVideos: '動画を開く',
	chooseFolder: '動画のフォルダーを追加',
	chooseModel: 'モデルを追加',
	chooseTruth: '正解データを開く',
	chooseExportTarget: '書き出し',
	videos: '動画',
	models: 'モデル',
	projects: 'プロジェクト',
	chooseProject: 'プロジェクトを開く',
	truths: '正解データ (MOT、COCO、VOC)',
	allFiles: 'すべてのファイル',
	closeQuestion: '処理が終わっていません。閉じますか?',
	closeDetail:
		'解析: {runs} 件、書き出し: {exports} 件。解析は保存され、あとで再開できます。書き出しは最初からになります。',
	keepWorking: '処理を続ける',
	stopAndClose: '中止して閉じる',
	pageDied: 'ウィンドウが停止しました。',
	pageDiedDetail: '解析は続き、保存されます。理由はログにあります: {reason}',
	reopen: '開き直す',
	startFailed: 'Sparsight を起動できません。',
	upToDate: 'バージョン {version} は最新です。',
	updateFound: 'バージョン {version} があります。ダウンロードしますか?',
	updateReady: '新しいバージョンは Sparsight を閉じるときにインストールされます。',
	updateFailed: '更新を確認できませんでした。',
	download: 'ダウンロード',
	later: 'あとで',
	ok: 'OK',
};

export type Words = {
	(word: ShellWord, values?: Record<string, string | number>): string;
	/** The name of a command. */
	command(id: CommandId): string;
};

/** The texts in one language. */
export function wordsOf(language: Language): Words {
	const shell = language === 'ja' ? shellJa : shellEn;
	const words = (word: ShellWord, values: Record<string, string | number> = {}) =>
		shell[word].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
	return Object.assign(words, { command: (id: CommandId) => COMMAND_WORDS[language][id] });
}

/** The preferred language, or that of the system's locale (a BCP 47 tag). */
export function languageOf(preference: 'system' | Language, systemLocale: string): Language {
	if (preference !== 'system') return preference;
	return systemLocale.toLowerCase().startsWith('ja') ? 'ja' : 'en';
}
