import { Menu, type MenuItemConstructorOptions } from 'electron';
import { COMMAND_MENUS, type CommandGroup, type CommandId } from '../../preload/commands.ts';
import type { Words } from './shell-words.ts';

export type MenuOptions = {
	words: Words;
	platform: NodeJS.Platform;
	/** Whether to add a menu for developers of the program. */
	developing: boolean;
	/** What was opened last, newest first. */
	recent: { videos: readonly RecentItem[]; projects: readonly RecentItem[] };
	/** Runs a command of the page. */
	onCommand: (id: string) => void;
	/** Null if this package has no address of updates. */
	onCheckForUpdates: (() => void) | null;
};

export type RecentItem = { name: string; folder: string; exists: boolean; open: () => void };

/** Of each kind. */
const MOST_RECENT = 8;

type MenuCommand = { id: CommandId; key: string };
const ALL: readonly MenuCommand[] = Object.values(COMMAND_MENUS).flat(2);

/** The menu bar, for `Menu.setApplicationMenu`. */
export function buildMenu(options: MenuOptions): Menu {
	return Menu.buildFromTemplate(menuTemplate(options));
}

function menuTemplate(options: MenuOptions): MenuItemConstructorOptions[] {
	const { words, platform, developing, onCheckForUpdates } = options;
	const mac = platform === 'darwin';
	const separator: MenuItemConstructorOptions = { type: 'separator' };
	const itemOf = (id: CommandId) =>
		commandItem(
			ALL.find((command) => command.id === id)!,
			options,
		);
	/** The commands of a group, without those that have a menu of their own. */
	const itemsOf = (group: CommandGroup) =>
		COMMAND_MENUS[group]
			.map((section) => section.filter(({ id }) => id !== 'settings' && id !== 'help'))
			.filter((section) => section.length > 0)
			.flatMap((section, i) => [
				...(i > 0 ? [separator] : []),
				...section.map((command) => commandItem(command, options)),
			]);
	const settings = itemOf('settings');
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
	const developer: MenuItemConstructorOptions[] = [
		separator,
		{ role: 'reload', label: words('reload') },
		{ role: 'toggleDevTools', label: words('developerTools') },
	];
	return [
		...(mac ? [ofMac] : []),
		{
			label: words('file'),
			submenu: [
				recentItem(options),
				separator,
				...itemsOf('file'),
				...(mac ? [] : [separator, settings, separator, quit]),
			],
		},
		{ label: words('edit'), submenu: [...itemsOf('edit'), separator, ...editItems(words)] },
		{ label: words('analysis'), submenu: itemsOf('analysis') },
		{ label: words('playback'), submenu: itemsOf('playback') },
		{
			label: words('view'),
			submenu: [
				...itemsOf('view'),
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
			submenu: [itemOf('help'), ...(mac ? [] : [...updates, separator, about])],
		},
	];
}

function recentItem({ words, recent }: MenuOptions): MenuItemConstructorOptions {
	const lists = [recent.videos, recent.projects].filter((list) => list.length > 0);
	return {
		label: words('openRecent'),
		enabled: lists.length > 0,
		submenu: lists.flatMap((list, i) => [
			...(i > 0 ? [{ type: 'separator' } as const] : []),
			...list.slice(0, MOST_RECENT).map(({ name, folder, exists, open }) => ({
				// One ampersand would underline what follows.
				label: (exists ? `${name} — ${folder}` : words('notFound', { name })).replaceAll('&', '&&'),
				enabled: exists,
				click: open,
			})),
		]),
	};
}

function editItems(words: Words): MenuItemConstructorOptions[] {
	return [
		{ role: 'cut', label: words('cut') },
		{ role: 'copy', label: words('copy') },
		{ role: 'paste', label: words('paste') },
		{ role: 'selectAll', label: words('selectAll') },
	];
}

function commandItem(
	{ id, key }: MenuCommand,
	{ words, platform, onCommand }: MenuOptions,
): MenuItemConstructorOptions {
	const item: MenuItemConstructorOptions = { id, label: words.command(id), click: () => onCommand(id) };
	// The page handles keys itself, because it knows when a letter is meant for a text field. macOS can't show a key
	// without registering it: there, bare letters are left to the page.
	if (platform === 'darwin')
		return key.startsWith('Mod+') ? { ...item, accelerator: acceleratorOf(key) } : item;
	return { ...item, accelerator: acceleratorOf(key), registerAccelerator: false };
}

/** A key of the command table as an Electron accelerator: `Mod+Shift+r` is `CommandOrControl+Shift+R`. */
export function acceleratorOf(key: string): string {
	return key
		.split('+')
		.map((part) => {
			if (part === 'Mod') return 'CommandOrControl';
			return part.length === 1 ? part.toUpperCase() : part.replace('Arrow', '');
		})
		.join('+');
}
