import type { CameraPath } from './camera-path.ts';
import type { FrameCost } from './cost.ts';
import type { Detections } from './detections.ts';
import type { Drift } from './drift.ts';
import type { SelectionKind, TokenBitmap, TokenMap } from './tokens.ts';

/** Everything that analysis gives for one frame. */
export type FrameResult = {
	frameIndex: number;
	timeSeconds: number;
	detections: Detections;
	/** How the tokens of this frame were chosen. */
	kind: SelectionKind;
	/** Tokens recomputed for this frame. */
	selectedTokens: number;
	selection: TokenBitmap;
	/** Maps of the tokens; absent if there are none. */
	maps?: readonly TokenMap[];
	/** How far from dense the answer may be; absent if the mode doesn't estimate it. */
	drift?: Drift;
	/** Where the camera looks, in pixels of the displayed video; absent where it is taken for fixed. */
	camera?: CameraPath;
	cost: FrameCost;
	/** The budget in force, in multiply-adds; null if the mode has none. */
	budgetMacs: number | null;
};
