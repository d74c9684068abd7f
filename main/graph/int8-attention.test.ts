import { describe, expect, it } from 'vitest';
import { elementCount } from '../domain/float-tensor.ts';
import { ON_CPU } from '../domain/execution.ts';
import { multipliesBytes } from '../runtime/byte-products.ts';
import { runOnce } from '../runtime/loaded-graph.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import type { GraphTensor } from '../runtime/runtime.ts';
import { float32, floats } from '../runtime/tensors.ts';
import { type CompiledGraph, GraphBuilder } from './graph-builder.ts';
import { withInt8Attention } from './int8-attention.ts';

const HEADS = 2;
const WIDTH = 16;
const runtime = createRuntime(2);
const isExact = await multipliesBytes(runtime);
if (!isExact) process.stderr.write('Skipped: attention in int8: this processor cuts sums of bytes off.\n');

type Shapes = {
	q: readonly number[];
	k: readonly number[];
	v?: readonly number[];
	bias?: readonly number[];
	scale?: number;
};

function attentionGraph({ q, k, v = k, bias, scale }: Shapes): CompiledGraph {
	const graph = new GraphBuilder();
	const [queries, keys, values] = [
		graph.input('q', 'float32', q),
		graph.input('k', 'float32', k),
		graph.input('v', 'float32', v),
	];
	const more = bias ? [null, null, graph.input('bias', 'float32', bias)] : [];
	const attributes = { num_heads: HEADS, ...(scale === undefined ? {} : { scale: { float: scale } }) };
	const node = { domain: 'com.microsoft', attributes };
	graph.output('y', graph.op('MultiHeadAttention', [queries, keys, values, ...more], { shape: q }, node));
	return graph.compile('attention');
}

/** About normal, of standard deviation `size`. */
function numbers(shape: readonly number[], seed: number, size = 1): GraphTensor & { type: 'float32' } {
	let state = seed;
	const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
	const normal = () => 2 * (uniform() + uniform() + uniform() - 1.5);
	return float32(
		Float32Array.from({ length: elementCount(shape) }, () => size * normal()),
		shape,
	);
}

const kinds = ({ nodes }: CompiledGraph) => nodes.map(({ opType }) => opType);

/** Root mean square of the difference over that of the numbers, without their mean. */
async function relativeError(shapes: Shapes, feeds: Record<string, GraphTensor>): Promise<number> {
	const graph = attentionGraph(shapes);
	const rounded = withInt8Attention(graph);
	expect(kinds(rounded)).not.toContain('MultiHeadAttention');
	expect(rounded.operations).toBe(graph.operations);
	const exact = floats(await runOnce(runtime, graph, feeds, ['y']), 'y');
	const inInt8 = floats(await runOnce(runtime, rounded, feeds, ['y']), 'y');
	expect(inInt8).toHaveLength(exact.length);
	const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
	const mean = sum([...exact]) / exact.length;
	const [error, size] = [
		sum([...inInt8].map((value, i) => (value - exact[i]!) ** 2)),
		sum([...exact].map((value) => (value - mean) ** 2)),
	];
	return Math.sqrt(error / size);
}

const rows = (n: number) => [1, n, HEADS * WIDTH];
const byHead = (n: number) => [1, HEADS, n, WIDTH];

describe.skipIf(!isExact)('attention in int8 answers nearly what it answers in float32', () => {
	it.each([
		['keys and values as rows', { q: rows(520), k: rows(700) }],
		['keys and values by head', { q: rows(520), k: byHead(700) }],
		['more logits than are held at a time', { q: rows(2000), k: rows(1630) }],
		['a scale of its own', { q: rows(520), k: rows(700), scale: 0.1 }],
	] satisfies [string, Shapes][])('%s', async (_, shapes) => {
		const feeds = { q: numbers(shapes.q, 1, 2), k: numbers(shapes.k, 2), v: numbers(shapes.k, 3) };
		expect(await relativeError(shapes, feeds)).toBeLessThan(0.04);
	});

	it('where one key has much of the weight, and values have a mean', async () => {
		const shapes = { q: rows(520), k: rows(700) };
		const [q, k, v] = [numbers(shapes.q, 1), numbers(shapes.k, 2, 0.1), numbers(shapes.k, 3)];
		for (let at = 0; at < q.data.length; at += WIDTH) q.data[at] = 4;
		for (let head = 0; head < HEADS; head++) k.data[head * WIDTH] = 6;
		v.data.forEach((value, i) => (v.data[i] = value + (i % 3)));
		expect(await relativeError(shapes, { q, k, v })).toBeLessThan(0.04);
	});

	it('where heads are of different sizes, and a value is far from all others', async () => {
		const shapes = { q: rows(520), k: rows(700) };
		const [q, k, v] = [numbers(shapes.q, 1, 2), numbers(shapes.k, 2), numbers(shapes.k, 3)];
		q.data.forEach((value, i) => (q.data[i] = i % (2 * WIDTH) < WIDTH ? 20 * value : value));
		k.data.forEach((value, i) => (k.data[i] = i % (2 * WIDTH) < WIDTH ? value / 20 : value));
		v.data[5] = 60;
		expect(await relativeError(shapes, { q, k, v })).toBeLessThan(0.05);
	});

	it('where keys or values are all the same', async () => {
		const shapes = { q: rows(520), k: rows(700) };
		const same = float32(new Float32Array(elementCount(shapes.k)).fill(0.5), shapes.k);
		const v = numbers(shapes.k, 3);
		expect(await relativeError(shapes, { q: numbers(shapes.q, 1), k: same, v })).toBeLessThan(0.04);
		const graph = withInt8Attention(attentionGraph(shapes));
		const feeds = { q: numbers(shapes.q, 1), k: numbers(shapes.k, 2), v: same };
		for (const value of floats(await runOnce(runtime, graph, feeds, ['y']), 'y')) {
			expect(value).toBeCloseTo(0.5, 5);
		}
	});
});

it.each([
	['few queries', { q: rows(100), k: rows(700) }],
	['few keys', { q: rows(700), k: rows(100) }],
	['several pictures', { q: [2, 600, HEADS * WIDTH], k: [2, 600, HEADS * WIDTH] }],
	['keys with more beside them than values', { q: rows(600), k: rows(600), v: [1, 600, WIDTH] }],
	['a bias', { q: rows(600), k: rows(600), bias: [1, HEADS, 600, 600] }],
] satisfies [string, Shapes][])('attention stays as it is: %s', (_, shapes) => {
	const graph = attentionGraph(shapes);
	expect(withInt8Attention(graph)).toBe(graph);
});

it('is loaded where precision asks for it and the processor multiplies bytes', async () => {
	const graph = attentionGraph({ q: rows(520), k: rows(700) });
	const feeds = { q: numbers(rows(520), 1, 2), k: numbers(rows(700), 2), v: numbers(rows(700), 3) };
	const int8 = createRuntime(1, { execution: { ...ON_CPU, precision: 'int8' } });
	const exact = floats(await runOnce(createRuntime(1), graph, feeds, ['y']), 'y');
	const rounded = floats(await runOnce(int8, graph, feeds, ['y']), 'y');
	expect(rounded.every((value, i) => value === exact[i])).toBe(!isExact);
});
