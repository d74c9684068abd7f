import { derivedTensor, type FloatTensor, joinedTensors, rowsOf } from '../domain/float-tensor.ts';
import type { WeightLookup } from '../graph/layers.ts';
import type { QkvPart, VitBlock, VitPlan } from './plan.ts';

/** A linear layer's weights [out, in] and bias [out] or null; `name` is that of its constants in a graph. */
export type LinearWeights = { name: string; weight: FloatTensor; bias: FloatTensor | null };

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
		weight: joinedTensors(
			parts.map(({ weight }) => weight),
			[3 * dim, dim],
		),
		bias: parts.some(({ bias }) => bias) ? qkvBias(weights, plan, block) : null,
	};
}

/** The biases of the three projections, 0 where missing: [3 · dim]. */
export function qkvBias(weights: WeightLookup, plan: VitPlan, block: VitBlock): FloatTensor {
	const { dim } = plan;
	const none = derivedTensor('zeros', [], [dim], () => new Float32Array(dim));
	return joinedTensors(
		PARTS.map((part) => qkvPart(weights, plan, block, part).bias ?? none),
		[3 * dim],
	);
}

/** Number of projections with a bias. */
export function qkvBiases({ layerNames: { qkv } }: VitPlan): number {
	if ('fused' in qkv) return qkv.bias ? PARTS.length : 0;
	return PARTS.length - qkv.biasless.length;
}

/** The layer with its output i multiplied by `factors[i]`, in its weights and bias. */
export function scaleOutputs({ name, weight, bias }: LinearWeights, factors: FloatTensor): LinearWeights {
	const scaled = (tensor: FloatTensor): FloatTensor =>
		derivedTensor('scale rows', [tensor, factors], tensor.shape, () => {
			const [numbers, scales] = [tensor.data, factors.data];
			const width = numbers.length / scales.length;
			return numbers.map((value, i) => value * scales[Math.floor(i / width)]!);
		});
	return { name: `${name}:scaled`, weight: scaled(weight), bias: bias && scaled(bias) };
}

/** The layer with its outputs reordered: output i is output `order[i]` of the given one. */
export function reorderOutputs(
	{ name, weight, bias }: LinearWeights,
	order: readonly number[],
): LinearWeights {
	const pick = (tensor: FloatTensor): FloatTensor => {
		const shape = [order.length, ...tensor.shape.slice(1)];
		return derivedTensor(`rows ${order.join(' ')}`, [tensor], shape, () => {
			const { data } = tensor;
			const width = data.length / tensor.shape[0]!;
			const picked = new Float32Array(order.length * width);
			order.forEach((row, i) => picked.set(data.subarray(row * width, (row + 1) * width), i * width));
			return picked;
		});
	};
	return { name: `${name}:reordered`, weight: pick(weight), bias: bias && pick(bias) };
}
