import type { GraphBuilder, Value } from './graph-builder.ts';

/** Largest number of a rounded probability. */
const LARGEST_PROBABILITY = 255;
/** Instead of sizes of what is all zero. */
const LEAST_SIZE = 1e-20;
const RUNTIME = 'com.microsoft';
/** The first that has scales for blocks of numbers. */
const BLOCKS_OPSET = 21;

/** Whole numbers from -127 to 127, and what 1 stands for. */
export type Rounded = { numbers: Value; scales: Value };

/**
 * What queries [heads, n, width] see of values [heads, m, width], with a scale for each column [heads, 1, width], through keys
 * [heads, width, m], with what products are scaled by [heads, 1, m]: [heads, n, width]. Queries are rounded by one scale for all heads,
 * probabilities by one for each query.
 */
export function attendInInt8(graph: GraphBuilder, queries: Value, keys: Rounded, values: Rounded): Value {
	const [heads, n] = queries.shape as [number, number | string];
	const m = keys.numbers.shape[2] as number;
	const shape = [heads, n, m];
	const products = [queries, keys.numbers, keys.scales];
	const logits = graph.op('DynamicQuantizeMatMul', products, { shape }, { domain: RUNTIME });
	const probabilities = graph.op('Softmax', [logits], { shape }, { attributes: { axis: -1 } });
	const largest = reduced(graph, 'ReduceMax', probabilities, 2);
	const scales = graph.op('Mul', [largest, graph.floats([1 / LARGEST_PROBABILITY])], {
		shape: largest.shape,
	});
	// A block is a row: scales along an axis would be applied by one thread. Without a zero point, bytes are from 0 to 255.
	graph.needsOpset(BLOCKS_OPSET);
	const bytes = graph.op(
		'QuantizeLinear',
		[probabilities, scales],
		{ shape, type: 'uint8' },
		{ attributes: { axis: 2, block_size: m } },
	);
	const answer = { shape: [heads, n, values.numbers.shape[2]!], type: 'float32' as const };
	const sums = graph.op('MatMulIntegerToFloat', [bytes, values.numbers, one(graph), values.scales], answer, {
		domain: RUNTIME,
	});
	return graph.op('Mul', [sums, scales], answer);
}

/** x [heads, n, width] as shares of its head's largest number, which is in `sizes` [heads, 1, 1]. */
export function sharesOfLargest(graph: GraphBuilder, x: Value): { x: Value; sizes: Value } {
	const sizes = neverZero(graph, largestOf(graph, x, 1, 2));
	return { x: graph.op('Div', [x, sizes], { shape: x.shape }), sizes };
}

/** x [heads, rows, width] without its mean over all rows, and that mean [heads, 1, width]. */
export function centred(graph: GraphBuilder, x: Value): { x: Value; mean: Value } {
	const mean = reduced(graph, 'ReduceMean', x, 1);
	return { x: graph.op('Sub', [x, mean], { shape: x.shape }), mean };
}

/** x, in units of what 1 is to stand for, in whole numbers. */
export function roundedToInt8(graph: GraphBuilder, x: Value): Value {
	const zero = { type: 'int8', data: new Int8Array(1), shape: [], origin: undefined } as const;
	return graph.op('QuantizeLinear', [x, one(graph), graph.constant('int8:zero', zero)], {
		shape: x.shape,
		type: 'int8',
	});
}

/** The largest size of a number along axes, which are left in place. */
export function largestOf(graph: GraphBuilder, x: Value, ...axes: number[]): Value {
	return reduced(graph, 'ReduceMax', graph.op('Abs', [x], { shape: x.shape }), ...axes);
}

/** Sizes that may be divided by. */
export function neverZero(graph: GraphBuilder, sizes: Value): Value {
	return graph.op('Max', [sizes, graph.floats([LEAST_SIZE])], { shape: sizes.shape });
}

/** With the axes left in place. */
export function reduced(
	graph: GraphBuilder,
	type: 'ReduceMax' | 'ReduceMean',
	x: Value,
	...axes: number[]
): Value {
	const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
	return graph.op(type, [x, graph.integers(axes)], { shape }, { attributes: { keepdims: 1 } });
}

function one(graph: GraphBuilder): Value {
	return graph.constant('int8:one', { data: Float32Array.of(1), shape: [] });
}
