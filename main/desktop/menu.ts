import { Menu, type MenuItemConstructorOptions } from 'electron';
import type { Words } from './shell-words.ts';

export type MenuOptions = {
	words: Words;
	platform: NodeJS.Platform;
	/** The menu for those who work on the program itself. */
	developing: boolean;
	/** Does a command of the page. */
	onCommand: (id: string) => void;
	/** Null where this package does not know where updates lie. */
	onCheckForUpdates: (() => void) | null;
};

/** Commands of the page and the key that each shows, arranged as menus; `null` parts groups. */
const ANALYSIS = [
	['analyse', 'Mod+Enter'],
	null,
	['less', '['],
	['more', ']'],
	null,
	['next-disagreement', 'd'],
] as const;
const PLAYBACK = [
	['play', 'Space'],
	null,
	['previous-frame', 'ArrowLeft'],
	['next-frame', 'ArrowRight'],
	['second-back', 'Shift+ArrowLeft'],
	['second-on', 'Shift+ArrowRight'],
	['first-frame', 'Home'],
	['last-frame', 'End'],
	['go-to', 'g'],
	['mute', 'm'],
	null,
	['shuttle-back', 'j'],
	['shuttle-stop', 'k'],
	['shuttle-on', 'l'],
	null,
	['range-in', 'i'],
	['range-out', 'o'],
	['range-clear', 'x'],
] as const;
const VIEW = [
	['boxes', 'b'],
	['identities', 'n'],
	['tokens', 't'],
	null,
	['add-pane', 'c'],
	['remove-pane', 'Shift+c'],
	['pane-1', '1'],
	['pane-2', '2'],
	['pane-3', '3'],
	['pane-4', '4'],
] as const;

type Entries = readonly (readonly [id: string, key: string] | null)[];

/** The menu bar, for `Menu.setApplicationMenu`. */
export function buildMenu(options: MenuOptions): Menu {
	return Menu.buildFromTemplate(menuTemplate(options));
}

function menuTemplate(options: MenuOptions): MenuItemConstructorOptions[] {
	const { words, platform, developing, onCheckForUpdates } = options;
	const mac = platform === 'darwin';
	const commands = (entries: Entries) => entries.map((entry) => commandItem(entry, options));
	const separator: MenuItemConstructorOptions = { type: 'separator' };
	const settings = commandItem(['settings', 'Mod+,'], options);
	const about: MenuItemConstructorOptions = { role: 'about', label: words('about') };
	const quit: MenuItemConstructorOptions = { role: 'quit', label: words('quit') };
	const updates: MenuItemConstructorOptions[] = onCheckForUpdates
		? [{ id: 'updates', label: words('checkForUpdates'), click: onCheckForUpdates }]
		: [];
	const ofMac: MenuItemConstructorOptions = {
		label: 'Sparsight',
		submenu: [
			about,
			...updates,
			separator,
			settings,
			separator,
			{ role: 'hide', label: words('hide') },
			{ role: 'hideOthers', label: words('hideOthers') },
			{ role: 'unhide', label: words('unhide') },
			separator,
			quit,
		],
	};
	const file: Entries = [['open', 'Mod+o'], ['close', 'w'], null, ['export', 'Mod+e'], ['runs', 'r']];
	const developer: MenuItemConstructorOptions[] = [
		separator,
		{ role: 'reload', label: words('reload') },
		{ role: 'toggleDevTools', label: words('developerTools') },
	];
	return [
		...(mac ? [ofMac] : []),
		{
			label: words('file'),
			submenu: [...commands(file), ...(mac ? [] : [separator, settings, separator, quit])],
		},
		{ label: words('edit'), submenu: editItems(words) },
		{ label: words('analysis'), submenu: commands(ANALYSIS) },
		{ label: words('playback'), submenu: commands(PLAYBACK) },
		{
			label: words('view'),
			submenu: [
				...commands(VIEW),
				separator,
				{ role: 'zoomIn', label: words('zoomIn') },
				{ role: 'zoomOut', label: words('zoomOut') },
				{ role: 'resetZoom', label: words('resetZoom') },
				{ role: 'togglefullscreen', label: words('fullScreen') },
				...(developing ? developer : []),
			],
		},
		{
			role: 'help',
			label: words('help'),
			submenu: [...commands([['help', '?']]), ...(mac ? [] : [...updates, separator, about])],
		},
	];
}

function editItems(words: Words): MenuItemConstructorOptions[] {
	return [
		{ role: 'undo', label: words('undo') },
		{ role: 'redo', label: words('redo') },
		{ type: 'separator' },
		{ role: 'cut', label: words('cut') },
		{ role: 'copy', label: words('copy') },
		{ role: 'paste', label: words('paste') },
		{ role: 'selectAll', label: words('selectAll') },
	];
}

function commandItem(
	entry: Entries[number],
	{ words, platform, onCommand }: MenuOptions,
): MenuItemConstructorOptions {
	if (entry === null) return { type: 'separator' };
	const [id, key] = entry;
	const item: MenuItemConstructorOptions = { id, label: words.command(id), click: () => onCommand(id) };
	// The page listens to keys itself, and knows when a letter is meant for a text field. macOS can't show a key
	// without taking it: there, bare letters stay the page's alone.
	if (platform === 'darwin')
		return key.startsWith('Mod+') ? { ...item, accelerator: acceleratorOf(key) } : item;
	return { ...item, accelerator: acceleratorOf(key), registerAccelerator: false };
}

/** A key of the page's command table as Electron writes it: `Mod+Shift+r` is `CommandOrControl+Shift+R`. */
export function acceleratorOf(key: string): string {
	return key
		.split('+')
		.map((part) => {
			if (part === 'Mod') return 'CommandOrControl';
			return part.length === 1 ? part.toUpperCase() : part.replace('Arrow', '');
		})
		.join('+');
}
