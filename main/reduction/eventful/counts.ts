import { keyExtent, keysPerWindow, layoutOf } from '../../vit/grid-attention.ts';
import { tokenTotal, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import { qkvBiases } from '../../vit/qkv.ts';
import type { BlockMethod } from './method.ts';

/**
 * Operations as the published code counts them: a multiply-add is one; so is an addition, a bias, an element of a gate's
 * reference or of an accumulator. Norms, softmax, GELU, scaling, pooling and all moving of data are not counted.
 */
export type OperationCounts = {
	add: number;
	bias: number;
	linear: number;
	matmul: number;
	einsum: number;
	gate: number;
	accumulator: number;
};

export function noOperations(): OperationCounts {
	return { add: 0, bias: 0, linear: 0, matmul: 0, einsum: 0, gate: 0, accumulator: 0 };
}

export function addCounts(a: OperationCounts, b: OperationCounts): OperationCounts {
	const sum = noOperations();
	for (const name of Object.keys(sum) as (keyof OperationCounts)[]) sum[name] = a[name] + b[name];
	return sum;
}

export function totalCount(counts: OperationCounts): number {
	return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** What a block computed: numbers of tokens selected by each gate and of changed keys; null: everything, without gates. */
export type BlockWork = { qkv: number; projection: number; mlp: number; keys: number } | null;

/** Operations of one frame in one block. */
export function countBlock(
	plan: VitPlan,
	block: VitBlock,
	method: BlockMethod,
	work: BlockWork,
): OperationCounts {
	const { dim, heads, layerNames } = plan;
	const tokens = tokenTotal(plan);
	const keyed = keyExtent(plan, block);
	// Queries of all windows, padding included, and keys that each of them sees.
	const queries = layoutOf(plan, block).tokenAt.length;
	const keys = keysPerWindow(plan, block);
	const padded = queries !== tokens;
	// With a gate the MLP has two layers of its hidden width.
	const wide = layerNames.gate ? 2 : 1;
	const { qkv, projection, mlp } = work ?? { qkv: tokens, projection: tokens, mlp: tokens };

	const counts = noOperations();
	counts.linear = dim * (3 * dim * qkv + dim * projection + (wide + 1) * block.hidden * mlp);
	// All padding is one vector, to which the bias is added in every frame.
	counts.bias = qkvBiases(plan) * dim * (qkv + (padded ? 1 : 0));
	counts.bias += dim * projection + (wide * block.hidden + dim) * mlp;
	counts.add = 2 * tokens * dim;
	if (block.relative) {
		counts.add += 2 * heads * queries * keys;
		counts.einsum = queries * dim * (keyed.rows + keyed.cols);
	}
	const whole = queries * keys * dim;
	counts.matmul = 2 * whole;
	if (!work) return counts;
	counts.gate = 3 * tokens * dim;
	if (method.product === 'whole') return counts;
	// Rows of the selected queries and columns of the selected keys; their overlap counts twice.
	const updated = qkv * keys * dim + queries * work.keys * dim;
	switch (method.product) {
		case 'query-key':
			counts.matmul = updated + whole;
			break;
		case 'delta':
			counts.matmul = updated + 2 * queries * work.keys * dim;
			counts.gate += keys * dim + heads * queries * keys;
			counts.accumulator = work.keys * dim + 2 * queries * dim;
			break;
		case 'exact':
			// Selected rows in full; in all rows the stale and fresh terms of changed keys.
			counts.matmul = 2 * qkv * keys * dim + 4 * queries * work.keys * dim;
			counts.accumulator = 2 * queries * dim;
			break;
	}
	return counts;
}
