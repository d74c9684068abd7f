import { afterAll, describe, expect, it } from 'vitest';
import type { Detections } from '../domain/detections.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { Size } from '../domain/video.ts';
import type { Detector, Model } from '../detector/detector.ts';
import { syntheticFrame } from '../pixels/synthetic-frame.fixture.ts';
import type { NetworkOutput } from '../reduction/host.ts';
import { findMode, REDUCTION_MODES } from '../reduction/index.ts';
import { checkpointOfCase } from '../weights/parity-case.fixture.ts';
import { openDetector, step } from './detector.fixture.ts';
import { folderOfCase } from './hugging-face/case.fixture.ts';
import { MODEL_FAMILIES, openModel, openSource } from './index.ts';
import { onnxFolder, SIGNATURES } from './onnx/tiny-onnx.fixture.ts';
import { ModelSource } from './source.ts';

// What every mode promises on every family that it works on, checked over both registries: a new mode is tested by its
// registry line, a new family by one small model here.
const at = (path: string) => new URL(path, import.meta.url).pathname;
const DISPLAY = { width: 192, height: 128 };
/** Of values up to 1; of larger ones, such as pixels, a share of them. */
const TOLERANCE = 1e-4;

/** Models without layers that could be computed in int8. */
const NO_LINEAR_LAYERS = ['onnx', 'shvit'];
/** Models whose small stand-ins here have layers too narrow to be rounded. */
const NARROW = ['lw-detr', 'rf-detr', 'yolos', 'detr', 'detr with clusters'];

const onnxFiles = onnxFolder();
afterAll(onnxFiles.remove);

const MODELS: Record<string, () => Promise<Model>> = {
	lookout: () => openModel(at('../../models/lookout')),
	'lookout-sh': () => openModel(at('./lookout-sh/fixtures/tiny')),
	vitdet: () => ofCase('eventful/detector_base'),
	'lw-detr': () => ofFolder('lw-detr'),
	'rf-detr': () => ofFolder('rf-detr'),
	yolos: () => ofFolder('yolos-mid'),
	detr: () => ofCase('enact/detr-plain'),
	'detr with clusters': () => ofCase('enact/detr-enact'),
	'sparse-detr': () => ofCase('sparse-detr/rho-0.3'),
	shvit: () => ofCase('shvit/retinanet'),
	onnx: () => openModel(onnxFiles.put('tiny.onnx', { outputs: SIGNATURES.yoloRaw })),
};

/** A model of a parity case, opened as the checkpoint that it would be. */
async function ofCase(name: string): Promise<Model> {
	return openSource(ModelSource.inMemory(await checkpointOfCase(name)), MODEL_FAMILIES);
}

/** A model of Hugging Face, opened as the folder that its case is. */
async function ofFolder(name: string): Promise<Model> {
	return openSource(await folderOfCase(name), MODEL_FAMILIES);
}

const opened = await Promise.all(
	Object.entries(MODELS).map(async ([name, open]) => ({ name, model: await open() })),
);
const pairs = opened.flatMap(({ name, model }) => model.modes.map((mode) => ({ name, mode, model })));

function open(
	model: Model,
	mode: string,
	settings: SettingValues = {},
	displaySize = DISPLAY,
): Promise<Detector<NetworkOutput>> {
	return openDetector(model, { displaySize, mode, settings });
}

/** The size of a picture that a mode sees as dense does: one that tiles don't cut. */
async function comparableSize(model: Model, mode: string): Promise<Size> {
	if (!findMode(mode).tiling) return DISPLAY;
	const dense = await open(model, 'dense', {}, { width: 640, height: 640 });
	await dense.release();
	const { width, height } = dense.letterbox.contentSize;
	return { width: Math.min(DISPLAY.width, width), height: Math.min(DISPLAY.height, height) };
}

const frame = (detector: Detector<NetworkOutput>, picture: Parameters<typeof syntheticFrame>[1]) =>
	syntheticFrame(detector.grid, picture);
const moving = (index: number) => ({ seed: 1, index, square: { x: 20 + 12 * index, y: 30, side: 24 } });

function columnsOf({ classIndices, scores, boxesXyxy }: Detections): NetworkOutput {
	return { classes: Int32Array.from(classIndices), scores, boxes: boxesXyxy };
}

function expectClose(actual: NetworkOutput, expected: NetworkOutput): void {
	for (const [name, values] of Object.entries(expected)) {
		const others = actual[name]!;
		expect(others.length, name).toBe(values.length);
		const worst = Math.max(
			...Array.from(values, (value, i) => Math.abs(value - others[i]!) / Math.max(1, Math.abs(value))),
		);
		expect(worst, name).toBeLessThan(TOLERANCE);
	}
}

it('every family has a model here', () => {
	const tested = Object.keys(MODELS);
	expect(MODEL_FAMILIES.map(({ id }) => id).filter((id) => !tested.includes(id))).toEqual([]);
});

it('every mode works on a model here', () => {
	const tested = new Set(pairs.map(({ mode }) => mode));
	expect(REDUCTION_MODES.map(({ id }) => id).filter((id) => !tested.has(id))).toEqual([]);
});

it.each(MODEL_FAMILIES)('what $id is said to offer, a model here offers, and no more', ({ id, offers }) => {
	const needed = pairs.filter(({ model }) => model.family === id).map(({ mode }) => findMode(mode).needs);
	expect(new Set(needed)).toEqual(new Set(['whole', ...offers]));
});

describe.each(pairs)('$mode on $name', ({ name, mode, model }) => {
	it('told to compute everything, equals dense on every frame', async () => {
		const size = await comparableSize(model, mode);
		const dense = await open(model, 'dense', {}, size);
		const other = await open(model, mode, findMode(mode).everything, size);
		for (let index = 0; index < 3; index++) {
			// Every pixel differs from the frame before, so that nothing may be left out.
			const picture = frame(dense, { seed: 1 + index, index });
			const [expected, actual] = [await step(dense, picture), await step(other, picture)];
			expect(actual.count).toBe(dense.grid.rows * dense.grid.cols);
			// What a mode answers in boxes is held against dense's boxes.
			if (findMode(mode).tiling) expectClose(columnsOf(actual.detections), columnsOf(expected.detections));
			else expectClose(actual.output, expected.output);
		}
		await Promise.all([dense.release(), other.release()]);
	});

	it.skipIf([...NO_LINEAR_LAYERS, ...NARROW].includes(name))(
		'in int8, counts as many operations and answers something else, but finite',
		async () => {
			const displaySize = DISPLAY;
			const [exact, rounded] = [
				await open(model, mode),
				await openDetector<NetworkOutput>(model, { displaySize, mode, precision: 'int8' }),
			];
			for (let index = 0; index < 2; index++) {
				const picture = frame(exact, moving(index));
				const [expected, actual] = [await step(exact, picture), await step(rounded, picture)];
				expect(actual.macs).toBe(expected.macs);
				expect(actual.output).not.toEqual(expected.output);
				const numbers = Object.values(actual.output).flatMap((values) => [...values]);
				expect(numbers.every(Number.isFinite)).toBe(true);
			}
			await Promise.all([exact.release(), rounded.release()]);
		},
	);

	it.runIf(NO_LINEAR_LAYERS.includes(name))(
		'refuses int8, for it has no layers to compute in it',
		async () => {
			await expect(
				openDetector(model, { displaySize: DISPLAY, mode, precision: 'int8' }),
			).rejects.toMatchObject({
				code: 'bad-argument',
				message: expect.stringContaining("can't be run with precision int8") as string,
			});
		},
	);

	it('after a reset, computes the first frame as if it were new', async () => {
		const detector = await open(model, mode);
		const first = await step(detector, frame(detector, moving(0)));
		await step(detector, frame(detector, moving(4)));
		detector.reset();
		const again = await step(detector, frame(detector, moving(0)));
		expect(again.tokens).toEqual(first.tokens);
		expect(again.detections).toEqual(first.detections);
		await detector.release();
	});

	it('goes on from a saved state as if it had never stopped', async () => {
		const [whole, resumed] = [await open(model, mode), await open(model, mode)];
		for (let index = 0; index < 3; index++) await step(whole, frame(whole, moving(index)));
		resumed.restoreState(await whole.saveState());
		for (let index = 3; index < 6; index++) {
			const picture = frame(whole, moving(index));
			const [expected, actual] = [await step(whole, picture), await step(resumed, picture)];
			expect(actual.tokens).toEqual(expected.tokens);
			expect(actual.detections).toEqual(expected.detections);
			expect(actual.macs).toBe(expected.macs);
		}
		await Promise.all([whole.release(), resumed.release()]);
	});

	it('counts operations that fit its selection, and knows what a dense frame costs', async () => {
		const size = await comparableSize(model, mode);
		const [dense, detector] = [await open(model, 'dense', {}, size), await open(model, mode, {}, size)];
		expect(detector.denseMacs).toBe(dense.denseMacs);
		expect(detector.behindMacs).toBeLessThan(detector.denseMacs);
		const tokens = detector.grid.rows * detector.grid.cols;
		for (let index = 0; index < 3; index++) {
			const { count, macs } = await step(detector, frame(detector, moving(index)));
			if (count === 0 && mode !== 'eventful') expect(macs).toBe(0);
			else expect(macs).toBeGreaterThan((0.3 * count * detector.denseMacs) / tokens);
		}
		await Promise.all([dense.release(), detector.release()]);
	});

	it('refuses settings that it does not have', async () => {
		await expect(open(model, mode, { nonsense: 1 })).rejects.toThrow(/has no setting "nonsense"/);
	});
});

describe('a camera that moves', () => {
	const cached = opened.filter(({ model }) => model.modes.includes('token-cache'));

	it.each(cached)('is followed on $name, or refused in one sentence', async ({ name, model }) => {
		const detector = open(model, 'token-cache', { camera: 'moving' });
		if (name === 'lookout') return (await detector).release();
		await expect(detector).rejects.toThrow(
			/^mode token-cache: camera can't be moving with this model \([^.]+\)[^.]+\.$/,
		);
		const auto = await open(model, 'token-cache', { camera: 'auto' });
		expect(() => auto.changeSettings({ camera: 'moving' })).toThrow(/camera can't be moving/);
		await auto.release();
	});
});

describe.each(opened)('$name', ({ model }) => {
	it('says in one sentence why it can not be run in the other modes', async () => {
		for (const [mode, refusal] of Object.entries(model.refusals)) {
			expect(refusal).toMatch(/^[^.]+$/);
			await expect(open(model, mode)).rejects.toThrow(
				`Mode ${mode} does not work with this model: ${refusal}.`,
			);
		}
		expect([...model.modes, ...Object.keys(model.refusals)].sort()).toEqual(
			REDUCTION_MODES.map(({ id }) => id).sort(),
		);
	});
});
