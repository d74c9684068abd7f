/** The tokens of one input size, in raster order: token = row × cols + column. */
export type TokenGrid = {
	rows: number;
	cols: number;
	/** Pixels between neighbouring tokens, along each axis. */
	stride: number;
	/** Side of the square of input pixels that one token reads. */
	windowSize: number;
	/** Where the window of token (0, 0) starts, in input pixels, along each axis; negative for padding. */
	windowOffset: number;
};

export function tokenCount(grid: TokenGrid): number {
	return grid.rows * grid.cols;
}

/**
 * Why the tokens of a frame were recomputed: `flush` = all of them (first frame, scene cut, asked for),
 * `partial` = some, `skipped` = none.
 */
export type SelectionKind = 'flush' | 'partial' | 'skipped';

/** Columns hold a kind as its index in this list. */
export const SELECTION_KINDS: readonly SelectionKind[] = ['flush', 'partial', 'skipped'];

/**
 * A map of what a network computed about its tokens: `relevance` = a scorer's map, `attention` = how much the decoder
 * attended to them, `clusters` = their cluster of keys and values, `blocks` = in how many blocks they were updated.
 * `values` [tokens], 0 to 255, raster order.
 */
export type TokenMap = { kind: TokenMapKind; values: Uint8Array };

/** Columns hold a kind of map as its index in this list. */
export const TOKEN_MAP_KINDS = ['relevance', 'attention', 'clusters', 'blocks'] as const;
export type TokenMapKind = (typeof TOKEN_MAP_KINDS)[number];

/** Which tokens of a frame were recomputed: a bit per token, raster order, least significant bit first. */
export type TokenBitmap = Uint8Array;

export function bitmapBytes(tokens: number): number {
	return (tokens + 7) >> 3;
}

/** A bitmap over `tokens` tokens in which the bits of `indices`, in any order, are set. */
export function packBitmap(indices: ArrayLike<number>, count: number, tokens: number): TokenBitmap {
	const bitmap = new Uint8Array(bitmapBytes(tokens));
	for (let i = 0; i < count; i++) {
		const token = indices[i]!;
		bitmap[token >> 3]! |= 1 << (token & 7);
	}
	return bitmap;
}

export function fullBitmap(tokens: number): TokenBitmap {
	const bitmap = new Uint8Array(bitmapBytes(tokens)).fill(0xff);
	if (tokens & 7) bitmap[bitmap.length - 1] = (1 << (tokens & 7)) - 1;
	return bitmap;
}

export function bitmapHas(bitmap: TokenBitmap, token: number): boolean {
	return (bitmap[token >> 3]! & (1 << (token & 7))) !== 0;
}

/** The set bits, ascending. */
export function unpackBitmap(bitmap: TokenBitmap, tokens: number): Int32Array {
	const indices = new Int32Array(tokens);
	let count = 0;
	for (let token = 0; token < tokens; token++) if (bitmapHas(bitmap, token)) indices[count++] = token;
	return indices.slice(0, count);
}
