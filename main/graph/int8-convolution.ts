import { derivedTensor, elementCount, type FloatTensor } from '../domain/float-tensor.ts';
import {
	type CompiledGraph,
	elementType,
	type GraphBuilder,
	type GraphNode,
	type Tensor,
	type Value,
} from './graph-builder.ts';
import { roundedRows } from './int8-linear.ts';
import { rewriteNodes } from './rewrite-nodes.ts';

/** Convolutions with fewer weights stay as they are: rounding what they read would cost more than it saves. */
const LEAST_WEIGHTS = 2 ** 14;

/** Rows of pixels [pixels, channels] of a picture of `size` (rows, columns). */
type PixelRows = { name: string; size: readonly [number, number]; channels: number };

/** A convolution, and the rows that it reads and gives where what brings them to planes and back is left out. */
type BetweenRows = { conv: GraphNode; weight: FloatTensor; from: PixelRows; to: PixelRows };

/**
 * The graph with convolutions of one picture in whole numbers of eight bits, where what they read and what they give lies as rows of pixels
 * anyway: each pixel's surroundings are gathered in bytes, and that is a linear layer. Rounded as linear layers are, see `int8-linear.ts`.
 * Multiply-adds are counted as before. The same graph where there is none.
 */
export function withInt8Convolutions(graph: CompiledGraph): CompiledGraph {
	const readers = new Map<string, GraphNode[]>();
	for (const node of graph.nodes)
		for (const name of node.input) readers.set(name, [...(readers.get(name) ?? []), node]);
	const givers = new Map(graph.nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
	return rewriteNodes(graph, (node, builder) => {
		const convolution = betweenRows(graph, node, givers, readers);
		if (!convolution) return null;
		const { to, needless } = convolution;
		return { answer: gathered(convolution, builder), output: to.name, needless };
	});
}

/** Null where a node is another, too small, or not between rows that nothing else reads as planes; `needless`: nodes that go with it. */
function betweenRows(
	{ constants, values, outputs }: CompiledGraph,
	conv: GraphNode,
	givers: ReadonlyMap<string, GraphNode>,
	readers: ReadonlyMap<string, readonly GraphNode[]>,
): (BetweenRows & { needless: readonly GraphNode[] }) | null {
	const weight = conv.opType === 'Conv' ? constants.get(conv.input[1]!) : undefined;
	if (!isLarge(weight) || conv.attributes['group'] !== 1) return null;
	if ((conv.attributes['dilations'] as readonly number[]).some((dilation) => dilation !== 1)) return null;
	const toPlanes = givers.get(conv.input[0]!);
	const turned = givers.get(toPlanes?.input[0] ?? '');
	const fromPlanes = onlyReader(conv.output[0]!);
	const back = onlyReader(fromPlanes?.output[0] ?? '');
	if (toPlanes?.opType !== 'Reshape' || fromPlanes?.opType !== 'Reshape') return null;
	if (turned?.opType !== 'Transpose' || back?.opType !== 'Transpose') return null;
	const from = rowsOf(turned.input[0]!, conv.input[0]!);
	const to = rowsOf(back.output[0]!, conv.output[0]!);
	if (!from || !to) return null;
	const needless = [fromPlanes, back];
	// What others read as planes too stays.
	if (onlyReader(toPlanes.output[0]!))
		needless.push(toPlanes, ...(onlyReader(turned.output[0]!) ? [turned] : []));
	return { conv, weight, from, to, needless };

	function onlyReader(name: string): GraphNode | undefined {
		const [reader, ...others] = readers.get(name) ?? [];
		return others.length === 0 && outputs.every((output) => output.name !== name) ? reader : undefined;
	}

	/** Null where a matrix does not hold the pixels of planes [1, channels, rows, columns], one behind the other. */
	function rowsOf(matrix: string, planes: string): PixelRows | null {
		const [pictures, channels, rows, cols] = values.get(planes)?.shape ?? [];
		if (pictures !== 1 || typeof rows !== 'number' || typeof cols !== 'number') return null;
		const shape = values.get(matrix)?.shape ?? [];
		if (shape.length !== 2 || shape[0] !== rows * cols || shape[1] !== channels) return null;
		return { name: matrix, size: [rows, cols], channels: channels as number };
	}
}

function isLarge(tensor: Tensor | undefined): tensor is FloatTensor {
	if (tensor?.shape.length !== 4 || elementType(tensor) !== 'float32') return false;
	return elementCount(tensor.shape) >= LEAST_WEIGHTS;
}

/** The convolution as a product of rows, [pixels, channels] of `to`. */
function gathered(convolution: BetweenRows, graph: GraphBuilder): Value {
	const { conv, weight, from, to } = convolution;
	const [, , kernelRows, kernelCols] = weight.shape as [number, number, number, number];
	const taps = kernelRows * kernelCols;
	const [pixels, answers] = [from.size[0] * from.size[1], to.size[0] * to.size[1]];
	const x = { name: from.name, type: 'float32' as const, shape: [pixels, from.channels] };
	const [bytes, scale, zero] = graph.ops(
		'DynamicQuantizeLinear',
		[x],
		[
			{ type: 'uint8', shape: x.shape },
			{ type: 'float32', shape: [] },
			{ type: 'uint8', shape: [] },
		],
	);
	// Behind all pixels one that is outside of the picture.
	const reshaped = graph.op('Reshape', [zero!, graph.integers([1, 1])], { shape: [1, 1] });
	const outside = graph.op('Expand', [reshaped, graph.integers([1, from.channels])], {
		shape: [1, from.channels],
	});
	const all = graph.op(
		'Concat',
		[bytes!, outside],
		{ shape: [pixels + 1, from.channels] },
		{ attributes: { axis: 0 } },
	);
	const indices = { data: surroundings(convolution), shape: [answers, taps] };
	const around = graph.op(
		'Gather',
		[all, graph.constant(`surroundings:${conv.name}`, indices)],
		{ shape: [answers, taps, from.channels] },
		{ attributes: { axis: 0 } },
	);
	const size = taps * from.channels;
	const rows = graph.op('Reshape', [around, graph.integers([answers, size])], { shape: [answers, size] });
	const { numbers, scales } = roundedRows(channelsLast(weight));
	const [, name, bias] = conv.input;
	return graph.op(
		'MatMulIntegerToFloat',
		[
			rows,
			graph.constant(`${name}:int8`, numbers),
			scale!,
			graph.constant(`${name}:scales`, scales),
			zero!,
			null, // zero points of the weights: none
			bias ? { name: bias, type: 'float32', shape: [to.channels] } : null,
		],
		{ type: 'float32', shape: [answers, to.channels] },
		{ domain: 'com.microsoft' },
	);
}

/** For each pixel of the answer those that its kernel lies over, [answers, taps]; the number of pixels where that is outside. */
function surroundings({ conv, weight, from, to }: BetweenRows): Int32Array {
	const [, , kernelRows, kernelCols] = weight.shape as [number, number, number, number];
	const [down, across] = conv.attributes['strides'] as [number, number];
	const [top, left] = conv.attributes['pads'] as [number, number];
	const [rows, cols] = from.size;
	const taps = kernelRows * kernelCols;
	return Int32Array.from({ length: to.size[0] * to.size[1] * taps }, (_, i) => {
		const [answer, tap] = [Math.floor(i / taps), i % taps];
		const row = Math.floor(answer / to.size[1]) * down - top + Math.floor(tap / kernelCols);
		const col = (answer % to.size[1]) * across - left + (tap % kernelCols);
		const inside = row >= 0 && row < rows && col >= 0 && col < cols;
		return inside ? row * cols + col : rows * cols;
	});
}

/** Weights [out, in, rows, cols] as [out, rows · cols · in]. */
function channelsLast(weight: FloatTensor): FloatTensor {
	const [out, width, rows, cols] = weight.shape as [number, number, number, number];
	const taps = rows * cols;
	return derivedTensor('channels last', [weight], [out, taps * width], () => {
		const { data } = weight;
		return Float32Array.from({ length: data.length }, (_, i) => {
			const [row, rest] = [Math.floor(i / (taps * width)), i % (taps * width)];
			return data[(row * width + (rest % width)) * taps + Math.floor(rest / width)]!;
		});
	});
}
