import { attentionExtent, keyExtent, keysPerWindow, layoutOf } from '../../vit/grid-attention.ts';
import { headDim, tokenTotal } from '../../vit/plan.ts';
import { type BlockSource, extendedWidth } from './block-graphs.ts';

/** Consecutive heads of a block: `count` of them from `first` on. */
export type HeadRange = { first: number; count: number };

/** The sizes of a block's attention. */
export type AttentionSizes = {
	tokens: number;
	/** 1 for attention over all tokens. */
	windows: number;
	/** Queries per window, those of padding included. */
	slots: number;
	/** Keys per window. */
	keys: number;
	dim: number;
	heads: number;
	/** Dimensions of a head. */
	width: number;
	/** Dimensions of a head, and the terms of its relative positions. */
	extended: number;
};

export function attentionSizes(source: BlockSource): AttentionSizes {
	const { plan, block } = source;
	const { count, size } = layoutOf(plan, block);
	return {
		tokens: tokenTotal(plan),
		windows: count,
		slots: size,
		keys: keysPerWindow(plan, block),
		dim: plan.dim,
		heads: plan.heads,
		width: headDim(plan),
		extended: extendedWidth(source, keyExtent(plan, block)),
	};
}

/** The row and the column of every token of a block with relative positions, in its window or on the grid; [tokens] each. */
export function gridPositions({ plan, block }: BlockSource): { rows: Int32Array; cols: Int32Array } {
	const { cols } = attentionExtent(plan, block);
	const { slotOf, size } = layoutOf(plan, block);
	return {
		rows: slotOf.map((slot) => Math.floor((slot % size) / cols)),
		cols: slotOf.map((slot) => (slot % size) % cols),
	};
}

/**
 * The row of a slot's first head in an array [windows, heads, slots, width]; slots are counted over all windows, `size` in
 * each.
 */
export function firstHeadRow(slot: number, size: number, heads: number): number {
	return slot + Math.floor(slot / size) * (heads - 1) * size;
}

/** Numbers that a graph should hold at once in each of its steps: four megabytes, about what two cores have to themselves. */
const CACHED_FLOATS = 2 ** 20;

/** All heads, in ranges that hold about as many numbers as the processor's caches; `floats`: numbers per head. */
export function headRanges(heads: number, floats: number): HeadRange[] {
	const count = Math.min(heads, Math.max(1, Math.floor(CACHED_FLOATS / floats)));
	return Array.from({ length: Math.ceil(heads / count) }, (_, i) => ({
		first: i * count,
		count: Math.min(count, heads - i * count),
	}));
}

/** All of 0 to count − 1. */
export function upTo(count: number): Int32Array {
	return Int32Array.from({ length: count }, (_, i) => i);
}
