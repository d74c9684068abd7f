import { expect, it } from 'vitest';
import { type CompiledGraph, type ElementType, encodeGraph, GraphBuilder } from '../graph/graph-builder.ts';
import { LoadedGraph, runOnce } from './loaded-graph.ts';
import { createRuntime } from './onnx-runtime.ts';
import type { GraphTensor } from './runtime.ts';
import { float32, floats, int64, integers } from './tensors.ts';

/** x as `from`, and what becomes of it as `to`. */
function castGraph(from: ElementType, to: ElementType): GraphBuilder {
	const graph = new GraphBuilder();
	graph.output('y', graph.cast(graph.input('x', from, ['count', 2]), to));
	return graph;
}

const HALVES = Uint16Array.of(0x3c00, 0xc000); // 1 and −2

it.each<[GraphTensor, ElementType, GraphTensor['data']]>([
	[{ type: 'uint8', data: Uint8Array.of(3, 255), shape: [1, 2] }, 'float32', Float32Array.of(3, 255)],
	[{ type: 'float16', data: HALVES, shape: [1, 2] }, 'float32', Float32Array.of(1, -2)],
	[float32(Float32Array.of(1, -2), [1, 2]), 'float16', HALVES],
	[{ type: 'int32', data: Int32Array.of(-1, 7), shape: [1, 2] }, 'int64', BigInt64Array.of(-1n, 7n)],
	[float32(Float32Array.of(0, 200), [1, 2]), 'uint8', Uint8Array.of(0, 200)],
])('takes and gives tensors of every type: %o as %s', async (x, type, data) => {
	const graph = castGraph(x.type, type).compile('cast');
	const { y } = await runOnce(createRuntime(1), graph, { x }, ['y']);
	expect(y).toEqual({ type, data, shape: [1, 2] });
});

it('tells what a graph takes and gives, with the names of sizes that vary', async () => {
	const session = await createRuntime(1).load(
		encodeGraph(castGraph('float32', 'int64').compile('cast')),
		'cast',
	);
	expect(session.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['count', 2] }]);
	expect(session.outputs).toEqual([{ name: 'y', type: 'int64', shape: ['count', 2] }]);
	await session.release();
});

it('names the graph that it cannot load', async () => {
	const broken: CompiledGraph = {
		...castGraph('int32', 'int64').compile('the broken one'),
		nodes: [{ opType: 'Nothing', domain: '', name: 'n', input: ['x'], output: ['y'], attributes: {} }],
	};
	await expect(LoadedGraph.load(createRuntime(1), broken)).rejects.toMatchObject({
		code: 'model-unreadable',
		message: expect.stringContaining('the broken one') as string,
	});
});

it('counts what a run costs by the sizes that vary', async () => {
	const graph = castGraph('float32', 'float32');
	graph.count('count', 2, 10);
	const loaded = await LoadedGraph.load(createRuntime(1), graph.compile('cast'));
	expect(loaded.macs({ count: 3 })).toBe(60);
	expect(() => loaded.macs()).toThrow(/count/);
	await loaded.release();
});

it('reads outputs by their type', () => {
	const outputs = { logits: float32(Float32Array.of(0.5), [1]), kept: int64(3, 1) };
	expect(floats(outputs, 'logits')).toEqual(Float32Array.of(0.5));
	expect(integers(outputs, 'kept')).toEqual(Int32Array.of(3, 1));
	expect(() => floats(outputs, 'kept')).toThrow(/kept as float32/);
	expect(() => integers(outputs, 'scores')).toThrow(/scores as whole numbers/);
	expect(() => float32(Float32Array.of(1, 2), [3])).toThrow(/shape \[3\]/);
});
