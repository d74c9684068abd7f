import { tokenCount } from '../../domain/tokens.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { keyExtent, keyOnes, layoutOf } from '../../vit/grid-attention.ts';
import { headDim, tokenTotal, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import { qkvBias } from '../../vit/qkv.ts';
import type { WindowLayout } from '../../vit/windows.ts';

/** The name of the number of tokens that are computed, the extra ones included. */
export const ROWS = 'rows';

/**
 * How the keys and values of a block are remembered: [heads, padding + tokens, width]. The first rows of each head are the
 * padding of its windows and never change; the others belong to tokens.
 */
export type BlockMemory = {
	padding: number;
	rows: number;
	/** With relative positions, a key's row and column follow its `headDim` numbers; see `keyPositions`. */
	keyWidth: number;
	valueWidth: number;
};

export function blockMemory(plan: VitPlan, block: VitBlock): BlockMemory {
	const valueWidth = headDim(plan);
	const { rows, cols } = keyExtent(plan, block);
	const padding = block.window ? paddedSlots(block.window.layout).length : 0;
	return {
		padding,
		rows: padding + tokenTotal(plan),
		keyWidth: valueWidth + (block.relative ? rows + cols : 0),
		valueWidth,
	};
}

/** The slots of a window that are padding in at least one of the windows, ascending. */
export function paddedSlots({ size, tokenAt }: WindowLayout): number[] {
	const padded = new Set<number>();
	tokenAt.forEach((token, slot) => token < 0 && padded.add(slot % size));
	return [...padded].sort((a, b) => a - b);
}

/** For each token its slot within its window, or among all tokens. */
export function slotInWindow(plan: VitPlan, block: VitBlock): Int32Array {
	const { slotOf, size } = layoutOf(plan, block);
	return slotOf.map((slot) => slot % size);
}

/**
 * What tells a key's row and column to the terms that queries carry for them: [slots, key rows + key cols]. The terms are not
 * scaled as products of queries and keys are, which the numbers here make up for.
 */
export function keyPositions(plan: VitPlan, block: VitBlock): Float32Array {
	const factor = Math.sqrt(headDim(plan));
	return keyOnes(keyExtent(plan, block)).map((one) => factor * one);
}

/** Keys and values [heads, padding, width] of a block's padding: what the projections make of zeros. */
export function paddingRows(
	plan: VitPlan,
	weights: WeightLookup,
	block: VitBlock,
): { keys: Float32Array; values: Float32Array } {
	const { padding, keyWidth, valueWidth } = blockMemory(plan, block);
	const keys = new Float32Array(plan.heads * padding * keyWidth);
	const values = new Float32Array(plan.heads * padding * valueWidth);
	if (!block.window || padding === 0) return { keys, values };
	const bias = qkvBias(weights, plan, block).data;
	const positions = block.relative ? keyPositions(plan, block) : null;
	const positionWidth = keyWidth - valueWidth;
	const slots = paddedSlots(block.window.layout);
	for (let head = 0; head < plan.heads; head++) {
		const [key, value] = [plan.dim, 2 * plan.dim].map((part) =>
			bias.subarray(part + head * valueWidth, part + (head + 1) * valueWidth),
		) as [Float32Array, Float32Array];
		slots.forEach((slot, i) => {
			const row = head * padding + i;
			keys.set(key, row * keyWidth);
			values.set(value, row * valueWidth);
			if (!positions) return;
			const own = positions.subarray(slot * positionWidth, (slot + 1) * positionWidth);
			keys.set(own, row * keyWidth + valueWidth);
		});
	}
	return { keys, values };
}

/** The tokens that read no pixels, as the plan counts them. */
export function extraTokens({ extra, grid }: VitPlan): Int32Array {
	return Int32Array.from({ length: extra.before + extra.after }, (_, i) =>
		i < extra.before ? i : tokenCount(grid) + i,
	);
}

/** The plan's layouts of windows that differ, and for each block the one that it has; -1 for none. */
export function distinctLayouts({ blocks }: VitPlan): { layouts: WindowLayout[]; ofBlock: number[] } {
	const layouts: WindowLayout[] = [];
	const ofBlock = blocks.map(({ window }) => {
		if (!window) return -1;
		const { layout } = window;
		const known = layouts.findIndex(
			(other) =>
				other.count === layout.count && other.tokenAt.every((token, i) => token === layout.tokenAt[i]),
		);
		return known < 0 ? layouts.push(layout) - 1 : known;
	});
	return { layouts, ofBlock };
}
