import type { Detections } from '../domain/detections.ts';
import type { Drift } from '../domain/drift.ts';
import type { Frame, Letterbox } from '../domain/frame.ts';
import type { LeastScores } from '../domain/least-scores.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { TokenGrid } from '../domain/tokens.ts';
import type { Size } from '../domain/video.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import type { Picture } from '../pixels/resize.ts';
import type { Computed, Selection } from '../reduction/selection.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';

/** What a model is known by. */
export type ModelFacts = {
	readonly id: string;
	readonly name: string;
	readonly path: string;
	/** Of the file of weights. */
	readonly sha256: string;
	readonly classes: readonly string[];
	/** By class, the score from which on detections are worth showing and counting, 0 to 1. */
	readonly displayThresholds: LeastScores;
	/** Absent where the weights say it all. */
	readonly reading?: ModelReading;
};

/** What answers depend on beside a file's weights, part by part: how a foreign network's pictures are made and its outputs read. */
export type ModelReading = Readonly<Record<string, unknown>>;

/** A model that has been read and checked, before it is bound to a video. */
export interface Model extends ModelFacts {
	/** The id of its family. */
	readonly family: string;
	/** Modes that this model can be run in, by id. */
	readonly modes: readonly string[];
	/** By the id of each other mode, why it can't. */
	readonly refusals: Readonly<Record<string, string>>;
	/** What a person should know when it is opened, a clause each, such as `licence of the weights: AGPL-3.0`; absent = nothing. */
	readonly remarks?: readonly string[];
	/**
	 * Looks at a frame, rgb24 in displayed pixels, where it is only likely how the file has to be read, and gives a remark on what
	 * was seen. Throws `card-needed` where the frame contradicts it. Absent = nothing is in doubt.
	 */
	examine?(picture: Picture<Uint8Array>, runtime: GraphRuntime): Promise<string>;
	/** Multiply-adds of a frame that is computed whole; makes no session. */
	denseMacs(options: PictureOptions): number;
	/**
	 * Compiles the model in a mode for videos of one size. Throws `unknown-mode`, `unknown-setting` or
	 * `setting-out-of-range`.
	 */
	open(options: DetectorOptions, runtime: GraphRuntime): Promise<Detector>;
}

/** How a model sees a video. */
export type PictureOptions = {
	displaySize: Size;
	/**
	 * Longer side of the picture that the network sees, in pixels, at most. Smaller pictures are enlarged up to it only by
	 * families whose published networks expect that.
	 */
	maxSide: number;
	/** Detections below this score, 0 to 1, are dropped. */
	scoreThreshold: number;
};

export type DetectorOptions = PictureOptions & {
	mode: string;
	settings: SettingValues;
	/** Hears the detector's `letterbox` before graphs are loaded, which takes a while. */
	onLetterbox?: (letterbox: Letterbox) => void;
};

/** What running a frame gave, an audited one held against its reduced answer. */
export type ComputedFrame<Output> = Omit<Computed<Output>, 'drift' | 'unaudited'> & { drift?: Drift };

/**
 * A model in a mode, bound to one video size: the verbs of a frame's journey. Not re-entrant. What `run` gives is the
 * family's own affair: `interpret` reads it, nobody else.
 */
export interface Detector<Output = unknown> {
	readonly classes: readonly string[];
	/** How frames must be scaled for `prepare`. */
	readonly letterbox: Letterbox;
	readonly grid: TokenGrid;
	/** Multiply-adds of one dense frame at this size. */
	readonly denseMacs: number;
	/** Those of them that stand behind a vision transformer: what computes a frame at all, computes them whole. */
	readonly behindMacs: number;
	readonly settings: SettingValues;
	readonly budgetMacs: number | null;

	/** Live settings; checked, then in force from the next frame. */
	changeSettings(settings: SettingValues): void;
	/** Forgets everything remembered: the next frame is computed whole. */
	reset(): void;
	/** `frame` must be rgb24 of `letterbox.inputSize`, padding included. */
	prepare(frame: Frame): FramePixels;
	/** Which tokens are to be computed; what `run` gives says which ones were. */
	select(pixels: FramePixels): Selection;
	run(pixels: FramePixels, selection: Selection): Promise<ComputedFrame<Output>>;
	/** Detections; those that lie on tokens that are `stale`, as `run` gave them, are marked. */
	interpret(output: Output, stale?: Uint8Array): Detections;
	/** Told about the frame just done, for controllers of time and estimates: milliseconds of select + run. */
	observe(milliseconds: number, detections: Detections): void;
	saveState(): Promise<NamedArrays>;
	restoreState(state: NamedArrays): void;
	release(): Promise<void>;
}
