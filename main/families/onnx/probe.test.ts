import { afterAll, expect, it } from 'vitest';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { changeCard } from './card.ts';
import { readNames, withNames } from './class-names.ts';
import { inspectOnnx } from './inspect.ts';
import { compareCards, isPlausible, probeCard } from './probe.ts';
import { onnxFolder, SIGNATURES } from './tiny-onnx.fixture.ts';

const files = onnxFolder();
afterAll(files.remove);

const FOLDERS = { cache: null, cards: null };
const FRAME = { data: new Uint8Array(3 * 256 * 128).fill(128), size: { width: 256, height: 128 } };

it('tells readings of one file apart by a frame: the other one has its boxes elsewhere', async () => {
	// Offsets that are read as pixels are boxes of no size in the corner.
	const outputs = [{ ...SIGNATURES.yolox[0], numbers: [8, 8, 0.4, 0.4, 1, 0.9] }];
	const inspection = await inspectOnnx(files.put('yolox.onnx', { outputs }), FOLDERS);
	const cards = inspection.recognition.readings.map(({ card }) => card);
	const { probes, best, isClear } = await compareCards(inspection, cards, FRAME, createRuntime(1));
	expect(probes.map(isPlausible)).toEqual([true, false, false]);
	expect([best, isClear]).toEqual([0, true]);
	expect(probes[0]).toMatchObject({ shown: 1, classes: [{ name: 'person', count: 1 }], failure: null });
	expect(probes[0]!.meanTopScore).toBeCloseTo(0.09, 5);
	expect(probes[0]!.detections.box(0)[0]).toBeGreaterThan(100);
});

it('does not choose where a frame shows nothing', async () => {
	const outputs = [{ ...SIGNATURES.yolox[0], numbers: [] }];
	const inspection = await inspectOnnx(files.put('empty.onnx', { outputs }), FOLDERS);
	const cards = inspection.recognition.readings.map(({ card }) => card);
	expect(await compareCards(inspection, cards, FRAME, createRuntime(1))).toMatchObject({
		best: null,
		isClear: false,
	});
});

it.each<[string, string, string, Partial<Record<'scoresFit' | 'boxesFit', boolean>>, RegExp | null]>([
	['scores that are no probabilities', 'output.scores', 'sigmoid', { scoresFit: false }, null],
	['boxes in another unit', 'output.unit', 'share', { boxesFit: false }, null],
	['a form that the output has not', 'output.form', 'yolo-raw', {}, /numbers for every anchor/],
])('says what speaks against a reading: %s', async (_, field, value, fits, failure) => {
	const outputs = [
		{ name: 'output0', shape: [1, 20, 6], numbers: [32, 32, 96, 96, value === 'sigmoid' ? 9 : 0.9, 0] },
	];
	const inspection = await inspectOnnx(files.put(`against-${value}.onnx`, { outputs }), FOLDERS);
	const card = changeCard(inspection.recognition.readings[0]!.card, [[field, value]]);
	const probe = await probeCard(inspection, card, FRAME, createRuntime(1));
	expect(probe).toMatchObject(fits);
	expect(isPlausible(probe)).toBe(false);
	if (failure) expect(probe.failure).toMatch(failure);
});

it('changes a card field by field, and refuses what cards have not', async () => {
	const { recognition } = await inspectOnnx(
		files.put('change.onnx', { outputs: SIGNATURES.yoloRaw }),
		FOLDERS,
	);
	const { card } = recognition.readings[0]!;
	const changed = changeCard(card, [
		['input.colour', 'bgr'],
		['input.mean', '[1, 2, 3]'],
		['displayScore', '0.5'],
		['input.resize', '{"kind": "stretch"}'],
	]);
	expect(changed.input).toMatchObject({ colour: 'bgr', mean: [1, 2, 3], resize: { kind: 'stretch' } });
	expect(changed.displayScore).toBe(0.5);
	expect(card.input.colour).toBe('rgb');
	expect(() => changeCard(card, [['input.color', 'bgr']])).toThrow('A card has no field input.color');
	expect(() => changeCard(card, [['input.colour', 'blue']])).toThrow(
		/The card: input\.colour is not as a card needs it/,
	);
});

it('takes names where there are as many as the network scores, else says both numbers', async () => {
	const outputs = [{ name: 'output0', shape: [1, 7, 336] }];
	const { recognition } = await inspectOnnx(files.put('names.onnx', { outputs }), FOLDERS);
	const { card } = recognition.readings[0]!;
	const yaml = files.put('three.yaml', "names: ['a cat', dog,\n  \"driver's seat\"]\n");
	expect(withNames(card, readNames(yaml), yaml).classes.names).toEqual(['a cat', 'dog', "driver's seat"]);
	const windows = files.put('three.txt', Buffer.from('\uFEFFa cat\r\ndog\r\n門\r\n', 'utf16le'));
	expect(readNames(windows)).toEqual(['a cat', 'dog', '門']);
	expect(withNames(card, ['a', 'b'], 'two').classes).toEqual({ names: ['a', 'b'], unused: [2] });
	expect(() => withNames(card, ['a'], 'one.txt')).toThrow(
		'one.txt names 1 classes, and the output scores 3.',
	);
});
