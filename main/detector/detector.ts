import type { Detections } from '../domain/detections.ts';
import type { Frame, Letterbox } from '../domain/frame.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { TokenGrid, TokenMap } from '../domain/tokens.ts';
import type { Size } from '../domain/video.ts';
import type { Selection } from '../reduction/mode.ts';

/** A model file that has been read and checked, before it is bound to a video. */
export interface Model {
	readonly id: string;
	readonly name: string;
	readonly path: string;
	/** Of the weights file. */
	readonly sha256: string;
	readonly classes: readonly string[];
	/** Detections from this score on are worth showing and counting, 0 to 1. */
	readonly displayThreshold: number;
	/** Modes that this model can be run in, by id. */
	readonly modes: readonly string[];
	/** Compiles the model in a mode for videos of one size. */
	open(options: DetectorOptions): Promise<Detector>;
}

export type DetectorOptions = {
	displaySize: Size;
	mode: string;
	settings: SettingValues;
	threads: number;
	/**
	 * Longer side of the picture that the network sees, in pixels, at most. Smaller pictures are enlarged up to it only by
	 * families whose published networks expect that.
	 */
	maxSide: number;
	/** Detections below this score, 0 to 1, are dropped. */
	scoreThreshold: number;
};

/** What running a frame gives, whatever the family keeps beside it. */
export type FrameOutcome = {
	/** Multiply-adds of the graphs that ran. */
	macs: number;
	/** What else there is to see of the tokens, such as a score map; empty or absent where nothing is. */
	maps?: readonly TokenMap[];
};

/**
 * A model in a mode, bound to one video size: the verbs of a frame's journey. Not re-entrant. What `prepare` and `run`
 * give is the family's own affair: it goes from one verb to the next and nowhere else.
 */
export interface Detector<Prepared = object, Outcome extends FrameOutcome = FrameOutcome> {
	readonly classes: readonly string[];
	/** How frames must be scaled for `prepare`. */
	readonly letterbox: Letterbox;
	readonly grid: TokenGrid;
	/** Multiply-adds of one dense frame at this size. */
	readonly denseMacs: number;
	readonly provider: string;
	readonly threads: number;
	readonly settings: SettingValues;
	readonly budgetMacs: number | null;
	/** Bytes remembered between frames. */
	readonly stateBytes: number;

	/** Live settings; checked, then in force from the next frame. */
	changeSettings(settings: SettingValues): void;
	/** Forgets everything remembered: the next frame is computed whole. */
	reset(): void;
	/** `frame` must be rgb24 of `letterbox.inputSize`, padding included. */
	prepare(frame: Frame): Prepared;
	/** Which tokens will be recomputed; a family that learns that inside its graph fills it in during `run`. */
	select(prepared: Prepared): Selection;
	run(prepared: Prepared, selection: Selection): Promise<Outcome>;
	interpret(outcome: Outcome): Detections;
	/** Milliseconds of select + run of the frame just done, for controllers of time. */
	observe(milliseconds: number): void;
	saveState(): NamedArrays;
	restoreState(state: NamedArrays): void;
	release(): Promise<void>;
}
