import type { Value } from '../../graph/graph-builder.ts';
import type { Layers, WeightLookup } from '../../graph/layers.ts';
import { tokenCount } from '../../domain/tokens.ts';
import { extraTotal, headDim, tokenTotal, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import { positionsOfTokens } from './key-value-tables.ts';
import { blockMemory, extraTokens, paddingRows } from './memory-layout.ts';
import { initialOrder } from './row-order.ts';

/**
 * A full graph's keys or values [1, heads, tokens, headDim] as the memory of their block, [1, heads, padding + tokens, width]: rows in
 * the order that a `RowOrder` begins with, behind the keys what tells their positions, before all the padding.
 */
export function asMemory(
	plan: VitPlan,
	weights: WeightLookup,
	layers: Layers,
	block: VitBlock,
	of: 'keys' | 'values',
	all: Value,
): Value {
	const { heads } = plan;
	const { padding, keyWidth, valueWidth } = blockMemory(plan, block);
	const tokens = tokenTotal(plan);
	const width = of === 'keys' ? keyWidth : valueWidth;
	const constant = (what: string, data: Float32Array, shape: readonly number[]) =>
		layers.graph.constant(`${block.name}:${of}:${what}`, { data, shape });
	let rows = extraTotal(plan) > 0 ? extraLast(plan, layers, all) : all;
	if (width > valueWidth) {
		const order = initialOrder(tokens, extraTokens(plan));
		const positions = ofEveryHead(positionsOfTokens(plan, block), width - valueWidth, order, heads);
		rows = layers.concat([rows, constant('positions', positions, [1, heads, tokens, width - valueWidth])], 3);
	}
	if (padding > 0) {
		const padded = paddingRows(plan, weights, block)[of];
		rows = layers.concat([constant('padding', padded, [1, heads, padding, width]), rows], 2);
	}
	return rows;
}

function extraLast(plan: VitPlan, layers: Layers, all: Value): Value {
	const { before, after } = plan.extra;
	if (before === 0) return all;
	const grid = tokenCount(plan.grid);
	const sizes = after > 0 ? [before, grid, after] : [before, grid];
	const [first, ofGrid, ...last] = layers.split(all, sizes, 2);
	return {
		...layers.concat([ofGrid!, first!, ...last], 2),
		shape: [1, plan.heads, tokenTotal(plan), headDim(plan)],
	};
}

/** Rows [tokens, width] in the given order, once for each head: [heads, tokens, width]. */
function ofEveryHead(rows: Float32Array, width: number, order: Int32Array, heads: number): Float32Array {
	const all = new Float32Array(heads * rows.length);
	for (let head = 0; head < heads; head++) {
		order.forEach((token, row) =>
			all.set(rows.subarray(token * width, (token + 1) * width), head * rows.length + row * width),
		);
	}
	return all;
}
