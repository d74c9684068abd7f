import { describe, expect, it, vi } from 'vitest';
import { COMMAND_MENUS } from '../../preload/commands.ts';
import type { FakeMenuItem } from './electron.fixture.ts';
import { acceleratorOf, buildMenu, type MenuOptions } from './menu.ts';
import { wordsOf } from './shell-words.ts';

vi.mock('electron', () => import('./electron.fixture.ts'));

const COMMANDS = Object.values(COMMAND_MENUS).flat(2);
const nothing = () => undefined;

function itemsOf(options: Partial<MenuOptions> = {}): FakeMenuItem[] {
	const menu = buildMenu({
		words: wordsOf('en'),
		platform: 'linux',
		developing: false,
		recent: { videos: [], projects: [] },
		onCommand: nothing,
		onCheckForUpdates: null,
		...options,
	}) as unknown as FakeMenuItem[];
	return menu.flatMap(({ submenu = [] }) => submenu);
}

const commandsOf = (options: Partial<MenuOptions> = {}) =>
	itemsOf(options).filter(({ id }) => id && id !== 'updates');

describe('the menu', () => {
	it.each(['linux', 'darwin', 'win32'] as const)('has every command of the page once, on %s', (platform) => {
		const ids = commandsOf({ platform }).map(({ id }) => id);
		expect(ids.toSorted()).toEqual(COMMANDS.map(({ id }) => id).toSorted());
	});

	it.each(COMMANDS)('shows the key of the page for $id', ({ id, key }) => {
		const item = commandsOf().find((candidate) => candidate.id === id);
		expect(item?.accelerator).toBe(acceleratorOf(key));
		// The page hears keys itself: taken by the menu as well, a command would run twice.
		expect(item?.registerAccelerator).toBe(false);
	});

	it('takes no bare letter from text fields on macOS, where to show a key is to take it', () => {
		const shown = commandsOf({ platform: 'darwin' }).flatMap(({ accelerator }) => accelerator ?? []);
		expect(shown).toContain('CommandOrControl+O');
		expect(shown.filter((accelerator) => !accelerator.startsWith('CommandOrControl+'))).toEqual([]);
	});

	it('sends a command by its id', () => {
		const sent: string[] = [];
		const items = commandsOf({ onCommand: (id) => sent.push(id) });
		for (const { click } of items) click?.();
		expect(sent).toEqual(items.map(({ id }) => id));
	});

	it('opens what was opened last, and marks what is gone', () => {
		const opened: string[] = [];
		const item = (name: string, exists = true) => ({
			name,
			folder: '~/videos',
			exists,
			open: () => opened.push(name),
		});
		const listOf = (recent: MenuOptions['recent']) => {
			const { enabled, submenu } = itemsOf({ recent }).find(({ label }) => label === 'Open recent')!;
			return { enabled, items: submenu! };
		};
		expect(listOf({ videos: [], projects: [] })).toEqual({ enabled: false, items: [] });
		const { enabled, items } = listOf({
			videos: [item('gate.mp4'), item('gone.mp4', false)],
			projects: [item('Day & night')],
		});
		expect([enabled, items.map(({ label, type, enabled: can }) => (label && [label, can]) || type)]).toEqual([
			true,
			[
				['gate.mp4 — ~/videos', true],
				['gone.mp4 (not found)', false],
				'separator',
				['Day && night — ~/videos', true],
			],
		]);
		for (const { click } of items) click?.();
		expect(opened).toEqual(['gate.mp4', 'gone.mp4', 'Day & night']);
	});

	it('lists no more than is looked through', () => {
		const many = Array.from({ length: 30 }, (_, i) => ({
			name: `${i}`,
			folder: '',
			exists: true,
			open: nothing,
		}));
		const { submenu } = itemsOf({ recent: { videos: many, projects: many } }).find(
			({ label }) => label === 'Open recent',
		)!;
		expect(submenu).toHaveLength(17);
	});

	it.each(['en', 'ja'] as const)('has a word for everything, in %s', (language) => {
		const items = itemsOf({ words: wordsOf(language), platform: 'darwin', developing: true });
		for (const { id, label, type } of items) {
			if (type === 'separator') continue;
			expect(label).toBeTruthy();
			expect(label).not.toBe(id);
		}
	});

	it('is Japanese in Japanese', () => {
		const labels = commandsOf({ words: wordsOf('ja') }).map(({ label = '' }) => label);
		expect(labels.filter((label) => !/[\u3040-\u30ff\u4e00-\u9fff]/.test(label))).toEqual([]);
	});

	it('offers to look for updates only where the package says where they lie', () => {
		expect(itemsOf().some(({ id }) => id === 'updates')).toBe(false);
		expect(itemsOf({ onCheckForUpdates: nothing }).some(({ id }) => id === 'updates')).toBe(true);
	});

	it('has tools for developers only while developing', () => {
		const roles = (developing: boolean) => itemsOf({ developing }).map(({ role }) => role);
		expect(roles(false)).not.toContain('toggleDevTools');
		expect(roles(true)).toContain('toggleDevTools');
	});
});

it.each([
	['Mod+o', 'CommandOrControl+O'],
	['Mod+Shift+r', 'CommandOrControl+Shift+R'],
	['Mod+,', 'CommandOrControl+,'],
	['Mod+Enter', 'CommandOrControl+Enter'],
	['Shift+ArrowLeft', 'Shift+Left'],
	['Space', 'Space'],
	['b', 'B'],
	['[', '['],
	['?', '?'],
])('the key %s is the accelerator %s', (key, accelerator) => {
	expect(acceleratorOf(key)).toBe(accelerator);
});
