import {
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LazyTensor } from '../domain/float-tensor.ts';
import { type CompiledGraph, encodeGraph, GraphBuilder } from '../graph/graph-builder.ts';
import { runOnce } from './loaded-graph.ts';
import { createRuntime } from './onnx-runtime.ts';
import { TensorStore } from './tensor-store.ts';
import { float32, floats } from './tensors.ts';

/** As many numbers as go into a file of their own. */
const LENGTH = 2 ** 14;
const FILE_BYTES = 4 * LENGTH + 32;
const MOST_BYTES = 10 * FILE_BYTES;

let folder: string;
/** Names of the tensors whose numbers were computed. */
let computed: string[];
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-tensors-'));
	computed = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** x + Σ of constants that are filled with 1, 2, 3 …; only the first, large one of a name and value is from anywhere. */
function sumGraph(...names: string[]): CompiledGraph {
	const graph = new GraphBuilder();
	let sum = graph.input('x', 'float32', [1]);
	names.forEach((name, i) => {
		const large = new LazyTensor([LENGTH], name === 'unknown' ? undefined : name, () => {
			computed.push(name);
			return new Float32Array(LENGTH).fill(i + 1);
		});
		sum = graph.op('Add', [sum, graph.constant(name, large)], { shape: [LENGTH] });
	});
	graph.output('sum', graph.op('Add', [sum, graph.floats([0.5])], { shape: [LENGTH] }));
	return graph.compile('sum');
}

async function run(graph: CompiledGraph, tensors: TensorStore | null = new TensorStore(folder, MOST_BYTES)) {
	const x = float32(Float32Array.of(10), [1]);
	const sums = floats(await runOnce(createRuntime(1, { tensors }), graph, { x }, ['sum']), 'sum');
	expect(new Set(sums).size).toBe(1);
	return sums[0];
}

const files = () => readdirSync(folder);
const pathOf = (file: string) => join(folder, file);

it('runs a graph whose large tensors lie in files as it runs without', async () => {
	const graph = sumGraph('a', 'b');
	expect(await run(graph, null)).toBe(13.5);
	expect(await run(graph)).toBe(13.5);
	expect(files().map((file) => statSync(pathOf(file)).size)).toEqual([FILE_BYTES, FILE_BYTES]);
	expect(encodeGraph(graph, new Map([['a', 'x'], ['b', 'y']])).length).toBeLessThan(1000); // prettier-ignore
});

it('computes a tensor once, whichever graphs and processes it is for', async () => {
	await run(sumGraph('a', 'b'));
	expect(await run(sumGraph('a', 'b', 'c'))).toBe(16.5);
	expect(computed).toEqual(['a', 'b', 'c']);
	expect(files()).toHaveLength(3);
});

it('keeps a tensor of unknown origin in its graph', async () => {
	expect(await run(sumGraph('unknown', 'b'))).toBe(13.5);
	expect(files()).toHaveLength(1);
});

it.each<[string, (path: string) => void]>([
	['a flipped bit', (path) => flip(path)],
	['an end that is cut off', (path) => truncateSync(path, FILE_BYTES - 1000)],
	['nothing in it', (path) => truncateSync(path, 0)],
	['no place any more', (path) => rmSync(path)],
])('makes a file anew that has %s', async (_, damage) => {
	await run(sumGraph('a', 'b'));
	for (const file of files()) damage(pathOf(file));
	computed = [];
	expect(await run(sumGraph('a', 'b'))).toBe(13.5);
	expect(computed).toEqual(['a', 'b']);
	computed = [];
	expect(await run(sumGraph('a', 'b'))).toBe(13.5);
	expect(computed).toEqual([]);
});

it('loads the graph whole where a file goes between looking and loading', async () => {
	const store = new (class extends TensorStore {
		override async filesOf(tensors: CompiledGraph['constants']) {
			const found = await super.filesOf(tensors);
			rmSync(folder, { recursive: true });
			return found;
		}
	})(folder);
	expect(await run(sumGraph('a', 'b'), store)).toBe(13.5);
});

it('holds its bound: what was not of use for longest goes', async () => {
	const store = new TensorStore(folder, 3 * FILE_BYTES);
	for (const [age, name] of ['old', 'older', 'oldest'].entries()) {
		const before = new Set(files());
		await run(sumGraph(name), store);
		const then = new Date(Date.now() - (age + 1) * 1000);
		for (const file of files()) if (!before.has(file)) utimesSync(pathOf(file), then, then);
	}
	await run(sumGraph('old'), store); // of use again
	await run(sumGraph('new', 'newer'), store);
	expect(files()).toHaveLength(3);
	computed = [];
	await run(sumGraph('new', 'newer', 'old'), store);
	expect(computed).toEqual([]);
});

it('takes nothing of a graph that is larger than its bound', async () => {
	expect(await run(sumGraph('a', 'b'), new TensorStore(folder, FILE_BYTES))).toBe(13.5);
	expect(files()).toEqual([]);
});

it('does without a folder that it can write to', async () => {
	writeFileSync(pathOf('file'), '');
	expect(await run(sumGraph('a', 'b'), new TensorStore(pathOf('file/below')))).toBe(13.5);
});

it('is shared by several that write at once', async () => {
	const sums = await Promise.all(
		Array.from({ length: 4 }, () => run(sumGraph('a', 'b', 'c'), new TensorStore(folder, MOST_BYTES))),
	);
	expect(sums).toEqual([16.5, 16.5, 16.5, 16.5]);
	expect(files()).toHaveLength(3);
	computed = [];
	await run(sumGraph('a', 'b', 'c'));
	expect(computed).toEqual([]);
});

function flip(path: string): void {
	const bytes = readFileSync(path);
	bytes[1000]! ^= 1;
	writeFileSync(path, bytes);
}
