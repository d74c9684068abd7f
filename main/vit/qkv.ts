import type { Tensor } from '../graph/graph-builder.ts';
import type { WeightLookup } from '../graph/layers.ts';
import type { QkvPart, VitBlock, VitPlan } from './plan.ts';

/** A linear layer's weights [out, in] and bias [out] or null; `name` is that of its constants in a graph. */
export type LinearWeights = { name: string; weight: Tensor; bias: Tensor | null };

const PARTS: readonly QkvPart[] = ['query', 'key', 'value'];

/** One of a block's three projections [dim, dim], sliced from a fused one where needed. */
export function qkvPart(weights: WeightLookup, plan: VitPlan, block: VitBlock, part: QkvPart): LinearWeights {
	const { dim, layerNames } = plan;
	const { qkv } = layerNames;
	if (!('fused' in qkv)) {
		const name = `${block.name}.${qkv[part]}`;
		const bias = qkv.biasless.includes(part) ? null : weights(`${name}.bias`, [dim]);
		return { name, weight: weights(`${name}.weight`, [dim, dim]), bias };
	}
	const fused = fusedQkv(weights, plan, block);
	const first = PARTS.indexOf(part) * dim;
	return {
		name: `${fused.name}:${part}`,
		weight: rowsOf(fused.weight, first, dim),
		bias: fused.bias && rowsOf(fused.bias, first, dim),
	};
}

/** A block's three projections as one [3 · dim, dim], queries first; missing biases among others are 0. */
export function fusedQkv(weights: WeightLookup, plan: VitPlan, block: VitBlock): LinearWeights {
	const { dim, layerNames } = plan;
	const { qkv } = layerNames;
	if ('fused' in qkv) {
		const name = `${block.name}.${qkv.fused}`;
		const bias = qkv.bias ? weights(`${name}.bias`, [3 * dim]) : null;
		return { name, weight: weights(`${name}.weight`, [3 * dim, dim]), bias };
	}
	const parts = PARTS.map((part) => qkvPart(weights, plan, block, part));
	return {
		name: `${block.name}:qkv`,
		weight: { data: joined(parts.map(({ weight }) => weight)), shape: [3 * dim, dim] },
		bias: parts.some(({ bias }) => bias) ? { data: qkvBias(weights, plan, block), shape: [3 * dim] } : null,
	};
}

/** The biases of the three projections, 0 where missing: [3 · dim]. */
export function qkvBias(weights: WeightLookup, plan: VitPlan, block: VitBlock): Float32Array {
	const { dim } = plan;
	const none = { data: new Float32Array(dim), shape: [dim] };
	return joined(PARTS.map((part) => qkvPart(weights, plan, block, part).bias ?? none));
}

/** Number of projections with a bias. */
export function qkvBiases({ layerNames: { qkv } }: VitPlan): number {
	if ('fused' in qkv) return qkv.bias ? PARTS.length : 0;
	return PARTS.length - qkv.biasless.length;
}

/** The layer with its output i multiplied by `factors[i]`, in its weights and bias. */
export function scaleOutputs({ name, weight, bias }: LinearWeights, factors: Float32Array): LinearWeights {
	const scaled = ({ data, shape }: Tensor): Tensor => {
		const width = data.length / factors.length;
		const numbers = data as Float32Array;
		return { data: numbers.map((value, i) => value * factors[Math.floor(i / width)]!), shape };
	};
	return { name: `${name}:scaled`, weight: scaled(weight), bias: bias && scaled(bias) };
}

/** The layer with its outputs reordered: output i is output `order[i]` of the given one. */
export function reorderOutputs(
	{ name, weight, bias }: LinearWeights,
	order: readonly number[],
): LinearWeights {
	const pick = ({ data, shape }: Tensor): Tensor => {
		const width = data.length / shape[0]!;
		const picked = new Float32Array(order.length * width);
		order.forEach((row, i) =>
			picked.set((data as Float32Array).subarray(row * width, (row + 1) * width), i * width),
		);
		return { data: picked, shape: [order.length, ...shape.slice(1)] };
	};
	return { name: `${name}:reordered`, weight: pick(weight), bias: bias && pick(bias) };
}

/** `count` rows of a tensor from row `first` on; the same numbers in memory. */
export function rowsOf({ data, shape }: Tensor, first: number, count: number): Tensor {
	const width = data.length / shape[0]!;
	const rows = (data as Float32Array).subarray(first * width, (first + count) * width);
	return { data: rows, shape: [count, ...shape.slice(1)] };
}

function joined(tensors: readonly Tensor[]): Float32Array {
	const out = new Float32Array(tensors.reduce((sum, { data }) => sum + data.length, 0));
	let at = 0;
	for (const { data } of tensors) {
		out.set(data as Float32Array, at);
		at += data.length;
	}
	return out;
}
