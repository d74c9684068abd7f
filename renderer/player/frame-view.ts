import type { CameraTrack } from '../../main/domain/camera-inset.ts';
import type { CameraPath } from '../../main/domain/camera-path.ts';
import type { StageMilliseconds } from '../../main/domain/cost.ts';
import type { Detections } from '../../main/domain/detections.ts';
import type { DriftFigures } from '../../main/domain/drift.ts';
import type { LeastScores } from '../../main/domain/least-scores.ts';
import type { Letterbox } from '../../main/domain/frame.ts';
import type { SelectionKind, TokenBitmap, TokenGrid, TokenMapKind } from '../../main/domain/tokens.ts';
import type { TrackNames } from '../../main/domain/track-labels.ts';

/** What a run says about one frame, for panes and panels. */
export type FrameView = {
	frameIndex: number;
	timeSeconds: number;
	kind: SelectionKind;
	selectedTokens: number;
	bitmap: TokenBitmap;
	macs: number;
	/** Null if no budget was in force. */
	budgetMacs: number | null;
	milliseconds: StageMilliseconds;
	/** How far from dense the answer may be; null if that is not estimated. */
	drift: DriftFigures | null;
	/** Where the camera looks; null where it is fixed. */
	camera: CameraPath | null;
	/** All stored detections; those below the display threshold of their class are not shown. */
	detections: Detections;
};

/** A frame beside ground truth. */
export type FrameTruth = {
	/** One for each stored detection, as in `TruthMarks`. */
	verdicts: Uint8Array;
	/** [objects, 4], and the score of what found them; NaN where nothing did. */
	objectBoxes: Float32Array;
	objectClasses: Uint16Array;
	objectScores: Float32Array;
};

/** The frames of a run, live or stored, for drawing. */
export interface RunFrames {
	readonly runId: string;
	readonly classes: readonly string[];
	/** By class, the lowest score that is shown. */
	readonly displayThresholds: LeastScores;
	readonly letterbox: Letterbox;
	readonly grid: TokenGrid;
	/**
	 * The analysed frame `frameIndex`; with `hold`, else the last analysed one before it. Null if there is none or it is
	 * still being loaded. Reactive, like everything here.
	 */
	frame(frameIndex: number, hold: boolean): FrameView | null;
	/** The identity of each detection of an analysed frame, 0 for none; null while unknown. */
	identitiesOf(frameIndex: number): Int32Array | null;
	/** An analysed frame beside the chosen ground truth; null without one, while unknown, and where the truth does not know the frame. */
	truthOf?(frameIndex: number): FrameTruth | null;
	/** The names that a person gave to objects. */
	readonly trackNames: TrackNames;
	/** Kinds of token maps that the run has; grows during the run. */
	readonly mapKinds: readonly TokenMapKind[];
	/** A map of the tokens of an analysed frame, 0 to 255; null if there is none or it is still being loaded. */
	mapOf(frameIndex: number, kind: TokenMapKind): Uint8Array | null;
	/** The path of the camera as far as the run is known, and the position in it of the frame shown; null where it is fixed in all frames. */
	cameraTrack(frameIndex: number): { track: CameraTrack; position: number } | null;
	/** Per token, the share of the analysed frames up to `frameIndex` in which it was recomputed; null while unknown. */
	history(frameIndex: number): Float32Array | null;
}
