import { offeredHeat } from '../main/domain/overlay-geometry.ts';
import { COMMAND_MENUS, type CommandGroup, type CommandId } from '../preload/commands.ts';
import type { Preferences } from '../preload/contract.ts';
import { budgetSetting } from './controls/visible-settings.ts';
import { isText } from './keys.ts';
import { nudged } from './controls/slider-scale.ts';
import type { Player } from './player/player.svelte.ts';
import type { Session } from './state/session.svelte.ts';

/** What a command does. */
type Action = {
	/** Whether it applies now. */
	when: (session: Session) => boolean;
	run: (session: Session) => void;
};

export type Command = Action & { id: CommandId; group: CommandGroup; key: string };

const withVideo = (session: Session): boolean => session.player !== null;
const withTrack = ({ tracks, comparison }: Session): boolean =>
	(tracks?.selectedIn(comparison?.active.run?.runId) ?? 0) > 0;
const withSeveralVideos = ({ project }: Session): boolean => project.videos.length > 1;
const withRun = (session: Session): boolean => Boolean(session.comparison?.active.run);

const withTruth = (session: Session): boolean =>
	session.comparison?.panes.some(({ run }) => run?.truth?.timeline) ?? false;

const dialog = (name: NonNullable<Session['dialog']>, when: Action['when'] = () => true): Action => ({
	when,
	run: (session) => (session.dialog = name),
});

const playback = (run: (player: Player) => void): Action => ({
	when: withVideo,
	run: ({ player }) => player && run(player),
});

const preference = (change: (session: Session) => Partial<Preferences>): Action => ({
	when: withVideo,
	run: (session) => void session.prefer(change(session)),
});

const pane = (number: number): Action => ({
	when: (session) => (session.comparison?.panes.length ?? 0) >= number,
	run: (session) => session.comparison?.activate(number - 1),
});

function isTyping(): boolean {
	const focused = document.activeElement;
	if (!(focused instanceof HTMLElement)) return false;
	const type = focused instanceof HTMLInputElement ? focused.type : '';
	return isText({ tagName: focused.tagName, type, editable: focused.isContentEditable });
}

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

function nextTokenMap({ comparison, preferences }: Session): Preferences['heatMap'] {
	const kinds = comparison?.mapKinds ?? [];
	const choices = ['off', 'frame', 'history', ...kinds] as const;
	const shown = choices.indexOf(offeredHeat(preferences.heatMap, kinds));
	return choices[(shown + 1) % choices.length]!;
}

const ACTIONS: Record<CommandId, Action> = {
	open: { when: () => true, run: (session) => void session.choose() },
	close: {
		when: (session) => session.video !== null || session.error !== null,
		run: (session) => session.close(),
	},
	'open-project': { when: () => true, run: (session) => void session.chooseProject() },
	'save-project': { when: withVideo, run: (session) => void session.saveProject() },
	'save-project-as': { when: withVideo, run: (session) => void session.saveProjectAs() },
	'next-video': { when: withSeveralVideos, run: (session) => void session.turnVideo(1) },
	'previous-video': { when: withSeveralVideos, run: (session) => void session.turnVideo(-1) },
	export: dialog('export', withRun),
	runs: dialog('runs', withVideo),
	'recording-time': dialog('recording-time', withVideo),
	models: dialog('models'),
	batch: dialog('batch'),
	objects: dialog('objects'),
	settings: dialog('settings'),

	// A menu of the desktop sends these while a text field has the focus, too; keys for that stay with the field.
	undo: {
		when: ({ undo }) => undo.canUndo || isTyping(),
		run: ({ undo }) => (isTyping() ? void document.execCommand('undo') : undo.undo()),
	},
	redo: {
		when: ({ undo }) => undo.canRedo || isTyping(),
		run: ({ undo }) => (isTyping() ? void document.execCommand('redo') : undo.redo()),
	},
	'draw-zone': { when: withVideo, run: (session) => void session.drawShape('zone') },
	'draw-line': { when: withVideo, run: (session) => void session.drawShape('line') },

	'track-split': {
		when: withTrack,
		run: ({ tracks, player }) => player && void tracks?.split(player.frameIndex),
	},
	'track-join': {
		when: withTrack,
		run: (session) => void session.showTracks().then(() => session.tracks && (session.tracks.joining = true)),
	},
	'track-rename': { when: withTrack, run: (session) => void session.showTracks('track-name') },
	'track-hide': { when: withTrack, run: ({ tracks }) => void tracks?.hide() },

	analyse: {
		when: withVideo,
		run: (session) => {
			const pane = session.comparison?.active;
			if (pane?.busy) void session.comparison?.stop(pane);
			else void session.analyse();
		},
	},
	less: { when: withVideo, run: (session) => turnBudget(session, -1) },
	more: { when: withVideo, run: (session) => turnBudget(session, 1) },
	'next-disagreement': {
		when: (session) => session.comparison?.panes.some(({ agreement }) => agreement !== null) ?? false,
		run: (session) => session.goToDisagreement(),
	},
	'next-missed': { when: withTruth, run: (session) => session.goToFault('missed') },
	'next-false': { when: withTruth, run: (session) => session.goToFault('wrong') },
	'next-event': { when: withRun, run: (session) => void session.goToEvent(1) },
	'previous-event': { when: withRun, run: (session) => void session.goToEvent(-1) },

	play: playback((player) => player.toggle()),
	'previous-frame': playback((player) => player.step(-1)),
	'next-frame': playback((player) => player.step(1)),
	'second-back': playback((player) => player.stepSeconds(-1)),
	'second-on': playback((player) => player.stepSeconds(1)),
	'first-frame': playback((player) => player.seek(0)),
	'last-frame': playback((player) => player.seek(player.frameCount - 1)),
	'go-to': dialog('go-to', withVideo),
	mute: {
		when: (session) => session.player?.hasSound ?? false,
		run: (session) => void session.prefer({ muted: !session.preferences.muted }),
	},
	'shuttle-back': playback((player) => player.shuttle(-1)),
	'shuttle-stop': playback((player) => player.shuttle(0)),
	'shuttle-on': playback((player) => player.shuttle(1)),
	'range-in': playback((player) => player.setIn()),
	'range-out': playback((player) => player.setOut()),
	'range-clear': playback((player) => player.clearRange()),

	boxes: preference(({ preferences }) => ({ showBoxes: !preferences.showBoxes })),
	identities: preference(({ preferences }) => ({ showIdentities: !preferences.showIdentities })),
	zones: preference(({ preferences }) => ({ showZones: !preferences.showZones })),
	tokens: preference((session) => ({ heatMap: nextTokenMap(session) })),
	'add-pane': { when: withVideo, run: (session) => session.comparison?.addPane() },
	'remove-pane': {
		when: (session) => (session.comparison?.panes.length ?? 0) > 1,
		run: (session) => session.comparison?.removePane(session.comparison.activeIndex),
	},
	'pane-1': pane(1),
	'pane-2': pane(2),
	'pane-3': pane(3),
	'pane-4': pane(4),
	maximise: {
		when: withVideo,
		run: ({ comparison }) => comparison && (comparison.maximised = !comparison.maximised),
	},
	'all-panes': {
		when: ({ comparison }) => comparison?.maximised ?? false,
		run: ({ comparison }) => comparison && (comparison.maximised = false),
	},
	'side-panel': preference(({ preferences }) => ({ sidePanelFolded: !preferences.sidePanelFolded })),
	timeline: {
		when: withVideo,
		run: (session) => {
			const { comparison, preferences } = session;
			// While one pane has all the room, the timeline is folded whatever was chosen.
			if (comparison?.maximised) comparison.maximised = false;
			else void session.prefer({ timelineFolded: !preferences.timelineFolded });
		},
	},
	help: dialog('help'),
};

/** All commands, in the order of the menus. */
export const COMMANDS: readonly Command[] = (Object.keys(COMMAND_MENUS) as CommandGroup[]).flatMap((group) =>
	COMMAND_MENUS[group].flat().map(({ id, key }) => ({ id, key, group, ...ACTIONS[id] })),
);

/** Runs the command `id` if it applies now; returns whether it did. */
export function runCommand(session: Session, id: string): boolean {
	const command = COMMANDS.find((candidate) => candidate.id === id);
	if (!command?.when(session)) return false;
	command.run(session);
	return true;
}

/** The command of a key press. */
export function commandOfKey(key: string): Command | null {
	return COMMANDS.find((command) => command.key === key) ?? null;
}
