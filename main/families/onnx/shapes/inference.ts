import type { OnnxConstant, OnnxFile, OnnxPort } from '../onnx-file.ts';
import {
	FEW_NUMBERS,
	type Known,
	NodeView,
	type Rule,
	type Shape,
	type Size1d,
	elementsOf,
	fromStart,
} from './node-view.ts';
import { attention, ATTENTION_OPERATORS, skipNorm } from './attention.ts';
import { binary, broadcast, elementwise, manyBroadcast, same, unary } from './elementwise.ts';
import { convTranspose, convolution, globalPool, pool, resize } from './windows.ts';
import { einsum, gemm, matMul } from './products.ts';
import {
	concat,
	expand,
	flatten,
	gather,
	gatherNd,
	pad,
	reshape,
	slice,
	split,
	squeeze,
	tile,
	transpose,
	unsqueeze,
} from './rearranging.ts';
import { arg, reduce, reduceProduct, topK } from './reductions.ts';

/**
 * The shapes of all values of a graph whose inputs have these shapes, by name. What is worked out from shapes inside the graph,
 * as exporters love to do, is worked out here too. `unknown`: operators that nothing is known of.
 */
export function inferShapes(
	file: Pick<OnnxFile, 'nodes' | 'constants' | 'stated'>,
	inputs: ReadonlyMap<string, Shape>,
): { shapes: ReadonlyMap<string, Shape>; unknown: ReadonlySet<string> } {
	const known = new Map<string, Known>();
	const stated = new Map(file.stated.map(({ name, dims }) => [name, statedShape(dims)]));
	for (const [name, shape] of inputs) known.set(name, { shape });
	for (const [name, constant] of file.constants) known.set(name, knownConstant(constant));
	const unknown = new Set<string>();
	for (const node of file.nodes) {
		const rule = RULES[node.operator];
		if (!rule) unknown.add(node.operator);
		const given = node.inputs.map((name) => known.get(name) ?? { shape: null });
		const results = rule?.(new NodeView(node, given)) ?? [];
		node.outputs.forEach((name, i) => {
			const result = results[i] ?? { shape: null };
			const fallback = result.shape === null ? (stated.get(name) ?? null) : result.shape;
			known.set(name, { ...result, shape: fallback });
		});
	}
	return { shapes: new Map([...known].map(([name, { shape }]) => [name, shape])), unknown };
}

/** What a file states; sizes that vary are unknown. */
export function statedShape(dims: OnnxPort['dims']): Shape {
	return dims && dims.map((dim) => (typeof dim === 'number' ? dim : null));
}

function knownConstant({ dims, values }: OnnxConstant): Known {
	return { shape: dims, numbers: values ?? undefined };
}

const shapeOf: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const part = input.slice(node.number('start', 0), node.number('end', input.length));
	return [{ shape: [part.length], numbers: part.includes(null) ? undefined : (part as number[]) }];
};

const sizeOf: Rule = (node) => {
	const count = elementsOf(node.shape());
	return [{ shape: [], numbers: count === null ? undefined : [count] }];
};

const constant: Rule = ({ node }) => {
	for (const [name, value] of node.attributes) {
		if (typeof value === 'object' && 'dims' in value) return [knownConstant(value)];
		if (name === 'value_int' || name === 'value_float') return [{ shape: [], numbers: [value as number] }];
		if (Array.isArray(value)) return [{ shape: [value.length], numbers: value as number[] }];
	}
	return [];
};

const constantOfShape: Rule = (node) => {
	const shape = node.numbers(0);
	if (!shape) return [];
	const value = node.node.attributes.get('value');
	const number = typeof value === 'object' && 'dims' in value ? (value.values?.[0] ?? 0) : 0;
	const count = elementsOf(shape)!;
	return [{ shape, numbers: count <= FEW_NUMBERS ? Array<number>(count).fill(number) : undefined }];
};

const range: Rule = (node) => {
	const [start, limit, step] = [node.numbers(0)?.[0], node.numbers(1)?.[0], node.numbers(2)?.[0]];
	if (start === undefined || limit === undefined || !step) return [{ shape: [null] }];
	const count = Math.max(0, Math.ceil((limit - start) / step));
	const numbers =
		count <= FEW_NUMBERS ? Array.from({ length: count }, (_, i) => start + i * step) : undefined;
	return [{ shape: [count], numbers }];
};

const where: Rule = (node) => {
	const shape = broadcast([node.shape(0), node.shape(1), node.shape(2)]);
	const [condition, yes, no] = [node.numbers(0), node.numbers(1), node.numbers(2)];
	const count = elementsOf(shape);
	if (!condition || !yes || !no || count === null || count > FEW_NUMBERS) return [{ shape }];
	const at = (list: readonly number[], i: number) => list[list.length === 1 ? 0 : i]!;
	const numbers = Array.from({ length: count }, (_, i) => (at(condition, i) ? at(yes, i) : at(no, i)));
	return [
		{
			shape,
			numbers: [condition, yes, no].every((l) => l.length === 1 || l.length === count) ? numbers : undefined,
		},
	];
};

const gridSample: Rule = (node) => {
	const [input, grid] = [node.shape(0), node.shape(1)];
	if (!input || !grid) return [];
	return [{ shape: [...input.slice(0, 2), ...grid.slice(1, -1)] }];
};

const spaceAndDepth: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const side = node.number('blocksize', 1);
	const toDepth = node.node.operator === 'SpaceToDepth';
	const scale = (size: Size1d, by: number) => (size === null ? null : Math.floor(size * by));
	const [batch, depth, height, width] = input as [Size1d, Size1d, Size1d, Size1d];
	const along = toDepth ? 1 / side : side;
	return [
		{
			shape: [
				batch,
				scale(depth, toDepth ? side ** 2 : 1 / side ** 2),
				scale(height, along),
				scale(width, along),
			],
		},
	];
};

const oneHot: Rule = (node) => {
	const indices = node.shape();
	if (!indices) return [];
	const axis = fromStart(node.number('axis', -1), indices.length + 1);
	return [{ shape: indices.toSpliced(axis, 0, node.numbers(1)?.[0] ?? null) }];
};

/** Rank times as many numbers as are not zero. */
const nonZero: Rule = (node) => [{ shape: [node.shape()?.length ?? null, null] }];

const each = (names: string, rule: Rule): Record<string, Rule> =>
	Object.fromEntries(names.split(' ').map((name) => [name, rule]));

/** By operator, what comes out of it. */
const RULES: Readonly<Record<string, Rule>> = {
	...each('Identity Cast CastLike Dropout', same),
	...each(
		'Relu LeakyRelu PRelu Sigmoid HardSigmoid HardSwish Tanh Erf Gelu Elu Selu Celu Softplus Softsign Mish Swish Exp Log Abs ' +
			'Sin Cos Tan Atan Reciprocal Sign Clip Not IsNaN IsInf Softmax LogSoftmax Hardmax BatchNormalization ' +
			'InstanceNormalization LayerNormalization GroupNormalization RMSNormalization LpNormalization MeanVarianceNormalization ' +
			'LRN CumSum QuantizeLinear DequantizeLinear ScatterND ScatterElements Scatter Trilu ThresholdedRelu RotaryEmbedding ' +
			'com.microsoft.Gelu com.microsoft.FastGelu com.microsoft.BiasGelu com.microsoft.QuickGelu ' +
			'com.microsoft.GroupNorm com.microsoft.RotaryEmbedding ' +
			'com.microsoft.QuantizeLinear com.microsoft.DequantizeLinear',
		elementwise,
	),
	Neg: unary((a) => -a),
	Floor: unary(Math.floor),
	Ceil: unary(Math.ceil),
	Round: unary(Math.round),
	Sqrt: unary(Math.sqrt),
	Add: binary((a, b) => a + b),
	Sub: binary((a, b) => a - b),
	Mul: binary((a, b) => a * b),
	Div: binary((a, b) => (Number.isInteger(a) && Number.isInteger(b) ? Math.trunc(a / b) : a / b)),
	Mod: binary((a, b) => a - b * Math.floor(a / b)),
	Pow: binary((a, b) => a ** b),
	Equal: binary((a, b) => Number(a === b)),
	Greater: binary((a, b) => Number(a > b)),
	Less: binary((a, b) => Number(a < b)),
	...each('Min Max Mean Sum And Or Xor GreaterOrEqual LessOrEqual BitShift', manyBroadcast),
	...each('Conv ConvInteger com.microsoft.FusedConv', convolution(1)),
	QLinearConv: convolution(3),
	DeformConv: convolution(1),
	ConvTranspose: convTranspose,
	...each('MaxPool AveragePool LpPool', pool),
	...each('GlobalAveragePool GlobalMaxPool GlobalLpPool', globalPool),
	...each('MatMul MatMulInteger com.microsoft.FusedMatMul', matMul(1)),
	QLinearMatMul: matMul(3),
	...each('Gemm com.microsoft.FusedGemm', gemm),
	Einsum: einsum,
	Concat: concat,
	Split: split,
	Slice: slice,
	Gather: gather,
	GatherElements: (node) => [{ shape: node.shape(1) }],
	GatherND: gatherNd,
	Reshape: reshape,
	Flatten: flatten,
	Squeeze: squeeze,
	Unsqueeze: unsqueeze,
	Transpose: transpose,
	Expand: expand,
	Tile: tile,
	Pad: pad,
	...each('Resize Upsample', resize),
	...each(
		'ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceLogSumExp ReduceSumSquare',
		reduce,
	),
	ReduceProd: reduceProduct,
	...each('ArgMax ArgMin', arg),
	TopK: topK,
	Shape: shapeOf,
	Size: sizeOf,
	Constant: constant,
	ConstantOfShape: constantOfShape,
	Range: range,
	Where: where,
	GridSample: gridSample,
	...each('DepthToSpace SpaceToDepth', spaceAndDepth),
	OneHot: oneHot,
	NonMaxSuppression: () => [{ shape: [null, 3] }],
	NonZero: nonZero,
	...each(ATTENTION_OPERATORS.join(' '), attention),
	...each('com.microsoft.SkipLayerNormalization com.microsoft.SkipSimplifiedLayerNormalization', skipNorm),
};
