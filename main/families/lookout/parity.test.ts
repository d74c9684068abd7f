import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { tokenCount } from '../../domain/tokens.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { GraphBuilder } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { blockClusters, compileClustered } from '../../reduction/enact/enact-graph.ts';
import { bareHost } from '../../reduction/bare-host.fixture.ts';
import { dense } from '../../reduction/dense.ts';
import { sparse } from '../../reduction/sparse/sparse.ts';
import { compileSparse } from '../../reduction/sparse/sparse-graph.ts';
import { compileFull } from '../../reduction/vit-graphs.ts';
import type { VitPlan } from '../../vit/plan.ts';
import { readSafetensors, type Weights } from '../../weights/safetensors.ts';
import { requireTensors } from '../../weights/weights.ts';
import { WasmFramePixels } from '../../pixels/frame-pixels.ts';
import { decodeBox, POINTS_PER_TOKEN } from '../../boxes/point-head.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { type LookoutConfig, parseLookoutConfig } from './config.ts';
import { lookoutPlan } from './plan.ts';
import { runOnce } from '../../runtime/loaded-graph.ts';
import { float32, floats, int64, integers } from '../../runtime/tensors.ts';

// What the PyTorch reference of the embedded model gave for two pictures of different shape.
const TOLERANCE = 1e-3;
/** Of tokens inside the network every 16th is stored: attention makes each of them depend on all. */
const STORED_ROWS = 16;
const MODEL = new URL('../../../models/lookout/', import.meta.url);
const PARITY = new URL('./fixtures/parity.safetensors', import.meta.url);

let config: LookoutConfig;
let weights: WeightLookup;
let parity: Weights;

beforeAll(async () => {
	config = parseLookoutConfig({
		place: 'model.json',
		json: JSON.parse(await readFile(new URL('model.json', MODEL), 'utf8')),
	});
	weights = requireTensors(
		readSafetensors(await readFile(new URL('model.safetensors', MODEL)), 'weights'),
		'weights',
	);
	parity = readSafetensors(await readFile(PARITY), 'parity');
});

describe.each(['a', 'b'])('picture %s', (name) => {
	let plan: VitPlan;
	let pixels: WasmFramePixels;
	let picture: GraphTensor;
	const reference = (part: string) => parity.get(`${name}.${part}`)!;

	beforeAll(() => {
		const { data, shape } = reference('input'); // [1, 3, height, width], 0 to 255
		const [, , height, width] = shape as [number, number, number, number];
		const area = width * height;
		const bytes = Uint8Array.from({ length: 3 * area }, (_, i) =>
			Math.round(data[(i % 3) * area + Math.floor(i / 3)]!),
		);
		plan = lookoutPlan(config, { width, height });
		pixels = new WasmFramePixels(plan.grid, config.mean, config.std);
		pixels.load({ index: 0, timeSeconds: 0, pixels: bytes, format: 'rgb24', size: { width, height } });
		picture = { type: 'float32', data: pixels.planar().slice(), shape: [1, 3, height, width] };
	});

	it('reproduces the stem from gathered windows', async () => {
		const graph = new GraphBuilder();
		const windows = graph.input('windows', 'float32', ['count', 3, config.window, config.window]);
		graph.output('tokens', plan.embedWindows(new Layers(graph, weights), windows));
		const count = tokenCount(plan.grid);
		const all = Int32Array.from({ length: count }, (_, token) => token);
		const data = pixels.windows(all, count);
		const shape = [count, 3, config.window, config.window];
		const feeds = { windows: float32(data, shape) };
		const { tokens } = await runOnce(createRuntime(1), graph.compile('stem'), feeds, ['tokens']);
		expectClose(storedRows(tokens!), reference('stem').data);
	});

	it('reproduces stem, scores, every block, logits and boxes of the dense mode', async () => {
		const graph = compileFull(plan, weights, { keepKeysAndValues: false, withScores: true, taps: true });
		const taps = ['stem', 'scores', ...plan.blocks.map((_, i) => `block.${i}`)];
		const outputs = await runOnce(createRuntime(1), graph, { picture }, [...taps, 'head']);
		for (const tap of taps) {
			const given = tap === 'scores' ? outputs[tap]! : storedRows(outputs[tap]!);
			expectClose(given, reference(tap).data, tap);
		}
		const all = Array.from({ length: tokenCount(plan.grid) }, (_, token) => token);
		expectHead(floats(outputs, 'head'), all, all, 'dense');
	});

	it.each([
		{ mode: 'sparse', share: 0.3, own: false },
		{ mode: 'sparse_low', share: 0.1, own: true },
	])('keeps the reference’s tokens at a keep ratio of $share, and reproduces its outputs', async (given) => {
		const { mode, share, own } = given;
		const graph = compileSparse(plan, weights, { own, taps: true });
		const keep = int64(Math.ceil(share * tokenCount(plan.grid)));
		const outputs = await runOnce(createRuntime(1), graph, { picture, keep }, ['kept', 'head', 'last']);
		const kept = Array.from(integers(outputs, 'kept'));
		expect([...kept].sort((a, b) => a - b)).toEqual(
			Array.from(reference(`${mode}.keep`).data).sort((a, b) => a - b),
		);
		expectClose(storedRows(outputs['last']!), reference(`${mode}.last`).data);
		const rows = kept.map((_, row) => row);
		expectHead(floats(outputs, 'head'), kept, rows, mode);

		const reduction = await sparse.open(bareHost(plan, weights), createRuntime(1), { keep: share });
		const { output } = await reduction.run(pixels, reduction.select(pixels));
		expectHead(output.grid, Array.from(output.emitting), Array.from(output.emitting), mode);
		await reduction.release();
	});

	it('reproduces the outputs over clusters whose length the picture sets', async () => {
		const graph = compileClustered(plan, weights, { taps: true });
		const lengths = plan.blocks.map((_, i) => `${blockClusters(i)}.cluster_length`);
		const feeds = { picture, length: int64(0) };
		const outputs = await runOnce(createRuntime(1), graph, feeds, ['head', 'last', ...lengths]);
		expectClose(storedRows(outputs['last']!), reference('clustered.last').data);
		const all = Array.from({ length: tokenCount(plan.grid) }, (_, token) => token);
		expectHead(floats(outputs, 'head'), all, all, 'clustered');
		expect(lengths.some((name) => Number(outputs[name]!.data[0]) > 1)).toBe(true);
	});

	/**
	 * Rows `rows` of `head` belong to `tokens`; compares their logits and decoded boxes. Those that the reference kept are
	 * stored in its order, or all tokens where it has none.
	 */
	function expectHead(head: Float32Array, tokens: number[], rows: number[], mode: string): void {
		const classCount = config.classes.length;
		const headWidth = plan.answers.grid!.width;
		const width = headWidth / POINTS_PER_TOKEN;
		const byToken = new Float32Array(tokenCount(plan.grid) * headWidth);
		tokens.forEach((token, i) => {
			const row = head.subarray(rows[i]! * headWidth, (rows[i]! + 1) * headWidth);
			byToken.set(row, token * headWidth);
		});
		const kept = parity.get(`${name}.${mode}.keep`)?.data;
		const storedAt = (token: number) => (kept ? kept.indexOf(token) : token);
		let worstLogit = 0;
		let worstBox = 0;
		for (const token of tokens) {
			for (let point = 0; point < POINTS_PER_TOKEN; point++) {
				const at = token * POINTS_PER_TOKEN + point;
				const stored = storedAt(token) * POINTS_PER_TOKEN + point;
				for (let c = 0; c < classCount; c++) {
					const expected = reference(`${mode}.logits`).data[stored * classCount + c]!;
					worstLogit = Math.max(worstLogit, Math.abs(byToken[at * width + c]! - expected));
				}
				decodeBox(byToken, { token, point }, classCount, plan.grid).forEach((value, side) => {
					const expected = reference(`${mode}.boxes`).data[4 * stored + side]!;
					worstBox = Math.max(worstBox, Math.abs(value - expected));
				});
			}
		}
		expect(worstLogit).toBeLessThan(TOLERANCE);
		expect(worstBox).toBeLessThan(TOLERANCE);
	}
});

it('computes a picture of one token as the dense mode does, whatever the keep ratio', async () => {
	const size = { width: config.patch, height: config.patch };
	const plan = lookoutPlan(config, size);
	const pixels = new WasmFramePixels(plan.grid, config.mean, config.std);
	const bytes = new Uint8Array(3 * config.patch ** 2).fill(90);
	pixels.load({ index: 0, timeSeconds: 0, pixels: bytes, format: 'rgb24', size });
	const heads: Float32Array[] = [];
	for (const [mode, settings] of [
		[sparse, { keep: 0.1 }],
		[dense, {}],
	] as const) {
		const reduction = await mode.open(bareHost(plan, weights), createRuntime(1), settings);
		heads.push((await reduction.run(pixels, reduction.select(pixels))).output.grid);
		await reduction.release();
	}
	heads[1]!.forEach((value, i) => expect(heads[0]![i]).toBeCloseTo(value, 5));
});

/** Every 16th row of tokens [tokens, dim]: those that are stored. */
function storedRows({ data, shape }: GraphTensor): GraphTensor {
	const width = shape.at(-1)!;
	return float32(
		Float32Array.from(data as Float32Array).filter((_, i) => Math.floor(i / width) % STORED_ROWS === 0),
		[Math.ceil(data.length / width / STORED_ROWS), width],
	);
}

function expectClose(actual: GraphTensor, expected: Float32Array, what = ''): void {
	expect(actual.data.length, what).toBe(expected.length);
	let worst = 0;
	expected.forEach((value, i) => (worst = Math.max(worst, Math.abs(Number(actual.data[i]) - value))));
	expect(worst, what).toBeLessThan(TOLERANCE);
}
