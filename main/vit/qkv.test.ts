import { expect, it } from 'vitest';
import type { WeightLookup } from '../graph/layers.ts';
import { PLAIN_BLOCK, USUAL_LAYER_NAMES, type QkvNames, type VitPlan } from './plan.ts';
import { fusedQkv, qkvBias, qkvPart, scaleOutputs } from './qkv.ts';
import { TINY_PLANS } from './tiny-plans.fixture.ts';

const BLOCK = { ...PLAIN_BLOCK, name: 'b', hidden: 1 };
/** Every number is the place of its row in the published tensor; separate tensors begin at 0, 10 and 20. */
const weights: WeightLookup = (name, shape) => {
	const first = { 'b.k': 10, 'b.v': 20 }[name.slice(0, 3)] ?? 0;
	const width = shape[1] ?? 1;
	const length = shape.reduce((size, dim) => size * dim, 1);
	return { data: Float32Array.from({ length }, (_, i) => first + Math.floor(i / width)), shape };
};

it.each<[string, QkvNames, number[], number[]]>([
	['one matrix', { fused: 'qkv', bias: true }, [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]],
	['one matrix without bias', { fused: 'qkv', bias: false }, [0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 0]],
	[
		'three matrices, keys without bias',
		{ query: 'q', key: 'k', value: 'v', biasless: ['key'] },
		[0, 1, 10, 11, 20, 21],
		[0, 1, 0, 0, 20, 21],
	],
])('queries, keys and values come from %s', (_, qkv, rows, biases) => {
	const plan: VitPlan = { ...TINY_PLANS[0]!, dim: 2, layerNames: { ...USUAL_LAYER_NAMES, qkv } };
	const fused = fusedQkv(weights, plan, BLOCK);
	expect(firstColumn(fused.weight.data, 2)).toEqual(rows);
	expect([...qkvBias(weights, plan, BLOCK).data]).toEqual(biases);
	expect(fused.bias === null).toBe(biases.every((bias) => bias === 0));
	const parts = (['query', 'key', 'value'] as const).map((part) => qkvPart(weights, plan, BLOCK, part));
	expect(parts.flatMap(({ weight }) => firstColumn(weight.data, 2))).toEqual(rows);
	expect(parts.flatMap(({ bias }) => (bias ? firstColumn(bias.data, 1) : [0, 0]))).toEqual(biases);
});

it('a layer scale multiplies what a layer gives', () => {
	const scaled = scaleOutputs(
		{
			name: 'projection',
			weight: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
			bias: { data: Float32Array.of(5, 6), shape: [2] },
		},
		{ data: Float32Array.of(10, -1), shape: [2] },
	);
	expect([...scaled.weight.data]).toEqual([10, 20, -3, -4]);
	expect([...scaled.bias!.data]).toEqual([50, -6]);
});

function firstColumn(data: ArrayLike<number | bigint>, width: number): number[] {
	return Array.from(data, Number).filter((_, i) => i % width === 0);
}
