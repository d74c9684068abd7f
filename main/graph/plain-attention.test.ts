import { expect, it } from 'vitest';
import { elementCount } from '../domain/float-tensor.ts';
import { LoadedGraph } from '../runtime/loaded-graph.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { float32, floats } from '../runtime/tensors.ts';
import { type CompiledGraph, GraphBuilder } from './graph-builder.ts';
import { withPlainAttention } from './plain-attention.ts';

type Shape = readonly number[];

/** Two attentions, the second over the answer of the first, whose queries and so on have these shapes. */
function attentionGraph(shapes: {
	q: Shape;
	k: Shape;
	v: Shape;
	bias?: Shape;
	scale?: number;
}): CompiledGraph {
	const { q, k, v, bias, scale } = shapes;
	const graph = new GraphBuilder();
	const [keys, values] = [graph.input('k', 'float32', k), graph.input('v', 'float32', v)];
	const more = bias ? [null, null, graph.input('bias', 'float32', bias)] : [];
	let x = graph.input('q', 'float32', q);
	for (let i = 0; i < 2; i++) {
		x = graph.op(
			'MultiHeadAttention',
			[x, keys, values, ...more],
			{ shape: q },
			{
				domain: 'com.microsoft',
				attributes: { num_heads: 2, ...(scale === undefined ? {} : { scale: { float: scale } }) },
			},
		);
	}
	graph.output('y', x);
	return graph.compile('attention');
}

const numbers = (shape: Shape, seed: number) =>
	float32(
		Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(seed + 1.7 * i)),
		shape,
	);

it.each([
	['keys and values as rows', { q: [2, 5, 8], k: [2, 7, 8], v: [2, 7, 8] }],
	['keys and values by head', { q: [1, 5, 8], k: [1, 2, 7, 4], v: [1, 2, 7, 4] }],
	['a bias', { q: [3, 4, 8], k: [3, 4, 8], v: [3, 4, 8], bias: [3, 2, 4, 4] }],
	['a scale of its own', { q: [1, 3, 8], k: [1, 9, 8], v: [1, 9, 8], scale: 0.2 }],
])('attention spelled out is the fused one: %s', async (_, shapes) => {
	const graph = attentionGraph(shapes);
	const plain = withPlainAttention(graph);
	expect(plain.nodes.map(({ opType }) => opType)).not.toContain('MultiHeadAttention');
	const { bias } = shapes as { bias?: Shape };
	const feeds = {
		q: numbers(shapes.q, 1),
		k: numbers(shapes.k, 2),
		v: numbers(shapes.v, 3),
		...(bias && { bias: numbers(bias, 4) }),
	};
	const [fused, spelled] = await Promise.all(
		[graph, plain].map(async (each) => {
			const loaded = await LoadedGraph.load(createRuntime(1), each);
			const y = floats(await loaded.run(feeds, ['y']), 'y');
			await loaded.release();
			return y;
		}),
	);
	fused!.forEach((value, i) => expect(spelled![i]).toBeCloseTo(value, 5));
});

it('leaves attention with a mask of keys as it is', () => {
	const graph = new GraphBuilder();
	const x = graph.input('x', 'float32', [1, 4, 8]);
	const mask = graph.input('mask', 'int32', [1, 4]);
	const node = { domain: 'com.microsoft', attributes: { num_heads: 2 } };
	graph.output('y', graph.op('MultiHeadAttention', [x, x, x, null, mask], { shape: x.shape }, node));
	const compiled = graph.compile('masked');
	expect(withPlainAttention(compiled).nodes).toEqual(compiled.nodes);
});
