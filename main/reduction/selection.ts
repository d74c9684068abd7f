import type { CameraPath } from '../domain/camera-path.ts';
import type { Drift } from '../domain/drift.ts';
import { tokenCount, type SelectionKind, type TokenGrid, type TokenMap } from '../domain/tokens.ts';

/** Which tokens of a frame are computed: the first `count` of `tokens`, in any order. */
export type Selection = { kind: SelectionKind; tokens: Int32Array; count: number };

/** What running a frame gave. */
export type Computed<Output> = {
	/** The answer that holds for this frame, whether it was computed now or is remembered. */
	output: Output;
	/** Multiply-adds of the graphs that ran. */
	macs: number;
	/** The tokens that were computed: as selected, or what a network chose by itself. */
	selection: Selection;
	/** What else there is to see of the tokens, such as a score map. */
	maps?: readonly TokenMap[];
	/** How far from dense the answer may be, where the mode estimates it. */
	drift?: Omit<Drift, 'audit'>;
	/** By token of the grid, 1 where what is remembered has been out of date for too long. */
	stale?: Uint8Array;
	/** On an audited frame, whose `output` is dense: what it would have been otherwise. */
	unaudited?: Output;
	/** Where the camera looks, in pixels of the network's input; absent where it is taken for fixed. */
	camera?: CameraPath;
};

/** The tokens of a grid, in raster order. */
export function allTokens(grid: TokenGrid): Int32Array {
	return Int32Array.from({ length: tokenCount(grid) }, (_, token) => token);
}

/** Every token of a frame. */
export function wholeFrame(grid: TokenGrid): Selection {
	const tokens = allTokens(grid);
	return { kind: 'flush', tokens, count: tokens.length };
}
