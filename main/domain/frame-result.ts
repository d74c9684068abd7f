import type { FrameCost } from './cost.ts';
import type { Detections } from './detections.ts';
import type { SelectionKind, TokenBitmap, TokenMap } from './tokens.ts';

/** Everything that analysis says of one frame. */
export type FrameResult = {
	frameIndex: number;
	timeSeconds: number;
	detections: Detections;
	/** How the tokens of this frame were chosen. */
	kind: SelectionKind;
	/** Tokens recomputed for this frame. */
	selectedTokens: number;
	selection: TokenBitmap;
	/** What else there is to see of the tokens; absent where nothing is. */
	maps?: readonly TokenMap[];
	cost: FrameCost;
	/** The budget in force: multiply-adds, or null where the mode has none. */
	budgetMacs: number | null;
};
