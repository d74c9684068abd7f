import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../domain/frame.ts';
import { readSafetensors, type Weights } from '../../weights/safetensors.ts';
import { requireTensors } from '../../weights/weights.ts';
import type { OpenedModel } from '../family.ts';
import { WasmFramePixels } from '../../pixels/frame-pixels.ts';
import { MODEL_FAMILIES, openModel, openSource } from '../index.ts';
import { BOX_SIDES, decodeBox, POINTS_PER_TOKEN } from '../../boxes/point-head.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { shvitGrid } from '../shvit/grid.ts';
import { openDetector, step } from '../detector.fixture.ts';
import { ModelSource } from '../source.ts';
import { lookoutShFamily, lookoutShGraph, parseLookoutShConfig } from './index.ts';
import { asInput } from '../shvit/network.ts';
import { runOnce } from '../../runtime/loaded-graph.ts';
import { floats } from '../../runtime/tensors.ts';

// The shipped one and a tiny random one, and what PyTorch made of a picture with them (tools/training/rival_fixture.py).
const TINY = new URL('./fixtures/tiny/', import.meta.url);
const RIVALS = [
	{ id: 'tiny', name: 'Tiny rival', folder: TINY, made: TINY },
	{
		id: 'lookout-sh',
		name: 'Lookout-SH',
		folder: new URL('../../../models/lookout-sh/', import.meta.url),
		made: new URL('./fixtures/lookout-sh/', import.meta.url),
	},
];
const PICTURE = { width: 201, height: 139 };
/** Maps of 9×13, 5×7 and 3×4 pixels: none is half of the one before. */
const INPUT = { width: 208, height: 144 };
const TOLERANCE = 1e-3;
/** Distances are exponentials of what the head gives, up to 1187 pixels of it: errors grow with them. */
const TOLERANCE_PIXELS = 0.05;

let configText: string;
let weightBytes: Uint8Array;
let frame: Frame;

beforeAll(async () => {
	configText = await readFile(new URL('model.json', TINY), 'utf8');
	weightBytes = await readFile(new URL('model.safetensors', TINY));
	frame = padded((await parityOf(TINY)).get('picture')!.data);
});

const parityOf = async (made: URL): Promise<Weights> =>
	readSafetensors(await readFile(new URL('parity.safetensors', made)), 'parity');
const bind = (model: OpenedModel, mode = 'dense') =>
	openDetector(model, { displaySize: PICTURE, mode, scoreThreshold: 0.3 });

describe.each(RIVALS)('$name reproduces what PyTorch gave', ({ id, name, folder, made }) => {
	let parity: Weights;
	beforeAll(async () => {
		parity = await parityOf(made);
	});
	const reference = (part: string) => parity.get(part)!.data;

	it('of logits and boxes, all of them', async () => {
		const config = parseLookoutShConfig({
			place: 'model.json',
			json: JSON.parse(await readFile(new URL('model.json', folder), 'utf8')),
		});
		const tensors = readSafetensors(await readFile(new URL('model.safetensors', folder)), 'weights');
		const weights = requireTensors(tensors, 'weights');
		const grid = shvitGrid(INPUT);
		const pixels = new WasmFramePixels(grid, config.mean, config.std);
		pixels.load(padded(reference('picture')));
		const graph = lookoutShGraph(config, INPUT, weights);
		const feeds = { picture: asInput(pixels.planar(), INPUT) };
		const head = floats(await runOnce(createRuntime(1), graph, feeds, ['head']), 'head');
		const classes = config.classes.length;
		const [logits, boxes]: number[][] = [[], []];
		const pointWidth = classes + BOX_SIDES;
		for (let at = 0; at < head.length / pointWidth; at++) {
			logits!.push(...head.subarray(at * pointWidth, at * pointWidth + classes));
			const point = { token: Math.floor(at / POINTS_PER_TOKEN), point: at % POINTS_PER_TOKEN };
			boxes!.push(...decodeBox(head, point, classes, grid));
		}
		expectClose(logits!, reference('logits'));
		expectClose(boxes!, reference('boxes'), TOLERANCE_PIXELS);
	});

	it('of detections and operations, from the folder to the displayed picture', async () => {
		const model = await openModel(folder.pathname);
		expect(model).toMatchObject({ id, name, modes: ['dense', 'tiles', 'motion'] });
		const detector = await bind(model);
		expect(detector.letterbox).toMatchObject({ contentSize: PICTURE, inputSize: INPUT, fill: 114 });
		const { macs, detections } = await step(detector, padded(reference('picture')));
		expect(detections.scores.length).toBeGreaterThan(0);
		expect([...detections.classIndices]).toEqual([...reference('detections.labels')]);
		expectClose(detections.scores, reference('detections.scores'));
		expectClose(detections.boxesXyxy, reference('detections.boxes'), TOLERANCE_PIXELS);
		expect(macs).toBe(reference('macs')[0]);
		expect(detector.denseMacs).toBe(macs);
		await detector.release();
	});
});

it('keeps its detections on still frames in mode motion, also after a restart', async () => {
	const model = await openModel(TINY.pathname);
	const [detector, resumed] = [await bind(model, 'motion'), await bind(model, 'motion')];
	const first = await step(detector, frame);
	resumed.restoreState(await detector.saveState());
	for (const one of [detector, resumed]) {
		const still = await step(one, frame);
		expect(still.macs).toBe(0);
		expect(still.detections).toEqual(first.detections);
	}
	const changed = { ...frame, pixels: frame.pixels.map((value) => 255 - value) };
	expect((await step(detector, changed)).macs).toBe(first.macs);
	await detector.release();
	await resumed.release();
});

it('has no tokens to reuse', async () => {
	const model = await openModel(TINY.pathname);
	await expect(bind(model, 'token-cache')).rejects.toThrow(
		'Mode token-cache does not work with this model: Tiny rival is no vision transformer.',
	);
});

describe('says what is wrong with', () => {
	const open = (change: (config: Record<string, unknown>) => object) => {
		const weights = readSafetensors(weightBytes, 'sh/model.safetensors');
		const checkpoint = { path: 'sh/model.safetensors', sha256: '', weights, options: null };
		const json = change(JSON.parse(configText) as Record<string, unknown>);
		return lookoutShFamily.open(
			ModelSource.inMemory(checkpoint, { name: 'model.json', place: 'sh/model.json', json }),
		);
	};

	it.each<[string, Record<string, unknown>, RegExp]>([
		['a width', { neck: 0 }, /^sh\/model\.json: neck is not as Lookout-SH needs it \(.*>0, got 0\)\.$/],
		['a missing field', { qk_dim: undefined }, /: qk_dim is not as .* expected number, received undefined/],
		['a stage too few', { depth: [1, 2] }, /: depth is not as .*expected array to have >=3 items/],
		['a type', { types: ['i', 's', 'x'] }, /: types\.2 is not as .*"i"\|"s"/],
		['a stem of no whole channels', { embed_dim: [20, 20, 32] }, /embed_dim\.0 must be .* of 8 \(got 20\)/],
		[
			'a part that is no part',
			{ partial_dim: [4, 20, 10] },
			/partial_dim\.1 must be less .* = 20 \(got 20\)/,
		],
		[
			'weights of another size',
			{ neck: 32 },
			/^sh\/model\.safetensors is not a Tiny rival of the sizes in model\.json: it has in another shape lateral\.0\.weight, which should be \[32, 16, 1, 1\] and is \[24, 16, 1, 1\]/,
		],
		['weights that are missing', { depth: [1, 2, 3] }, /it lacks backbone\.blocks3\.5\.conv\.weight/],
		['weights of other blocks', { types: ['i', 's', 'i'] }, /it has besides backbone\.blocks3\.3\.mixer\.m/],
	])('%s', async (_, change, message) => {
		const remedy: unknown = expect.stringMatching(/from one export/);
		await expect(open((config) => ({ ...config, ...change }))).rejects.toMatchObject({
			message: expect.stringMatching(message) as unknown,
			remedy,
		});
	});
});

it('is not opened from weights alone', async () => {
	const weights = readSafetensors(weightBytes, 'rival.safetensors');
	const source = ModelSource.inMemory({ path: 'rival.safetensors', sha256: '', weights, options: null });
	await expect(openSource(source, MODEL_FAMILIES)).rejects.toThrow(
		/^rival\.safetensors holds weights of a Lookout-SH: a folder with model\.json .* was expected\.$/,
	);
});

/** The picture [height, width, 3] as ffmpeg pads it: grey to the right and below. */
function padded(picture: Float32Array): Frame {
	const pixels = new Uint8Array(3 * INPUT.width * INPUT.height).fill(114);
	const rowBytes = 3 * PICTURE.width;
	for (let row = 0; row < PICTURE.height; row++) {
		pixels.set(picture.subarray(row * rowBytes, (row + 1) * rowBytes), 3 * row * INPUT.width);
	}
	return { index: 0, timeSeconds: 0, pixels, format: 'rgb24', size: INPUT };
}

function expectClose(actual: ArrayLike<number>, expected: Float32Array, tolerance = TOLERANCE): void {
	expect(actual.length).toBe(expected.length);
	let worst = 0;
	expected.forEach((value, i) => (worst = Math.max(worst, Math.abs(actual[i]! - value))));
	expect(worst).toBeLessThan(tolerance);
}
