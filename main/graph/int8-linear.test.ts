import { expect, it } from 'vitest';
import { elementCount, type FloatTensor } from '../domain/float-tensor.ts';
import { LoadedGraph, runOnce } from '../runtime/loaded-graph.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { float32, floats } from '../runtime/tensors.ts';
import { ON_CPU } from '../domain/execution.ts';
import { type CompiledGraph, GraphBuilder } from './graph-builder.ts';
import { withInt8Layers } from './int8-linear.ts';
import { Layers } from './layers.ts';

const numbers = (shape: readonly number[], seed: number): FloatTensor => ({
	data: Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(seed + 1.7 * i)),
	shape,
	origin: `sines of ${seed}, ${shape.join('×')}`,
});

/** A layer of `rows` outputs over 64 features, with ReLU and a second layer that has the same weights. */
function layersGraph(rows: number, bias: boolean): CompiledGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, (_, shape) => numbers(shape, 1));
	const x = graph.input('x', 'float32', ['n', 64]);
	const weight = layers.weight('w', [rows, 64]);
	const added = bias ? layers.weight('b', [rows]) : null;
	graph.output('y', layers.relu(layers.linearFrom(x, weight, added)));
	graph.output('z', layers.linearFrom(layers.relu(x), weight, added));
	return graph.compile('layers');
}

const kinds = ({ nodes }: CompiledGraph) => nodes.map(({ opType }) => opType);

it.each([
	['with biases', true],
	['without', false],
])('a layer in int8 answers nearly what it answers in float32: %s', async (_, bias) => {
	const graph = layersGraph(96, bias);
	const rounded = withInt8Layers(graph);
	expect(kinds(rounded)).toEqual(['DynamicQuantizeMatMul', 'Relu', 'Relu', 'DynamicQuantizeMatMul']);
	expect([...rounded.constants.keys()]).toEqual([...(bias ? ['b'] : []), 'w:int8', 'w:scales']);
	expect(rounded.operations).toBe(graph.operations);

	const feeds = { x: float32(numbers([5, 64], 2).data, [5, 64]) };
	const [exact, inInt8] = [
		await runOnce(createRuntime(1), graph, feeds, ['y', 'z']),
		await runOnce(createRuntime(1), rounded, feeds, ['y', 'z']),
	];
	for (const name of ['y', 'z']) {
		const expected = floats(exact, name);
		const worst = Math.max(...floats(inInt8, name).map((value, i) => Math.abs(value - expected[i]!)));
		expect(worst).toBeGreaterThan(0);
		expect(worst).toBeLessThan(0.02 * Math.max(...expected.map(Math.abs)));
	}
});

it('weights are rounded by rows: each has its own scale, and an empty one stays empty', () => {
	const graph = new GraphBuilder();
	const weight = numbers([64, 64], 1);
	const data = weight.data.map((value, i) => (i < 64 ? 0 : i < 128 ? 1000 * value : value));
	const layers = new Layers(graph, () => ({ data, shape: [64, 64] }));
	graph.output(
		'y',
		layers.linearFrom(graph.input('x', 'float32', [1, 64]), layers.weight('w', [64, 64]), null),
	);
	const { constants } = withInt8Layers(graph.compile('rows'));
	const scales = constants.get('w:scales')!.data as Float32Array;
	const rounded = constants.get('w:int8')!.data as Int8Array;
	for (let row = 0; row < 64; row++) {
		const column = Int8Array.from({ length: 64 }, (_, i) => rounded[i * 64 + row]!);
		expect(Math.max(...column.map(Math.abs))).toBe(row === 0 ? 0 : 127);
		column.forEach((value, i) => {
			expect(Math.abs(value * scales[row]! - data[row * 64 + i]!)).toBeLessThanOrEqual(0.501 * scales[row]!);
		});
	}
});

it('a graph without layers worth rounding stays as it is', () => {
	const small = layersGraph(8, true);
	expect(withInt8Layers(small)).toBe(small);
});

it('graphs are loaded as the runtime is to compute them, with weights that are found again', async () => {
	const folder = new Map<string, number>();
	const store = {
		folder: '',
		filesOf: (tensors: CompiledGraph['constants']) => {
			for (const [name, tensor] of tensors) if ('origin' in tensor) folder.set(name, tensor.data.byteLength);
			return Promise.resolve(new Map<string, string>());
		},
	};
	const execution = { ...ON_CPU, precision: 'int8' } as const;
	const runtime = createRuntime(1, { execution, tensors: store as never });
	const loaded = await LoadedGraph.load(runtime, layersGraph(96, false));
	expect(folder).toEqual(
		new Map([
			['w:int8', 96 * 64],
			['w:scales', 96 * 4],
		]),
	);
	await loaded.release();
});
