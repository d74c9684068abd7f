import type { SettingsTable, ValuesOf } from '../../domain/settings-table.ts';
import { AGREEMENT, AUDITS } from '../quality-settings.ts';
import { TOKEN_CACHE_SETTINGS } from '../token-cache/token-cache-settings.ts';

const { spread, threshold, gmac, ms, floor, refresh, sceneCut, fairness } = TOKEN_CACHE_SETTINGS;

/** Settings of mode tiles. Those that are not `live` determine what the network sees, and are fixed when a run begins. */
export const TILES_SETTINGS = {
	policy: {
		kind: 'choice',
		default: 'quality',
		live: true,
		description: 'How the parts of the picture to run are picked.',
		options: {
			quality: 'As few as the agreement with all tiles allows',
			'real-time': 'As for quality, as far as the video’s own pace allows',
			threshold: 'All that changed by more than the threshold',
			'top-k': 'The most worthwhile, in k inputs at most',
			'budget-gmac': 'As many as the operations per frame allow',
			'budget-ms': 'As many as the time per frame allows',
			all: 'All tiles of every frame: the reference',
		},
	},
	agreement: {
		...AGREEMENT,
		shownWhen: { setting: 'policy', is: ['quality', 'real-time'] },
		description:
			'Agreement with a run of all tiles (F1 of the boxes shown) that is to be kept, as estimated while the run goes on.',
	},
	audits: {
		...AUDITS,
		description:
			'Share of the run’s cost spent on frames of which all tiles are run as well, to measure the agreement; 0 for none. Budgets of operations or time are kept: under them there are none.',
	},
	spread,
	threshold: {
		...threshold,
		description: 'Mean change of a cell’s pixels since it was last run, above which it is run again.',
	},
	k: {
		kind: 'integer',
		default: 1,
		min: 1,
		max: 1000,
		unit: 'inputs',
		live: true,
		implies: { policy: 'top-k' },
		shownWhen: { setting: 'policy', is: 'top-k' },
		description: 'Inputs of the network per frame, at most, or smaller ones that cost no more.',
	},
	gmac: {
		...gmac,
		default: 5,
		description:
			'Multiply-adds per frame, in billions, that are not exceeded on average; what is less than an input costs is saved up.',
	},
	ms: {
		...ms,
		description:
			'Milliseconds per frame for selecting and running, on average, that a controller holds; what is less than an input takes is saved up.',
	},
	tile: {
		kind: 'integer',
		default: 384,
		min: 64,
		max: 2048,
		step: 32,
		unit: 'pixels',
		description: 'Side of a tile; networks that were made for one size have that.',
	},
	overlap: {
		kind: 'integer',
		default: 96,
		min: 0,
		max: 2048,
		step: 16,
		unit: 'pixels',
		below: 'tile',
		description:
			'What neighbouring tiles share, at least, up to half a tile: objects up to this size are seen whole by one of them.',
	},
	overview: {
		kind: 'boolean',
		default: false,
		description:
			'Sees the whole frame as well, shrunk to the size of a tile, when enough changed: for objects that no tile holds.',
	},
	pack: {
		kind: 'boolean',
		default: true,
		live: true,
		description: 'Packs small regions that changed together into inputs that cost as little as can be.',
	},
	context: {
		kind: 'integer',
		default: 48,
		min: 0,
		max: 512,
		step: 16,
		unit: 'pixels',
		live: true,
		shownWhen: { setting: 'pack', is: true },
		description: 'What the network sees around such a region, at least.',
	},
	floor: {
		...floor,
		default: 4,
		description: 'Change that counts as sensor noise: below it nothing is run for its change.',
	},
	refresh: {
		...refresh,
		description:
			'A tile in which something changed is run whole at least once in so many frames, as far as a budget allows; 0 for never.',
	},
	sceneCut: {
		...sceneCut,
		description:
			'Share of the picture that must change strongly at once for all tiles to be run; 1 for never.',
	},
	fairness: {
		...fairness,
		description: 'Share by which the worth of what changed grows with every frame that it waits.',
	},
} as const satisfies SettingsTable;

export type TilesSettings = ValuesOf<typeof TILES_SETTINGS>;
