import type { Audit } from '../domain/drift.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { SettingsTable, SettingValues } from '../domain/settings-table.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';
import type { Host, NetworkOutput, Offer } from './host.ts';
import type { Computed, Selection } from './selection.ts';

export type ObservedFrame = {
	/** Of select + run. */
	milliseconds: number;
	/** Detections that are shown. */
	shown: number;
};

/** A mode at work on one video: owns its graphs and all that is remembered between frames. */
export interface Reduction<Output> {
	readonly settings: SettingValues;
	/** Multiply-adds in force as a budget, or null. */
	readonly budgetMacs: number | null;
	/** Checked values; take effect with the next frame. Throws `unknown-setting` or `setting-out-of-range`. */
	change(settings: SettingValues): void;
	/** Forgets everything: the next frame is computed whole. */
	reset(): void;
	/** The tokens to compute. A mode that learns them from its graphs says them with what `run` gives. */
	select(pixels: FramePixels): Selection;
	run(pixels: FramePixels, selection: Selection): Promise<Computed<Output>>;
	/** Told about the frame just done: for controllers of time and estimates. */
	observe?(frame: ObservedFrame): void;
	/** Told how an audited frame's reduced answer compares with its dense one. */
	judge?(audit: Audit): void;
	/** All that later frames depend on, and back: a restored mode goes on as if it had never stopped. */
	saveState(): Promise<NamedArrays>;
	restoreState(state: NamedArrays): void;
	release(): Promise<void>;
}

/** How a picture is cut into tiles, in pixels. */
export type Tiling = {
	/** Of a tile, unless the network has a size of its own. */
	side: number;
	/** What neighbours share, at least. */
	overlap: number;
	/** Whether the whole frame is seen as well, shrunk to a tile's size. */
	overview: boolean;
};

/** A way to compute less than a dense run does. One file each, one registry line. */
export type ReductionMode = {
	id: string;
	title: string;
	description: string;
	settings: SettingsTable;
	/** Settings under which every token of every frame is computed: the answer is the dense one then. */
	everything: SettingValues;
	/** What a network must offer for it. */
	needs: Offer;
	/** Null where the mode works on a network that offers that, else the reason why it can't; absent = always null. */
	refuses?(host: Host): string | null;
	/** Present where the mode sees a picture at its own size, in tiles: how they are cut. The host that it opens has them. */
	tiling?(settings: SettingValues): Tiling;
	/** Whether the mode follows a moving camera on a network; absent = on none. */
	followsCamera?(host: Host): boolean;
	open<Output extends NetworkOutput>(
		host: Host<Output>,
		runtime: GraphRuntime,
		settings: SettingValues,
	): Promise<Reduction<Output>>;
};
