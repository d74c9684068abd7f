import { attentionExtent, keyExtent, keysPerWindow, layoutOf } from '../../vit/grid-attention.ts';
import { headDim, tokenTotal } from '../../vit/plan.ts';
import { type BlockSource, extendedWidth } from './block-graphs.ts';

/** Some heads of a block, one behind the other. */
export type Lanes = { first: number; count: number };

/** The sizes of a block's attention. */
export type AttentionSizes = {
	tokens: number;
	/** 1 for attention over all tokens. */
	windows: number;
	/** Places of queries, and keys, per window. */
	places: number;
	keys: number;
	dim: number;
	heads: number;
	/** Of a head, without and with relative positions behind it. */
	width: number;
	extended: number;
};

export function attentionSizes(source: BlockSource): AttentionSizes {
	const { plan, block } = source;
	const { count, size } = layoutOf(plan, block);
	return {
		tokens: tokenTotal(plan),
		windows: count,
		places: size,
		keys: keysPerWindow(plan, block),
		dim: plan.dim,
		heads: plan.heads,
		width: headDim(plan),
		extended: extendedWidth(source, keyExtent(plan, block)),
	};
}

/** Where each token of a block with relative positions stands in its window or on the grid: its row and its column. */
export function placesOf({ plan, block }: BlockSource): { down: Int32Array; across: Int32Array } {
	const { cols } = attentionExtent(plan, block);
	const { placeOf, size } = layoutOf(plan, block);
	return {
		down: placeOf.map((place) => Math.floor((place % size) / cols)),
		across: placeOf.map((place) => (place % size) % cols),
	};
}

/** Where the first head's row of a place stands in [windows, heads, places]; places are counted over all windows of `size`. */
export function firstHeadRow(place: number, size: number, heads: number): number {
	return place + Math.floor(place / size) * (heads - 1) * size;
}

/** All of 0 to count − 1. */
export function upTo(count: number): Int32Array {
	return Int32Array.from({ length: count }, (_, i) => i);
}
