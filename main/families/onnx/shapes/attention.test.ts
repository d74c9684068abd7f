import onnxProto from 'onnx-proto';
import { expect, it } from 'vitest';
import { elementCount } from '../../../domain/float-tensor.ts';
import { encodeGraph, GraphBuilder } from '../../../graph/graph-builder.ts';
import { createRuntime } from '../../../runtime/onnx-runtime.ts';
import type { GraphTensor } from '../../../runtime/runtime.ts';
import { parseOnnx } from '../onnx-file.ts';
import { costOf } from '../operations.ts';

// Shapes that are told before running, against those of what the runtime gives.

const { onnx } = onnxProto;

/** A graph that says nothing of the shapes of its outputs, in an operator set that has attention. */
function unstated(bytes: Uint8Array): Uint8Array {
	const model = onnx.ModelProto.decode(bytes);
	model.opsetImport[0]!.version = 23;
	for (const { type } of model.graph!.output!) delete type!.tensorType!.shape;
	return onnx.ModelProto.encode(model).finish();
}

type Input = readonly number[] | { integers: readonly number[] } | null;
type Attributes = Record<string, number | readonly number[]>;
const MS = 'com.microsoft';
const [B, S, L, H, D] = [2, 5, 7, 4, 8];
const WIDTH = H * D;
const tokens = (count: number, width = WIDTH) => [B, count, width];
const heads = (count: number, width = D, number = H) => [B, number, count, width];

it.each<[string, string, string, readonly Input[], Attributes, number, number | null]>([
	[
		'MultiHeadAttention',
		'alone',
		MS,
		[tokens(S), tokens(L), tokens(L)],
		{ num_heads: H },
		1,
		B * S * L * 2 * WIDTH,
	],
	[
		'MultiHeadAttention',
		'with wider values',
		MS,
		[tokens(S), tokens(L), tokens(L, 48)],
		{ num_heads: H },
		1,
		B * S * L * (WIDTH + 48),
	],
	[
		'MultiHeadAttention',
		'with keys by heads',
		MS,
		[tokens(S), heads(L), heads(L)],
		{ num_heads: H },
		1,
		B * S * L * 2 * WIDTH,
	],
	[
		'MultiHeadAttention',
		'with what was before',
		MS,
		[tokens(S), tokens(S), tokens(S), null, null, null, heads(3), heads(3)],
		{ num_heads: H },
		3,
		B * S * (S + 3) * 2 * WIDTH,
	],
	[
		'Attention',
		'with its projection',
		MS,
		[[B, S, 24], [24, 3 * WIDTH], [3 * WIDTH]],
		{ num_heads: H },
		2,
		B * S * 24 * 3 * WIDTH + B * S * S * 2 * WIDTH,
	],
	[
		'Attention',
		'with a projection to wider values',
		MS,
		[[B, S, 24], [24, 2 * WIDTH + 48], [2 * WIDTH + 48]],
		{ num_heads: H, qkv_hidden_sizes: [WIDTH, WIDTH, 48] },
		1,
		B * S * 24 * (2 * WIDTH + 48) + B * S * S * (WIDTH + 48),
	],
	[
		'GroupQueryAttention',
		'of two heads of keys',
		MS,
		[tokens(S), tokens(S, 16), tokens(S, 16), null, null, { integers: [S - 1, S - 1] }, { integers: [S] }],
		{ num_heads: H, kv_num_heads: 2 },
		1,
		B * S * S * 2 * WIDTH,
	],
	[
		'GroupQueryAttention',
		'with all three in one',
		MS,
		[tokens(S, WIDTH + 32), null, null, null, null, { integers: [S - 1, S - 1] }, { integers: [S] }],
		{ num_heads: H, kv_num_heads: 2 },
		1,
		B * S * S * 2 * WIDTH,
	],
	['Attention', 'of ONNX, by heads', '', [heads(S), heads(L), heads(L, 12)], {}, 1, B * H * S * L * (D + 12)],
	[
		'Attention',
		'of ONNX, heads in one axis, two of keys',
		'',
		[tokens(S), tokens(L, 16), tokens(L, 16)],
		{ q_num_heads: H, kv_num_heads: 2 },
		1,
		B * S * L * 2 * WIDTH,
	],
	['SkipLayerNormalization', 'with the sum that it norms', MS, [tokens(S), tokens(S), [WIDTH]], {}, 4, 0],
	[
		'SkipSimplifiedLayerNormalization',
		'with the sum that it norms',
		MS,
		[tokens(S), tokens(S), [WIDTH]],
		{},
		4,
		0,
	],
])('%s %s', async (operator, _, domain, inputs, attributes, count, macs) => {
	const { feeds, wanted, bytes } = graphOf(operator, domain, inputs, attributes, count);
	const cost = costBefore(feeds, bytes);
	const session = await createRuntime(1).load(bytes, operator);
	const given = await session.run(feeds, wanted);
	await session.release();
	const shapesOf = (of: (name: string) => unknown) =>
		Object.fromEntries(wanted.map((name) => [name, of(name)]));
	expect(shapesOf((name) => cost.shapes.get(name))).toEqual(shapesOf((name) => given[name]!.shape));
	expect([cost.macs, cost.uncounted]).toEqual([macs, []]);
});

// What this runtime knows of on graphics cards only.
it.each<[string, readonly Input[], readonly number[], number]>([
	['all three in one', [[B, S, H, 3, D]], tokens(S), B * S * S * 2 * WIDTH],
	['keys and values in one', [tokens(S), [B, L, H, 2, D]], tokens(S), B * S * L * 2 * WIDTH],
])('MultiHeadAttention with %s', (_, inputs, shape, macs) => {
	const { feeds, bytes } = graphOf('MultiHeadAttention', MS, inputs, { num_heads: H }, 1);
	const cost = costBefore(feeds, bytes);
	expect([cost.shapes.get('y0'), cost.macs]).toEqual([shape, macs]);
});

/** One operator; of four results, the second and third are means and deviations that nobody reads. */
function graphOf(
	operator: string,
	domain: string,
	inputs: readonly Input[],
	attributes: Attributes,
	count: number,
) {
	const graph = new GraphBuilder();
	const feeds: Record<string, GraphTensor> = {};
	const values = inputs.map((input, i) => {
		if (input === null) return null;
		const name = `x${i}`;
		const integers = 'integers' in input ? input.integers : null;
		const shape = integers ? [integers.length] : (input as readonly number[]);
		feeds[name] = integers
			? { type: 'int32', data: Int32Array.from(integers), shape }
			: { type: 'float32', data: new Float32Array(elementCount(shape)).fill(0.1), shape };
		return graph.input(name, integers ? 'int32' : 'float32', shape);
	});
	const shapeless = Array.from({ length: count }, () => ({ shape: [] }));
	const wanted: string[] = [];
	for (const [i, value] of graph.ops(operator, values, shapeless, { domain, attributes }).entries()) {
		if (count === 4 && (i === 1 || i === 2)) continue;
		graph.output(`y${i}`, value);
		wanted.push(`y${i}`);
	}
	return { feeds, wanted, bytes: unstated(encodeGraph(graph.compile(operator))) };
}

function costBefore(feeds: Record<string, GraphTensor>, bytes: Uint8Array) {
	const shapes = Object.entries(feeds).map(([name, { shape }]) => [name, shape] as const);
	return costOf(parseOnnx(bytes, 'attention.onnx'), new Map(shapes));
}
