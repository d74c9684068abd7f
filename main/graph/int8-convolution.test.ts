import { describe, expect, it } from 'vitest';
import { elementCount, type FloatTensor } from '../domain/float-tensor.ts';
import { multipliesBytes } from '../runtime/byte-products.ts';
import { runOnce } from '../runtime/loaded-graph.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { float32, floats } from '../runtime/tensors.ts';
import { type CompiledGraph, GraphBuilder, type Value } from './graph-builder.ts';
import { withInt8Convolutions } from './int8-convolution.ts';
import { type ConvGeometry, Layers } from './layers.ts';

const ROWS = 9;
const COLS = 7;
const CHANNELS = 48;
const OUT = 40;

const runtime = createRuntime(1);
const isExact = await multipliesBytes(runtime);
if (!isExact) process.stderr.write('Skipped: convolutions in int8: this processor cuts sums of bytes off.\n');

function numbers(shape: readonly number[], seed: number): FloatTensor {
	let state = seed;
	const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
	return { data: Float32Array.from({ length: elementCount(shape) }, () => 2 * uniform() - 1), shape };
}

/** Root mean square of the difference over that of the numbers. */
function relativeError(actual: Float32Array, expected: Float32Array): number {
	const square = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0);
	return Math.sqrt(square(actual.map((value, i) => value - expected[i]!)) / square(expected));
}

type Options = ConvGeometry & { bias?: boolean; out?: number; alsoPlanes?: boolean; asPlanes?: boolean };

/** A convolution and what follows it, between rows of pixels unless told otherwise. */
function graphOf({ bias = true, out = OUT, alsoPlanes, asPlanes, ...geometry }: Options): CompiledGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, (_, shape) => numbers(shape, 1));
	const rows = layers.relu(graph.input('x', 'float32', [ROWS * COLS, CHANNELS]));
	const planes = layers.reshape(layers.transpose(rows, [1, 0]), [1, CHANNELS, ROWS, COLS]);
	const y = layers.conv('w', planes, out, { ...geometry, bias });
	if (alsoPlanes) graph.output('planes', layers.relu(planes));
	graph.output('y', asPlanes ? layers.relu(y) : layers.relu(toRows(layers, y)));
	return graph.compile('convolution');
}

function toRows(layers: Layers, planes: Value): Value {
	const [, channels, rows, cols] = planes.shape as [number, number, number, number];
	return layers.transpose(layers.reshape(planes, [channels, rows * cols]), [1, 0]);
}

const kinds = ({ nodes }: CompiledGraph) => nodes.map(({ opType }) => opType);

describe.skipIf(!isExact)('a convolution in int8 answers nearly what it answers in float32', () => {
	it.each([
		['3 × 3 pixels', { kernel: 3, pads: 1 }],
		['without bias', { kernel: 3, pads: 1, bias: false }],
		['every other pixel', { kernel: 3, stride: 2, pads: 1 }],
		['padded on two sides', { kernel: 3, pads: [2, 0, 0, 1] }],
		['single pixels', { kernel: 1, out: 400 }],
		['read by others too', { kernel: 3, alsoPlanes: true }],
	] satisfies [string, Options][])('%s', async (_, options) => {
		const graph = graphOf(options);
		const rounded = withInt8Convolutions(graph);
		expect(kinds(rounded)).not.toContain('Conv');
		expect(kinds(rounded).filter((kind) => kind === 'Transpose')).toHaveLength(
			'alsoPlanes' in options ? 1 : 0,
		);
		expect(rounded.operations).toBe(graph.operations);
		const x = numbers([ROWS * COLS, CHANNELS], 3);
		const feeds = { x: float32(x.data, x.shape) };
		const wanted = graph.outputs.map(({ name }) => name);
		const exact = await runOnce(runtime, graph, feeds, wanted);
		const inInt8 = await runOnce(runtime, rounded, feeds, wanted);
		expect(inInt8['y']!.shape).toEqual(exact['y']!.shape);
		for (const name of wanted) {
			expect(relativeError(floats(inInt8, name), floats(exact, name))).toBeLessThan(0.02);
		}
	});
});

it.each([
	['few weights', { kernel: 1 }],
	['groups', { kernel: 3, pads: 1, groups: 8, out: 400 }],
	['pixels apart', { kernel: 3, dilation: 2 }],
	['planes behind it', { kernel: 3, pads: 1, asPlanes: true }],
] satisfies [string, Options][])('a convolution stays as it is: %s', (_, options) => {
	const graph = graphOf(options);
	expect(withInt8Convolutions(graph)).toBe(graph);
});
