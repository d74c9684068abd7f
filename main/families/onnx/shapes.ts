import type { OnnxConstant, OnnxFile, OnnxNode, OnnxPort } from './onnx-file.ts';

/** A size, or null where only running tells it. */
export type Size1d = number | null;
/** Null where not even the number of axes is known. */
export type Shape = readonly Size1d[] | null;

/** More numbers are never sizes. */
const FEW_NUMBERS = 4096;

/** What is known of a value before the graph runs: its shape, and its numbers where they are sizes, axes or the like. */
type Known = { shape: Shape; numbers?: readonly number[] | undefined };

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

function statedShape(dims: OnnxPort['dims']): Shape {
	return dims && dims.map((dim) => (typeof dim === 'number' ? dim : null));
}

function knownConstant({ dims, values }: OnnxConstant): Known {
	return { shape: dims, numbers: values ?? undefined };
}

/** Numbers in all; null where a size is unknown. */
export function elementsOf(shape: Shape): number | null {
	if (shape === null) return null;
	return shape.reduce<Size1d>(
		(product, size) => (product === null || size === null ? null : product * size),
		1,
	);
}

/** A node with what is known of its inputs. */
export class NodeView {
	readonly node: OnnxNode;
	readonly #given: readonly Known[];

	constructor(node: OnnxNode, given: readonly Known[]) {
		this.node = node;
		this.#given = given;
	}

	/** Whether the optional input `i` is there. */
	has(i: number): boolean {
		return (this.node.inputs[i] ?? '') !== '';
	}

	get inputs(): readonly Known[] {
		return this.#given;
	}

	shape(i = 0): Shape {
		return this.#given[i]?.shape ?? null;
	}

	numbers(i: number): readonly number[] | undefined {
		return this.has(i) ? this.#given[i]?.numbers : undefined;
	}

	number(name: string, otherwise: number): number {
		const value = this.node.attributes.get(name);
		return typeof value === 'number' ? value : otherwise;
	}

	text(name: string): string {
		const value = this.node.attributes.get(name);
		return typeof value === 'string' ? value : '';
	}

	list(name: string): readonly number[] | undefined {
		const value = this.node.attributes.get(name);
		return Array.isArray(value) ? (value as readonly number[]) : undefined;
	}

	/** Axes or the like, which older operator sets have as an attribute and newer ones as an input. */
	listOrInput(name: string, i: number): readonly number[] | undefined {
		return this.list(name) ?? this.numbers(i);
	}
}

type Rule = (node: NodeView) => readonly Known[];

const same: Rule = (node) => [{ shape: node.shape(), numbers: node.numbers(0) }];
/** The same shape, other numbers. */
const elementwise: Rule = (node) => [{ shape: node.shape() }];

function broadcast(shapes: readonly Shape[]): Shape {
	if (shapes.some((shape) => shape === null)) return null;
	const rank = Math.max(0, ...shapes.map((shape) => shape!.length));
	return Array.from({ length: rank }, (_, axis) => {
		const sizes = shapes.map((shape) => shape!.at(axis - rank)).filter((size) => size !== undefined);
		const large = sizes.find((size) => size !== null && size !== 1);
		if (large !== undefined) return large;
		return sizes.includes(null) ? null : 1;
	});
}

/** Element by element over two inputs, with their numbers where these are few. */
function binary(compute: (a: number, b: number) => number): Rule {
	return (node) => {
		const shape = broadcast([node.shape(0), node.shape(1)]);
		const [a, b] = [node.numbers(0), node.numbers(1)];
		const count = elementsOf(shape);
		if (!a || !b || count === null || count > FEW_NUMBERS || !isSimple(a, b, count)) return [{ shape }];
		const at = (list: readonly number[], i: number) => list[list.length === 1 ? 0 : i]!;
		return [{ shape, numbers: Array.from({ length: count }, (_, i) => compute(at(a, i), at(b, i))) }];
	};
}

function isSimple(a: readonly number[], b: readonly number[], count: number): boolean {
	return [a, b].every(({ length }) => length === 1 || length === count);
}

function unary(compute: (a: number) => number): Rule {
	return (node) => [{ shape: node.shape(), numbers: node.numbers(0)?.map(compute) }];
}

const manyBroadcast: Rule = (node) => [{ shape: broadcast(node.inputs.map(({ shape }) => shape)) }];

/** Sizes behind a sliding window, per axis of space. */
function windowSizes(node: NodeView, input: readonly Size1d[], kernel: readonly number[]): Size1d[] {
	const axes = input.length - 2;
	const ones = Array<number>(axes).fill(1);
	const strides = node.list('strides') ?? ones;
	const dilations = node.list('dilations') ?? ones;
	const pads = node.list('pads') ?? Array<number>(2 * axes).fill(0);
	const padding = node.text('auto_pad');
	const round = node.number('ceil_mode', 0) ? Math.ceil : Math.floor;
	return Array.from({ length: axes }, (_, axis) => {
		const size = input[axis + 2]!;
		if (size === null) return null;
		const [stride, reach] = [strides[axis]!, dilations[axis]! * (kernel[axis]! - 1) + 1];
		if (padding.startsWith('SAME')) return Math.ceil(size / stride);
		const padded = padding === 'VALID' ? size : size + pads[axis]! + pads[axis + axes]!;
		return round((padded - reach) / stride) + 1;
	});
}

/** Index of the weights among a convolution's inputs. */
function convolution(weight: number): Rule {
	return (node) => {
		const [input, kernel] = [node.shape(0), node.shape(weight)];
		if (!input || !kernel) return [];
		const sides = kernel.slice(2).map((side) => side ?? 1);
		return [{ shape: [input[0]!, kernel[0]!, ...windowSizes(node, input, sides)] }];
	};
}

const convTranspose: Rule = (node) => {
	const [input, kernel] = [node.shape(0), node.shape(1)];
	if (!input || !kernel) return [];
	const axes = input.length - 2;
	const ones = Array<number>(axes).fill(1);
	const zeros = Array<number>(2 * axes).fill(0);
	const [strides, dilations] = [node.list('strides') ?? ones, node.list('dilations') ?? ones];
	const [pads, extra] = [node.list('pads') ?? zeros, node.list('output_padding') ?? zeros];
	const fixed = node.list('output_shape');
	const sizes = Array.from({ length: axes }, (_, axis): Size1d => {
		if (fixed) return fixed.at(axis - axes)!;
		const [size, side] = [input[axis + 2]!, kernel[axis + 2]!];
		if (size === null || side === null) return null;
		if (node.text('auto_pad').startsWith('SAME')) return size * strides[axis]!;
		const reach = dilations[axis]! * (side - 1) + 1;
		return strides[axis]! * (size - 1) + extra[axis]! + reach - pads[axis]! - pads[axis + axes]!;
	});
	const out = kernel[1];
	return [
		{
			shape: [input[0]!, out === null || out === undefined ? null : out * node.number('group', 1), ...sizes],
		},
	];
};

const pool: Rule = (node) => {
	const input = node.shape();
	const kernel = node.list('kernel_shape');
	if (!input || !kernel) return [];
	const shape = [...input.slice(0, 2), ...windowSizes(node, input, kernel)];
	return [{ shape }, { shape }];
};

const globalPool: Rule = (node) => {
	const input = node.shape();
	return [{ shape: input && input.map((size, axis) => (axis < 2 ? size : 1)) }];
};

/** `a` [.., n, k] · `b` [.., k, m]. */
export function matMulShape(a: Shape, b: Shape): Shape {
	if (!a || !b || a.length === 0 || b.length === 0) return null;
	const [left, right] = [a.length === 1 ? [1, ...a] : a, b.length === 1 ? [...b, 1] : b];
	const batch = broadcast([left.slice(0, -2), right.slice(0, -2)])!;
	return [...batch, ...(a.length === 1 ? [] : [left.at(-2)!]), ...(b.length === 1 ? [] : [right.at(-1)!])];
}

const matMul =
	(b: number): Rule =>
	(node) => [{ shape: matMulShape(node.shape(0), node.shape(b)) }];

const gemm: Rule = (node) => {
	const [a, b] = [node.shape(0), node.shape(1)];
	if (!a || !b) return [];
	const rows = node.number('transA', 0) ? a[1] : a[0];
	const cols = node.number('transB', 0) ? b[0] : b[1];
	return [{ shape: [rows ?? null, cols ?? null] }];
};

/** Sizes by the letters of an Einsum's equation, and the letters of its result; null where it is not plain. */
export function einsumSizes(node: NodeView): { sizes: Map<string, Size1d>; result: string } | null {
	const [terms, result] = node.text('equation').replaceAll(' ', '').split('->');
	if (!terms || result === undefined || terms.includes('.')) return null;
	const sizes = new Map<string, Size1d>();
	terms.split(',').forEach((term, i) => {
		[...term].forEach((letter, axis) =>
			sizes.set(letter, sizes.get(letter) ?? node.shape(i)?.[axis] ?? null),
		);
	});
	return { sizes, result };
}

const einsum: Rule = (node) => {
	const plain = einsumSizes(node);
	return [{ shape: plain && [...plain.result].map((letter) => plain.sizes.get(letter) ?? null) }];
};

const concat: Rule = (node) => {
	const shapes = node.inputs.map(({ shape }) => shape);
	const first = shapes[0];
	if (!first || shapes.some((shape) => shape === null)) return [];
	const axis = fromStart(node.number('axis', 0), first.length);
	const sizes = shapes.map((shape) => shape![axis] ?? null);
	const total = sizes.reduce<Size1d>((sum, size) => (sum === null || size === null ? null : sum + size), 0);
	const lists = node.inputs.map(({ numbers }) => numbers);
	const all = first.length === 1 && lists.every((list) => list !== undefined) ? lists.flat() : undefined;
	return [{ shape: first.with(axis, total), numbers: all }];
};

const split: Rule = (node) => {
	const input = node.shape();
	const count = node.node.outputs.length;
	if (!input) return [];
	const axis = fromStart(node.number('axis', 0), input.length);
	const sizes = node.listOrInput('split', 1);
	const size = input[axis] ?? null;
	return Array.from({ length: count }, (_, i) => {
		const each = size === null ? null : Math.ceil(size / count);
		const own = sizes?.[i] ?? (each === null ? null : Math.min(each, size! - i * each));
		return { shape: input.with(axis, own) };
	});
};

const slice: Rule = (node) => {
	const input = node.shape();
	const [starts, ends] = [node.listOrInput('starts', 1), node.listOrInput('ends', 2)];
	if (!input) return [];
	const axes = node.listOrInput('axes', 3) ?? starts?.map((_, i) => i) ?? [];
	const steps = node.numbers(4);
	const hasAxes = axes.length > 0 && (!node.has(3) || node.numbers(3) !== undefined);
	if (!starts || !ends || !hasAxes || (node.has(4) && !steps)) {
		const cut = new Set(axes.map((axis) => fromStart(axis, input.length)));
		const isKnown = !node.has(3) || node.numbers(3) !== undefined;
		return [
			{ shape: input.map((size, axis) => (isKnown && axes.length > 0 && !cut.has(axis) ? size : null)) },
		];
	}
	const shape = [...input];
	let numbers = input.length === 1 ? node.numbers(0) : undefined;
	axes.forEach((given, i) => {
		const axis = fromStart(given, input.length);
		const size = input[axis] ?? null;
		const step = steps?.[i] ?? 1;
		if (size === null) {
			shape[axis] = null;
			numbers = undefined;
			return;
		}
		const clamp = (at: number, least: number, most: number) =>
			Math.min(most, Math.max(least, at < 0 ? at + size : at));
		const from = step > 0 ? clamp(starts[i]!, 0, size) : clamp(starts[i]!, -1, size - 1);
		const to = step > 0 ? clamp(ends[i]!, 0, size) : clamp(ends[i]!, -1, size - 1);
		const count = Math.max(0, Math.ceil((to - from) / step));
		shape[axis] = count;
		numbers = numbers && Array.from({ length: count }, (_, j) => numbers![from + j * step]!);
	});
	return [{ shape, numbers }];
};

const gather: Rule = (node) => {
	const [data, indices] = [node.shape(0), node.shape(1)];
	if (!data || !indices) return [];
	const axis = fromStart(node.number('axis', 0), data.length);
	const shape = [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
	const [list, at] = [node.numbers(0), node.numbers(1)];
	const numbers = data.length === 1 && list && at?.map((i) => list[fromStart(i, list.length)]!);
	return [{ shape, numbers: numbers || undefined }];
};

const gatherNd: Rule = (node) => {
	const [data, indices] = [node.shape(0), node.shape(1)];
	const depth = indices?.at(-1);
	if (!data || !indices || typeof depth !== 'number') return [];
	const batch = node.number('batch_dims', 0);
	return [{ shape: [...indices.slice(0, -1), ...data.slice(batch + depth)] }];
};

const reshape: Rule = (node) => {
	const input = node.shape();
	const target = node.listOrInput('shape', 1);
	const rank = node.shape(1)?.[0];
	if (!target) return typeof rank === 'number' ? [{ shape: Array<null>(rank).fill(null) }] : [];
	const copies = node.number('allowzero', 0) === 0;
	const shape = target.map((size, axis) => (size === 0 && copies ? (input?.[axis] ?? null) : size));
	const open = shape.indexOf(-1);
	if (open >= 0) {
		const all = elementsOf(input);
		const others = elementsOf(shape.filter((_, axis) => axis !== open));
		shape[open] = all === null || others === null || others === 0 ? null : all / others;
	}
	return [{ shape, numbers: node.numbers(0) }];
};

const flatten: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const axis = fromStart(node.number('axis', 1), input.length);
	return [{ shape: [elementsOf(input.slice(0, axis)), elementsOf(input.slice(axis))] }];
};

const squeeze: Rule = (node) => {
	const input = node.shape();
	const axes = node.listOrInput('axes', 1)?.map((axis) => fromStart(axis, input?.length ?? 0));
	if (!input || (!axes && input.includes(null))) return [];
	const shape = input.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1));
	return [{ shape, numbers: node.numbers(0) }];
};

const unsqueeze: Rule = (node) => {
	const input = node.shape();
	const given = node.listOrInput('axes', 1);
	if (!input || !given) return [];
	const rank = input.length + given.length;
	const axes = given.map((axis) => fromStart(axis, rank));
	let next = 0;
	const shape = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : input[next++]!));
	return [{ shape, numbers: node.numbers(0) }];
};

const transpose: Rule = (node) => {
	const input = node.shape();
	const order = node.list('perm') ?? input?.map((_, axis) => input.length - 1 - axis);
	return [{ shape: input && order!.map((axis) => input[axis] ?? null) }];
};

const expand: Rule = (node) => {
	const target = node.numbers(1);
	const shape = target ? broadcast([node.shape(), target]) : null;
	const [numbers, count] = [node.numbers(0), elementsOf(shape)];
	const fills = numbers?.length === 1 && count !== null && count <= FEW_NUMBERS;
	return [{ shape, numbers: fills ? Array<number>(count).fill(numbers[0]!) : undefined }];
};

const tile: Rule = (node) => {
	const [input, repeats] = [node.shape(), node.numbers(1)];
	if (!input) return [];
	return [
		{
			shape: input.map((size, axis) => {
				const times = repeats?.[axis];
				return size === null || times === undefined ? null : size * times;
			}),
		},
	];
};

const pad: Rule = (node) => {
	const input = node.shape();
	const pads = node.listOrInput('pads', 1);
	if (!input) return [];
	const axes = node.numbers(3)?.map((axis) => fromStart(axis, input.length)) ?? input.map((_, axis) => axis);
	const shape = [...input];
	axes.forEach((axis, i) => {
		const size = shape[axis] ?? null;
		shape[axis] = size === null || !pads ? null : size + pads[i]! + pads[i + axes.length]!;
	});
	return [{ shape }];
};

const resize: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const isOld = node.node.operator === 'Upsample' || node.inputs.length === 2;
	const sizes = node.numbers(3);
	if (sizes?.length === input.length) return [{ shape: sizes }];
	const scales = node.list('scales') ?? node.numbers(isOld ? 1 : 2);
	if (scales?.length !== input.length)
		return [{ shape: input.map((size, axis) => (axis < 2 ? size : null)) }];
	return [
		{ shape: input.map((size, axis) => (size === null ? null : Math.floor(size * scales[axis]! + 1e-6))) },
	];
};

/** Over `axes`, which newer operator sets have as an input. */
const reduce: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const given = node.listOrInput('axes', 1);
	if (!given && node.has(1)) return [];
	const axes = (given ?? input.map((_, axis) => axis)).map((axis) => fromStart(axis, input.length));
	const keeps = node.number('keepdims', 1) === 1;
	const shape = input.flatMap((size, axis) => (axes.includes(axis) ? (keeps ? [1] : []) : [size]));
	return [{ shape }];
};

const reduceProduct: Rule = (node) => {
	const [result] = reduce(node);
	const numbers = node.numbers(0);
	if (!result || !numbers || elementsOf(result.shape) !== 1) return result ? [result] : [];
	return [{ ...result, numbers: [numbers.reduce((product, one) => product * one, 1)] }];
};

const arg: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const axis = fromStart(node.number('axis', 0), input.length);
	const keeps = node.number('keepdims', 1) === 1;
	return [{ shape: input.flatMap((size, i) => (i === axis ? (keeps ? [1] : []) : [size])) }];
};

const topK: Rule = (node) => {
	const input = node.shape();
	if (!input) return [];
	const axis = fromStart(node.number('axis', -1), input.length);
	const k = node.numbers(1)?.[0] ?? node.node.attributes.get('k');
	const shape = input.with(axis, typeof k === 'number' ? k : null);
	return [{ shape }, { shape }];
};

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

/** Queries, keys and values in one projection: [batch, tokens, features]. */
const packedAttention: Rule = (node) => {
	const input = node.shape();
	const weights = node.shape(1);
	const width = node.list('qkv_hidden_sizes')?.[2] ?? (weights?.[1] ? weights[1] / 3 : null);
	return [{ shape: input && [...input.slice(0, 2), width] }];
};

/** Rank times as many numbers as are not zero. */
const nonZero: Rule = (node) => [{ shape: [node.shape()?.length ?? null, null] }];

function fromStart(axis: number, rank: number): number {
	return axis < 0 ? axis + rank : axis;
}

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
			'com.microsoft.SkipLayerNormalization com.microsoft.GroupNorm com.microsoft.RotaryEmbedding ' +
			'com.microsoft.QuantizeLinear com.microsoft.DequantizeLinear com.microsoft.MultiHeadAttention Attention',
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
	'com.microsoft.Attention': packedAttention,
};
