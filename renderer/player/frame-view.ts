import type { StageMilliseconds } from '../../main/domain/cost.ts';
import type { Detections } from '../../main/domain/detections.ts';
import type { Letterbox } from '../../main/domain/frame.ts';
import type { SelectionKind, TokenBitmap, TokenGrid, TokenMapKind } from '../../main/domain/tokens.ts';

/** What a run says of one frame, as panes and panels show it. */
export type FrameView = {
	frameIndex: number;
	timeSeconds: number;
	kind: SelectionKind;
	selectedTokens: number;
	bitmap: TokenBitmap;
	macs: number;
	/** Null where no budget was in force. */
	budgetMacs: number | null;
	milliseconds: StageMilliseconds;
	/** All that was stored; those below the display threshold are not to be shown. */
	detections: Detections;
};

/** The frames of a run, live or stored, for whoever draws them. */
export interface RunFrames {
	readonly runId: string;
	readonly classes: readonly string[];
	readonly displayThreshold: number;
	readonly letterbox: Letterbox;
	readonly grid: TokenGrid;
	/**
	 * The analysed frame `frameIndex`; with `hold`, else the last analysed one before it. Null where there is none or
	 * where it is still on its way. Reactive, as everything here.
	 */
	frame(frameIndex: number, hold: boolean): FrameView | null;
	/** Who each detection of an analysed frame is, 0 for nobody in particular; null while that is unknown. */
	identitiesOf(frameIndex: number): Int32Array | null;
	/** Maps of tokens that the run has; grows while it is going. */
	readonly mapKinds: readonly TokenMapKind[];
	/** A map of the tokens of an analysed frame, 0 to 255; null where there is none or while it is on its way. */
	mapOf(frameIndex: number, kind: TokenMapKind): Uint8Array | null;
	/** Per token, the share of the analysed frames up to `frameIndex` in which it was recomputed; null while unknown. */
	history(frameIndex: number): Float32Array | null;
}
