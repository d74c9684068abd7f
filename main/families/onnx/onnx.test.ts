import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../domain/frame.ts';
import type { Size } from '../../domain/video.ts';
import { openDetector, step } from '../detector.fixture.ts';
import { openModel } from '../index.ts';
import { cardBeside, parseCard, saveCard } from './card.ts';
import { readOnnxFile } from './onnx-file.ts';
import { recognize } from './signature.ts';
import { onnxFolder, SIGNATURES, type TinyNetwork } from './tiny-onnx.fixture.ts';

// Networks of every signature with known answers, from the file to boxes in displayed pixels.
const files = onnxFolder();
afterAll(files.remove);

const WIDE = { width: 256, height: 128 };
const names = (count: number) =>
	JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [i, `name ${i}`])));
const sizes = { name: 'orig_target_sizes', type: 'int64', shape: ['N', 2] } as const;
const ultralytics = { author: 'Ultralytics', task: 'detect', names: names(80), license: 'AGPL-3.0 License' };

/** A grey frame as a letterbox has it. */
function greyFrame(size: Size, level = 128): Frame {
	const pixels = new Uint8Array(3 * size.width * size.height).fill(level);
	return { index: 0, timeSeconds: 1.5, pixels, format: 'rgb24', size };
}

async function detect(path: string, displaySize: Size, level?: number) {
	const model = await openModel(path);
	const detector = await openDetector(model, { displaySize, scoreThreshold: 0.05 });
	const { detections } = await step(detector, greyFrame(detector.letterbox.inputSize, level));
	await detector.release();
	return { model, detections };
}

/** Chooses a reading where a file leaves it open. */
function choose(path: string, reading = 0): void {
	const { degree, readings } = recognize(readOnnxFile(path));
	expect(degree).toBe('ask');
	saveCard(readings[reading]!.card, { beside: path });
}

// Of a video twice as wide as the network's input, whose letterbox has 32 rows above and below, or 64 below.
const [STRETCHED, CENTRED, TOP_LEFT] = [
	[64, 32, 192, 96],
	[64, 0, 192, 128],
	[64, 64, 192, 128],
];

it.each<[string, TinyNetwork, string, number[]]>([
	['YOLOv8', { outputs: SIGNATURES.yoloRaw, metadata: ultralytics }, 'name 0', CENTRED],
	['YOLOv8 without metadata', { outputs: SIGNATURES.yoloRaw }, 'person', CENTRED],
	[
		'YOLO26',
		{ outputs: SIGNATURES.endToEnd, metadata: { ...ultralytics, end2end: 'True' } },
		'name 0',
		CENTRED,
	],
	['YOLOv5', { outputs: SIGNATURES.yoloObjectness }, 'person', CENTRED],
	['YOLOX', { outputs: SIGNATURES.yolox }, 'person', TOP_LEFT],
	['DEIM', { outputs: SIGNATURES.detrPostprocessed, extras: [sizes] }, 'person', STRETCHED],
	['RF-DETR', { input: { name: 'input' }, outputs: SIGNATURES.rfDetr }, 'person', STRETCHED],
	['MMDetection', { input: { name: 'input' }, outputs: SIGNATURES.mmdet }, 'person', TOP_LEFT],
	['Hugging Face', { input: { name: 'pixel_values' }, outputs: SIGNATURES.huggingFace }, 'person', STRETCHED],
	['UltraFace', { input: { name: 'input' }, outputs: SIGNATURES.ultraFace }, 'face', STRETCHED],
	[
		'half precision',
		{
			input: { type: 'float16' },
			outputs: SIGNATURES.yoloRaw.map((output) => ({ ...output, type: 'float16' as const })),
			metadata: ultralytics,
		},
		'name 0',
		CENTRED,
	],
	[
		'colours last, as bytes',
		{
			input: { type: 'uint8', shape: [1, 128, 128, 3] },
			outputs: SIGNATURES.endToEnd,
			metadata: { end2end: 'True' },
		},
		'person',
		CENTRED,
	],
	[
		'sizes that vary',
		{
			input: { shape: ['batch', 3, 'height', 'width'] },
			outputs: SIGNATURES.yoloRaw,
			metadata: { ...ultralytics, imgsz: '[128, 128]' },
		},
		'name 0',
		CENTRED,
	],
])('%s: the box is where it is in the video', async (name, network, className, box) => {
	const path = files.put(`${name}.onnx`, network);
	if (recognize(readOnnxFile(path)).degree === 'ask') choose(path);
	const { model, detections } = await detect(path, WIDE);
	expect(detections.count).toBe(1);
	expect(model.classes[detections.classIndices[0]!]).toBe(className);
	expect(detections.scores[0]).toBeCloseTo(0.9, 2);
	expect([...detections.boxesXyxy].map(Math.round)).toEqual(box);
});

it('lets CenterFace see pictures of another size than it was exported with', async () => {
	const outputs = SIGNATURES.centerFace.map((output) => ({ ...output }));
	const path = files.put('centerface.onnx', { input: { shape: [10, 3, 32, 32] }, outputs });
	const { card } = recognize(readOnnxFile(path)).readings[0]!;
	expect([card.input.width, card.input.height]).toEqual([640, 640]);
	// This network's answers are of 128×128 whatever it sees.
	saveCard({ ...card, input: { ...card.input, width: 128, height: 128 } }, { beside: path });
	const { detections } = await detect(path, { width: 256, height: 256 });
	expect([...detections.boxesXyxy].map(Math.round)).toEqual([64, 64, 192, 192]);
});

it('prepares pixels as the card says, in the order that it says', async () => {
	// The score is the mean of what the network sees: grey of 128.
	const outputs = [
		{ name: 'output0', shape: [1, 20, 6], numbers: [16, 16, 48, 48, 0, 0], plusMean: [0, 0, 0, 0, 1, 0] },
	];
	const path = files.put('mean.onnx', { outputs, metadata: { end2end: 'True' } });
	const { card } = recognize(readOnnxFile(path)).readings[0]!;
	const square = { width: 128, height: 128 };
	const scoreWith = async (input: Partial<typeof card.input>) => {
		saveCard({ ...card, input: { ...card.input, ...input } }, { beside: path });
		return (await detect(path, square, 128)).detections.scores[0];
	};
	expect(await scoreWith({})).toBeCloseTo(128 / 255, 4);
	expect(await scoreWith({ range: 255, std: [256, 256, 256] })).toBeCloseTo(0.5, 4);
	expect(await scoreWith({ mean: [0.1, 0.1, 0.1] })).toBeCloseTo(128 / 255 - 0.1, 4);
});

describe('a file that leaves something open', () => {
	it('opens with a remark where it is likely what it seems', async () => {
		const path = files.put('likely.onnx', { outputs: SIGNATURES.yoloRaw });
		const { remarks } = await openModel(path);
		expect(remarks).toEqual([
			expect.stringMatching(/likely reading, not a certain one: the output has 84 numbers/),
		]);
	});

	it('shows the licence that its weights come with', async () => {
		const path = files.put('licensed.onnx', { outputs: SIGNATURES.yoloRaw, metadata: ultralytics });
		expect((await openModel(path)).remarks).toEqual(['licence of the weights: AGPL-3.0 License']);
	});

	it('asks in one sentence, which lists the readings and how to choose', async () => {
		const path = files.put('open.onnx', { outputs: SIGNATURES.yolox });
		await expect(openModel(path)).rejects.toMatchObject({
			message: expect.stringMatching(
				/can be read in 3 ways.*\(1\) YOLOX: .*\(2\) YOLOX, decoded: .*\(3\) YOLOv6/,
			),
			remedy: expect.stringContaining('--reading N --save'),
		});
		choose(path, 2);
		expect((await openModel(path)).name).toBe('YOLOv6 or later with objectness');
	});
});

describe('a card', () => {
	const path = files.put('carded.onnx', { outputs: SIGNATURES.yoloRaw });
	const { card } = recognize(readOnnxFile(path)).readings[0]!;

	it('is read from the folder of settings, by the hash of the file', async () => {
		const { sha256 } = await openModel(path);
		saveCard({ ...card, title: 'mine', sha256 }, { folder: files.folder, sha256 });
		expect((await openModel(path, null, files.folder)).name).toBe('mine');
		expect((await openModel(path)).name).toBe('YOLOv8 or later');
	});

	it.each<[string, object, RegExp]>([
		['of another file', { ...card, sha256: 'a'.repeat(64) }, /card of another file: sha256 must be/],
		[
			'with a field too many',
			{ ...card, more: 1 },
			/carded\.onnx\.card\.json: the file is not as a card needs it/,
		],
		[
			'with a name of two lines',
			{ ...card, classes: { ...card.classes, names: ['a\nb'] } },
			/classes\.names\.0 is not as a card needs it \(must be a text without control characters/,
		],
		[
			'of another size',
			{ ...card, input: { ...card.input, width: 0 } },
			/input\.width is not as a card needs it/,
		],
		['with an output too few', { ...card, output: { ...card.output, tensors: {} } }, /output\.tensors\.rows/],
		[
			'of other outputs',
			{ ...card, output: { ...card.output, tensors: { rows: 'x' } } },
			/names x, which .* has not/,
		],
		['with labels beyond all', { ...card, classes: { names: ['a'], unused: [2] } }, /classes\.unused/],
	])('%s: one sentence with its place', async (_, json, message) => {
		writeFileSync(cardBeside(path), JSON.stringify(json));
		await expect(openModel(path)).rejects.toThrow(message);
	});

	it('is whole, also on the disk', () => {
		const place = saveCard(card, { beside: path });
		expect(parseCard(JSON.parse(readFileSync(place, 'utf8')), place)).toEqual(card);
		expect(existsSync(`${place}.new`)).toBe(false);
	});
});

describe('answers that are no numbers', () => {
	it('are said in a sentence, with the output and the time of the frame', async () => {
		const outputs = [{ name: 'output0', shape: [1, 20, 6], numbers: [32, 32, 96, 96, Number.NaN, 0] }];
		const path = files.put('nan.onnx', { outputs, metadata: { end2end: 'True' } });
		await expect(detect(path, WIDE)).rejects.toThrow(
			/answers with what is not a number \(NaN\) in output0, for the frame at 1\.500 s/,
		);
	});
});
