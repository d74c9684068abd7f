import { describe, expect, it } from 'vitest';
import { encodeGraph, GraphBuilder } from '../../graph/graph-builder.ts';
import { Layers } from '../../graph/layers.ts';
import { countOperations } from '../../graph/operation-count.ts';
import { checkpointOfCase } from '../../weights/parity-case.fixture.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { readShvitConfig, usedTensors, type RetinaConfig } from '../shvit/config.ts';
import { retinaGraph } from '../shvit/retinanet.ts';
import { requireTensors } from '../../weights/weights.ts';
import { withInputDims } from './input-dims.ts';
import { parseOnnx } from './onnx-file.ts';
import { costOf } from './operations.ts';

const fileOf = (graph: GraphBuilder) => parseOnnx(encodeGraph(graph.compile('counted')), 'counted.onnx');
const ofZeros = (shape: readonly number[]) => ({
	data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
	shape,
});

it('counts a whole detector as its builder does, from shapes alone', async () => {
	const { weights } = await checkpointOfCase('shvit/retinanet');
	const tensors = usedTensors(weights);
	const config = readShvitConfig(tensors, 'f') as ReturnType<typeof readShvitConfig> & { head: RetinaConfig };
	const { graph } = retinaGraph(config, { width: 96, height: 64 }, 10, requireTensors(tensors, 'f'));
	const { macs, uncounted } = costOf(fileOf(graph), new Map([['picture', [1, 3, 64, 96]]]));
	expect(macs).toBe(countOperations(graph.operations, {}));
	expect(uncounted).toEqual([]);
});

describe('shapes that a graph works out for itself', () => {
	/** Reshapes x [n, 3, h, w] to what exporters compute with Shape, Gather, Mul and Concat: [n, 3, h · w]. */
	function exported(): GraphBuilder {
		const graph = new GraphBuilder();
		const x = graph.input('x', 'float32', ['n', 3, 'h', 'w']);
		const shape = graph.op('Shape', [x], { shape: [4], type: 'int64' });
		const dim = (axis: number) =>
			graph.op('Gather', [shape, graph.integers([axis])], { shape: [1], type: 'int64' });
		const area = graph.op('Mul', [dim(2), dim(3)], { shape: [1], type: 'int64' });
		const to = graph.op(
			'Concat',
			[dim(0), graph.integers([3]), area],
			{ shape: [3], type: 'int64' },
			{ attributes: { axis: 0 } },
		);
		const rows = graph.op('Reshape', [x, to], { shape: ['n', 3, 'a'] });
		const layers = new Layers(graph, (_, size) => ofZeros(size));
		const columns = layers.transpose(rows, [0, 2, 1]);
		graph.output('y', graph.op('MatMul', [columns, layers.weight('w', [3, 5])], { shape: ['n', 'a', 5] }));
		return graph;
	}

	it('are worked out here as well', () => {
		const { macs, shapes } = costOf(fileOf(exported()), new Map([['x', [2, 3, 4, 6]]]));
		expect(shapes.get('y')).toEqual([2, 24, 5]);
		expect(macs).toBe(2 * 24 * 5 * 3);
	});

	it('leave a count open where a size varies, and say of which operator', () => {
		const { uncounted, macs } = costOf(fileOf(exported()), new Map([['x', [null, 3, 4, 6]]]));
		expect([macs, uncounted]).toEqual([0, ['MatMul']]);
	});
});

it('names operators that it knows nothing of, and parts that may run or not', () => {
	const graph = new GraphBuilder();
	const x = graph.input('x', 'float32', [1, 3]);
	const odd = graph.op('Wobble', [x], { shape: [1, 3] }, { domain: 'org.example' });
	graph.output('y', graph.op('If', [odd], { shape: [1, 3] }));
	expect(costOf(fileOf(graph), new Map([['x', [1, 3]]])).uncounted).toEqual(['If', 'org.example.Wobble']);
});

it('tells the size of what a graph asks for', () => {
	const graph = new GraphBuilder();
	const size = graph.integers([100_000, 100_000, 100]);
	graph.output('y', graph.op('ConstantOfShape', [size], { shape: [100_000, 100_000, 100] }));
	expect(costOf(fileOf(graph), new Map()).largestValueBytes).toBe(4e12);
});

it('fixes sizes of inputs, and leaves the rest of a file as it is', async () => {
	const graph = new GraphBuilder();
	const x = graph.input('x', 'float32', [1, 3, 'h', 'w']);
	graph.output('y', graph.op('Relu', [x], { shape: [1, 3, 'h', 'w'] }));
	const compiled = graph.compile('fixed');
	const bytes = withInputDims(encodeGraph(compiled), new Map([['x', [1, 3, 2, 2]]]));
	const session = await createRuntime(1).load(bytes, 'fixed');
	expect(session.inputs[0]!.shape).toEqual([1, 3, 2, 2]);
	expect(session.outputs[0]!.shape).toEqual([1, 3, 2, 2]);
	const feeds = { x: { type: 'float32', data: new Float32Array(12).fill(-1), shape: [1, 3, 2, 2] } } as const;
	const { y } = await session.run(feeds, ['y']);
	await session.release();
	expect(y!.data).toEqual(new Float32Array(12));
});
