import { assert } from '../domain/errors.ts';
import {
	changeSettings,
	resolveSettings,
	type SettingsTable,
	type SettingValues,
	type ValuesOf,
} from '../domain/settings-table.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { TokenGrid } from '../domain/tokens.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import type { NetworkOutput, WholeNetwork } from './host.ts';
import type { Reduction, ReductionMode } from './mode.ts';
import { restoreOutput, saveOutput } from './saved-output.ts';
import { wholeFrame, type Computed, type Selection } from './selection.ts';
import { countAbove } from './reuse/change.ts';

const PLACE = 'mode motion';
const STATE = 'motion.';

const SETTINGS = {
	threshold: {
		kind: 'number',
		default: 4,
		min: 0,
		max: 255,
		step: 0.5,
		unit: 'grey levels',
		live: true,
		description: 'A token counts as moving when its pixels changed by more than this, on average.',
	},
	share: {
		kind: 'number',
		default: 0.02,
		min: 0,
		max: 1,
		step: 0.005,
		live: true,
		description: 'The detector runs when more than this share of the tokens is moving.',
	},
} as const satisfies SettingsTable;

/**
 * The pixel-space rival that video recorders use: the whole detector on frames with motion since it last ran,
 * nothing at all on the others. An honest baseline, always worth a place in a comparison.
 */
export const motion: ReductionMode = {
	id: 'motion',
	title: 'Motion baseline',
	description: 'Runs the whole detector when enough of the picture moved, and skips still frames.',
	settings: SETTINGS,
	everything: { threshold: 0, share: 0 },
	needs: 'whole',
	async open(host, runtime, given) {
		const settings = resolveSettings(SETTINGS, given, PLACE); // before anything is loaded
		return new Motion(host.grid, await host.whole.load(runtime), settings);
	},
};

/** The last answer, and whether enough moved since it was computed to ask for another one. */
class Motion<Output extends NetworkOutput> implements Reduction<Output> {
	readonly budgetMacs = null;
	settings: ValuesOf<typeof SETTINGS>;
	readonly #network: WholeNetwork<Output>;
	readonly #all: Selection;
	#last: Output | null = null;

	constructor(grid: TokenGrid, network: WholeNetwork<Output>, settings: ValuesOf<typeof SETTINGS>) {
		this.settings = settings;
		this.#network = network;
		this.#all = wholeFrame(grid);
	}

	change(settings: SettingValues): void {
		this.settings = changeSettings(SETTINGS, this.settings, settings, PLACE);
	}

	reset(): void {
		this.#last = null;
	}

	/** All tokens or none. */
	select(pixels: FramePixels): Selection {
		const { tokens, count } = this.#all;
		const moves =
			this.#last === null ||
			countAbove(pixels.changeSince(), this.settings.threshold) > this.settings.share * count;
		if (!moves) return { kind: 'skipped', tokens, count: 0 };
		pixels.remember(tokens, count);
		return this.#all;
	}

	async run(pixels: FramePixels, selection: Selection): Promise<Computed<Output>> {
		if (selection.count === 0) {
			assert(this.#last, 'the first frame is never skipped');
			return { output: this.#last, macs: 0, selection };
		}
		const run = await this.#network.run(pixels);
		this.#last = run.output;
		return { ...run, selection };
	}

	saveState(): Promise<NamedArrays> {
		return Promise.resolve(this.#last ? saveOutput(STATE, this.#last) : {});
	}

	restoreState(state: NamedArrays): void {
		this.#last = restoreOutput<Output>(STATE, state);
	}

	release(): Promise<void> {
		return this.#network.release();
	}
}
