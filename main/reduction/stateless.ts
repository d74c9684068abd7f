import type { NamedArrays } from '../domain/named-arrays.ts';
import {
	changeSettings,
	resolveSettings,
	type SettingsTable,
	type SettingValues,
	type ValuesOf,
} from '../domain/settings-table.ts';
import type { TokenGrid } from '../domain/tokens.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import type { NetworkRun } from './host.ts';
import type { Reduction } from './mode.ts';
import { wholeFrame, type Computed, type Selection } from './selection.ts';

type StatelessMode<Table extends SettingsTable> = { id: string; settings: Table };

/** A loaded network that a mode's settings steer and that remembers nothing. */
type Network<Output, Table extends SettingsTable> = {
	run(pixels: FramePixels, settings: ValuesOf<Table>): Promise<NetworkRun<Output> | Computed<Output>>;
	release(): Promise<void>;
};

/** A mode at work that remembers nothing between frames: every frame goes through its network. */
export class StatelessReduction<Output, Table extends SettingsTable> implements Reduction<Output> {
	readonly budgetMacs = null;
	settings: ValuesOf<Table>;
	readonly #mode: StatelessMode<Table>;
	readonly #network: Network<Output, Table>;
	readonly #all: Selection;

	/** Throws `unknown-setting` or `setting-out-of-range`. */
	constructor(
		mode: StatelessMode<Table>,
		settings: SettingValues,
		grid: TokenGrid,
		network: Network<Output, Table>,
	) {
		this.settings = resolveSettings(mode.settings, settings, `mode ${mode.id}`);
		this.#mode = mode;
		this.#network = network;
		this.#all = wholeFrame(grid);
	}

	change(settings: SettingValues): void {
		const { id, settings: table } = this.#mode;
		this.settings = changeSettings(table, this.settings, settings, `mode ${id}`);
	}

	reset(): void {
		// Nothing outlives a frame.
	}

	select(): Selection {
		return this.#all;
	}

	async run(pixels: FramePixels, selection: Selection): Promise<Computed<Output>> {
		return { selection, ...(await this.#network.run(pixels, this.settings)) };
	}

	saveState(): Promise<NamedArrays> {
		return Promise.resolve({});
	}

	restoreState(): void {
		// Nothing was saved.
	}

	release(): Promise<void> {
		return this.#network.release();
	}
}
