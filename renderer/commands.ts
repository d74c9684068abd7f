import { offeredHeat } from '../main/domain/overlay-geometry.ts';
import { budgetSetting } from './controls/visible-settings.ts';
import { nudged } from './controls/slider-scale.ts';
import type { MessageKey } from './i18n/en.ts';
import type { Session } from './state/session.svelte.ts';

export type CommandGroup = 'file' | 'analysis' | 'playback' | 'view';

/** What a person may have done, by menu, key or button: one table for all of them. */
export type Command = {
	id: string;
	group: CommandGroup;
	label: MessageKey;
	/** As `keyName` writes them; the first one is shown. */
	keys: readonly string[];
	/** Whether it means anything now. */
	when: (session: Session) => boolean;
	run: (session: Session) => void;
};

const always = (): boolean => true;
const withVideo = (session: Session): boolean => session.player !== null;
const withRun = (session: Session): boolean => Boolean(session.comparison?.active.run);

const playback = (
	id: string,
	keys: readonly string[],
	run: (player: NonNullable<Session['player']>, session: Session) => void,
): Command => ({
	id,
	group: 'playback',
	label: `command.${id}` as MessageKey,
	keys,
	when: withVideo,
	run: (session) => session.player && run(session.player, session),
});

function turnBudget(session: Session, direction: 1 | -1): void {
	const comparison = session.comparison;
	if (!comparison) return;
	const { draft } = comparison.active;
	const table = session.app.modes.find(({ id }) => id === draft.mode)?.settings ?? {};
	const name = budgetSetting(table, draft.settings);
	const spec = name === null ? undefined : table[name];
	if (name === null || !spec || (spec.kind !== 'number' && spec.kind !== 'integer')) return;
	void comparison.change(comparison.active, name, nudged(spec, Number(draft.settings[name]), direction));
}

const pane = (number: number): Command => ({
	id: `pane-${number}`,
	group: 'view',
	label: `command.pane-${number}` as MessageKey,
	keys: [String(number)],
	when: (session) => (session.comparison?.panes.length ?? 0) >= number,
	run: (session) => session.comparison?.activate(number - 1),
});

const dialog = (name: NonNullable<Session['dialog']>, group: CommandGroup, keys: string[]): Command => ({
	id: name,
	group,
	label: `command.${name}` as MessageKey,
	keys,
	when: always,
	run: (session) => (session.dialog = name),
});

export const COMMANDS: readonly Command[] = [
	{
		...dialog('open', 'file', ['Mod+o']),
		run: (session) => void session.choose(),
	},
	{
		id: 'close',
		group: 'file',
		label: 'command.close',
		keys: ['w'],
		when: (session) => session.video !== null || session.error !== null,
		run: (session) => session.close(),
	},
	{ ...dialog('export', 'file', ['Mod+e']), when: withRun },
	{ ...dialog('runs', 'file', ['r']), when: withVideo },
	dialog('settings', 'file', ['Mod+,']),
	{
		id: 'analyse',
		group: 'analysis',
		label: 'command.analyse',
		keys: ['Mod+Enter'],
		when: withVideo,
		run: (session) => {
			const pane = session.comparison?.active;
			if (pane?.busy) void session.comparison?.stop(pane);
			else void session.analyse();
		},
	},
	{
		id: 'less',
		group: 'analysis',
		label: 'command.less',
		keys: ['['],
		when: withVideo,
		run: (session) => turnBudget(session, -1),
	},
	{
		id: 'more',
		group: 'analysis',
		label: 'command.more',
		keys: [']'],
		when: withVideo,
		run: (session) => turnBudget(session, 1),
	},
	{
		id: 'next-disagreement',
		group: 'analysis',
		label: 'command.next-disagreement',
		keys: ['d'],
		when: (session) => session.comparison?.panes.some(({ agreement }) => agreement !== null) ?? false,
		run: (session) => session.goToDisagreement(),
	},
	playback('play', ['Space'], (player) => player.toggle()),
	playback('previous-frame', ['ArrowLeft'], (player) => player.step(-1)),
	playback('next-frame', ['ArrowRight'], (player) => player.step(1)),
	playback('second-back', ['Shift+ArrowLeft'], (player) => player.stepSeconds(-1)),
	playback('second-on', ['Shift+ArrowRight'], (player) => player.stepSeconds(1)),
	playback('first-frame', ['Home'], (player) => player.seek(0)),
	playback('last-frame', ['End'], (player) => player.seek(player.frameCount - 1)),
	playback('shuttle-back', ['j'], (player) => player.shuttle(-1)),
	playback('shuttle-stop', ['k'], (player) => player.shuttle(0)),
	playback('shuttle-on', ['l'], (player) => player.shuttle(1)),
	{
		...playback('mute', ['m'], (_, session) => void session.prefer({ muted: !session.preferences.muted })),
		when: (session) => session.player?.hasSound ?? false,
	},
	playback('go-to', ['g'], (_, session) => (session.dialog = 'go-to')),
	playback('range-in', ['i'], (player) => player.setIn()),
	playback('range-out', ['o'], (player) => player.setOut()),
	playback('range-clear', ['x'], (player) => player.clearRange()),
	{
		id: 'boxes',
		group: 'view',
		label: 'command.boxes',
		keys: ['b'],
		when: withVideo,
		run: (session) => void session.prefer({ showBoxes: !session.preferences.showBoxes }),
	},
	{
		id: 'identities',
		group: 'view',
		label: 'command.identities',
		keys: ['n'],
		when: withVideo,
		run: (session) => void session.prefer({ showIdentities: !session.preferences.showIdentities }),
	},
	{
		id: 'tokens',
		group: 'view',
		label: 'command.tokens',
		keys: ['t'],
		when: withVideo,
		run: (session) => {
			const kinds = session.comparison?.mapKinds ?? [];
			const choices = ['off', 'frame', 'history', ...kinds] as const;
			const shown = choices.indexOf(offeredHeat(session.preferences.heatMap, kinds));
			void session.prefer({ heatMap: choices[(shown + 1) % choices.length]! });
		},
	},
	{
		id: 'add-pane',
		group: 'view',
		label: 'command.add-pane',
		keys: ['c'],
		when: withVideo,
		run: (session) => session.comparison?.addPane(),
	},
	{
		id: 'remove-pane',
		group: 'view',
		label: 'command.remove-pane',
		keys: ['Shift+c'],
		when: (session) => (session.comparison?.panes.length ?? 0) > 1,
		run: (session) => session.comparison?.removePane(session.comparison.activeIndex),
	},
	pane(1),
	pane(2),
	pane(3),
	pane(4),
	dialog('help', 'view', ['?']),
];

/** Does what `id` says where it means anything now; answers whether it did. */
export function runCommand(session: Session, id: string): boolean {
	const command = COMMANDS.find((candidate) => candidate.id === id);
	if (!command?.when(session)) return false;
	command.run(session);
	return true;
}

/** The command of a key press. */
export function commandOfKey(key: string): Command | null {
	return COMMANDS.find(({ keys }) => keys.includes(key)) ?? null;
}
