import type { GraphRuntime } from '../runtime/runtime.ts';
import type { WeightLookup } from '../graph/layers.ts';
import type { SettingsTable, SettingValues } from '../domain/settings-table.ts';
import type { SelectionKind, TokenGrid, TokenMap } from '../domain/tokens.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { VitPlan } from '../vit/plan.ts';

/** The frame at hand, and what every token was last computed from: the gate's measure of change. */
export interface FramePixels {
	readonly grid: TokenGrid;
	/** Normalised picture, planar: [3, height, width]. Reused; holds until the next call. */
	planar(): Float32Array;
	/** Normalised pixel windows of `tokens[0..count)`: [count, 3, window, window]. Reused; holds until the next call. */
	windows(tokens: Int32Array, count: number): Float32Array;
	/** Mean absolute change of every token's window since `remember` took it: [tokens], 0 to 255. Reused. */
	changeSince(): Float32Array;
	/** From now on the change of `tokens[0..count)` is measured against this frame. */
	remember(tokens: Int32Array, count: number): void;
}

/** Which tokens of a frame will be recomputed: the first `count` of `tokens`, in any order. */
export type Selection = { kind: SelectionKind; tokens: Int32Array; count: number };

/** What running a frame gave. */
export type RunOutcome = {
	/** The plan's answers of all tokens of the grid, fresh or remembered: [grid tokens, width], empty where it has none. The
	 * mode owns the array. */
	head: Float32Array;
	/** Its answers of the extra tokens, [extra tokens, width], where it has some. */
	extra?: Float32Array;
	/** Multiply-adds of the graphs that ran. */
	macs: number;
	/** The tokens whose outputs count; null = all. Sparse modes let only kept tokens emit detections. */
	emitting: Int32Array | null;
	/** What else there is to see of the tokens. */
	maps?: readonly TokenMap[];
};

/** A model, ready to be compiled by a mode for one input size. */
export type VitHost = { plan: VitPlan; weights: WeightLookup; runtime: GraphRuntime };

/** A mode at work on one video: owns the graphs and all that is remembered between frames. */
export interface Reduction<Outcome extends RunOutcome = RunOutcome> {
	readonly settings: SettingValues;
	/** Multiply-adds of a dense frame. */
	readonly denseMacs: number;
	/** Multiply-adds in force as budget, or null. */
	readonly budgetMacs: number | null;
	/** Bytes remembered between frames. */
	readonly stateBytes: number;
	/** Checked values; take effect with the next frame. */
	change(settings: SettingValues): void;
	/** Forgets everything: the next frame is computed whole. */
	reset(): void;
	select(pixels: FramePixels): Selection;
	/** Runs the selection; a mode that picks inside its graph (sparse) rewrites `selection` to what it took. */
	run(pixels: FramePixels, selection: Selection): Promise<Outcome>;
	/** Told what the frame took, in milliseconds of select + run, for controllers of time. */
	observe(milliseconds: number): void;
	/** All that later frames depend on, and back: a restored mode goes on as if it had never stopped. */
	saveState(): NamedArrays;
	restoreState(state: NamedArrays): void;
	release(): Promise<void>;
}

/** A way to spend less than a dense run: a compiler over a plan plus a memory. One file each, one registry line. */
export type ReductionMode = {
	id: string;
	title: string;
	description: string;
	settings: SettingsTable;
	/** Null where the mode works on this plan, else the reason why it can't. */
	refuses(plan: VitPlan): string | null;
	open(host: VitHost, settings: SettingValues): Promise<Reduction>;
};
