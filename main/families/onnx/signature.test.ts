import { afterAll, describe, expect, it } from 'vitest';
import { COCO_NAMES } from '../coco-names.ts';
import type { OnnxCard } from './card.ts';
import { readOnnxFile } from './onnx-file.ts';
import type { Degree } from './reading.ts';
import { recognize } from './signature.ts';
import { onnxFolder, POINTS, SIGNATURES, type TinyNetwork, type TinyOutput } from './tiny-onnx.fixture.ts';

// What a file is recognised as, by what goes in and comes out of it, and how sure that is.
const files = onnxFolder();
afterAll(files.remove);

let serial = 0;
function recognizeTiny(network: TinyNetwork, beside: Record<string, string> = {}) {
	const name = `network-${serial++}`;
	for (const [file, text] of Object.entries(beside)) files.put(file.replace('STEM', name), text);
	return recognize(readOnnxFile(files.put(`${name}.onnx`, network)));
}

const named = (count: number) =>
	`{${Array.from({ length: count }, (_, i) => `${i}: 'name ${i}'`).join(', ')}}`;
const ultralytics = (more: Record<string, string> = {}) => ({
	author: 'Ultralytics',
	names: named(80),
	...more,
});
const sizes = { name: 'orig_target_sizes', type: 'int64', shape: ['N', 2] } as const;
const mask = { name: 'pixel_mask', type: 'int64', shape: ['batch', 'height', 'width'] } as const;
const rfDetr = (labels: number): TinyOutput[] => [
	{ name: 'dets', shape: [1, 30, 4] },
	{ name: 'labels', shape: [1, 30, labels] },
];
const pixelValues = { name: 'pixel_values', shape: ['batch', 3, 'height', 'width'] } as const;
const huggingFace = (labels: number): TinyOutput[] => [
	{ name: 'logits', shape: [1, 30, labels] },
	{ name: 'pred_boxes', shape: [1, 30, 4] },
];
const [PLAIN, IMAGENET] = [0, 0.485];
type Part = {
	form: OnnxCard['output']['form'];
	resize?: string;
	mean?: number;
	scores?: string;
	size?: number;
};

describe('every signature', () => {
	it.each<[string, TinyNetwork, Degree, Part]>([
		[
			'1: Ultralytics, with its metadata',
			{ outputs: SIGNATURES.yoloRaw, metadata: ultralytics({ task: 'detect' }) },
			'certain',
			{ form: 'yolo-raw', resize: 'letterbox', mean: PLAIN },
		],
		['1: without metadata', { outputs: SIGNATURES.yoloRaw }, 'likely', { form: 'yolo-raw' }],
		[
			'1: without metadata, boxes joined with scores',
			{ outputs: [{ name: 'output0', shape: [1, 56, POINTS], parts: [4, 52] }] },
			'likely',
			{ form: 'yolo-raw' },
		],
		[
			'1: without metadata, with coefficients of masks',
			{
				outputs: [
					{ name: 'output0', shape: [1, 116, POINTS], parts: [84, 32] },
					{ name: 'output1', shape: [1, 32, 32, 32] },
				],
			},
			'likely',
			{ form: 'yolo-raw' },
		],
		[
			'1: as many numbers as of 17 keypoints, and nothing tells what they are',
			{ outputs: [{ name: 'output0', shape: [1, 56, POINTS] }] },
			'ask',
			{ form: 'yolo-raw' },
		],
		[
			'1: names that are not as many as the scores',
			{ outputs: SIGNATURES.yoloRaw, metadata: ultralytics({ names: named(79) }) },
			'likely',
			{ form: 'yolo-raw' },
		],
		[
			'1: sizes that vary, stated in metadata',
			{
				input: { shape: ['batch', 3, 'height', 'width'] },
				outputs: SIGNATURES.yoloRaw,
				metadata: ultralytics({ imgsz: '[320, 320]' }),
			},
			'certain',
			{ form: 'yolo-raw', size: 320 },
		],
		[
			'1: sizes that vary, and nothing says how large pictures are',
			{
				input: { shape: ['batch', 3, 'height', 'width'] },
				outputs: SIGNATURES.yoloRaw,
				metadata: ultralytics(),
			},
			'likely',
			{ form: 'yolo-raw', size: 640 },
		],
		[
			'2: end to end by its metadata',
			{ outputs: SIGNATURES.endToEnd, metadata: ultralytics({ end2end: 'True' }) },
			'certain',
			{ form: 'end-to-end' },
		],
		['2: rows of six numbers', { outputs: SIGNATURES.endToEnd }, 'likely', { form: 'end-to-end' }],
		[
			'3: three anchors for every point',
			{ outputs: SIGNATURES.yoloObjectness },
			'likely',
			{ form: 'yolo-objectness', scores: 'objectness', resize: 'letterbox' },
		],
		[
			'4: one anchor for every point',
			{ outputs: SIGNATURES.yolox },
			'ask',
			{ form: 'yolox', resize: 'letterbox' },
		],
		[
			'5: without a vision transformer, pixels as they are',
			{ outputs: SIGNATURES.detrPostprocessed, extras: [sizes] },
			'certain',
			{ form: 'detr-postprocessed', resize: 'stretch', mean: PLAIN },
		],
		[
			"5: with a vision transformer, ImageNet's mean",
			{ outputs: SIGNATURES.detrPostprocessed, extras: [sizes], vit: true },
			'likely',
			{ form: 'detr-postprocessed', resize: 'stretch', mean: IMAGENET },
		],
		[
			'7: labels of three axes that are no whole numbers',
			{ input: { name: 'input' }, outputs: rfDetr(91) },
			'certain',
			{ form: 'detr-logits', scores: 'sigmoid', resize: 'stretch', mean: IMAGENET },
		],
		[
			'8: the same names, with five numbers a box and whole labels',
			{ input: { name: 'input' }, outputs: SIGNATURES.mmdet },
			'likely',
			{ form: 'mmdet', resize: 'letterbox' },
		],
		[
			'9: 92 logits are those of a softmax',
			{ input: pixelValues, outputs: huggingFace(92), extras: [mask] },
			'ask',
			{ form: 'detr-logits', scores: 'softmax', mean: IMAGENET },
		],
		[
			'9: 80 logits are not',
			{ input: pixelValues, outputs: huggingFace(80) },
			'ask',
			{ form: 'detr-logits', scores: 'sigmoid', mean: PLAIN },
		],
		[
			'10: maps of CenterFace, whatever size they were exported with',
			{ input: { shape: [10, 3, 32, 32] }, outputs: SIGNATURES.centerFace },
			'certain',
			{ form: 'centerface', size: 640 },
		],
		[
			'11: anchors with two probabilities',
			{ outputs: SIGNATURES.ultraFace },
			'likely',
			{ form: 'anchor-pairs' },
		],
		[
			'13: colours and names in metadata',
			{
				outputs: SIGNATURES.detrPostprocessed,
				extras: [sizes],
				metadata: {
					names: named(80),
					image_normalize: '{"mean": [0.485, 0.4, 0.4], "std": [0.2, 0.2, 0.2]}',
				},
			},
			'certain',
			{ form: 'detr-postprocessed', mean: IMAGENET },
		],
	])('%s', (_, network, degree, part) => {
		const { degree: found, readings } = recognizeTiny(network);
		const { input, output } = readings[0]!.card;
		expect(found).toBe(degree);
		expect(output.form).toBe(part.form);
		if (part.resize !== undefined) expect(input.resize.kind).toBe(part.resize);
		if (part.mean !== undefined) expect(input.mean[0]).toBe(part.mean);
		if (part.scores !== undefined) expect(output.scores).toBe(part.scores);
		if (part.size !== undefined) expect([input.width, input.height]).toEqual([part.size, part.size]);
	});

	it('offers what else a file might be, each as a whole card', () => {
		const ofYolox = recognizeTiny({ outputs: SIGNATURES.yolox }).readings.map(({ card }) => [
			card.output.form,
			card.input.range,
			card.input.colour,
		]);
		expect(ofYolox).toEqual([
			['yolox', 255, 'bgr'],
			['yolo-objectness', 255, 'bgr'],
			['yolo-objectness', 1, 'rgb'],
		]);
		const deim = recognizeTiny({ outputs: SIGNATURES.detrPostprocessed, extras: [sizes] });
		expect(deim.readings.map(({ card }) => card.input.mean[0])).toEqual([PLAIN, IMAGENET]);
	});
});

describe('classes', () => {
	const deim = (...numbers: number[]) => numbers;
	it.each<[string, TinyNetwork, Record<string, string>, { first: string; names: number; unused: number[] }]>([
		[
			'91 logits are COCO with gaps',
			{ input: { name: 'input' }, outputs: rfDetr(91) },
			{},
			{ first: 'person', names: 80, unused: deim(0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83) },
		],
		[
			'one label more than names is the background, at the end',
			{ input: { name: 'input' }, outputs: rfDetr(4), metadata: { names: named(3) } },
			{},
			{ first: 'name 0', names: 3, unused: [3] },
		],
		[
			'a face detector has the background first',
			{ outputs: SIGNATURES.ultraFace },
			{},
			{ first: 'face', names: 1, unused: [0] },
		],
		[
			'a softmax has the background last',
			{ input: { name: 'pixel_values' }, outputs: huggingFace(92) },
			{},
			{ first: 'person', names: 80, unused: [0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91] },
		],
		[
			'names from a file of lines',
			{ input: { name: 'input' }, outputs: rfDetr(2) },
			{ 'STEM.txt': 'cat\n\ndog\n' },
			{ first: 'cat', names: 2, unused: [] },
		],
		[
			'names from YAML',
			{ input: { name: 'input' }, outputs: rfDetr(2) },
			{ 'STEM.yaml': "# data\npath: x\nnames:\n  0: cat # small\n  1: 'dog'\n" },
			{ first: 'cat', names: 2, unused: [] },
		],
		[
			'names from YAML as data sets have it: a list over lines, anchors, other keys, words that YAML has for truth',
			{ input: { name: 'input' }, outputs: rfDetr(4) },
			{
				'STEM.yml':
					'train: &here ../images\nval: *here\nnc: 4\nnames: [\n  yes, "driver\'s seat", # two\n  12,\n  été ]\ndownload: |\n  names: none\n',
			},
			{ first: 'yes', names: 4, unused: [] },
		],
		[
			'names from YAML by their numbers, in any order',
			{ input: { name: 'input' }, outputs: rfDetr(2) },
			{ 'STEM.yaml': 'names: {1: dog, 0: cat}' },
			{ first: 'cat', names: 2, unused: [] },
		],
		[
			'as many as there are where nothing names them',
			{ input: { name: 'input' }, outputs: rfDetr(7) },
			{},
			{ first: 'class 0', names: 7, unused: [] },
		],
	])('%s', (_, network, beside, { first, names, unused }) => {
		const { classes } = recognizeTiny(network, beside).readings[0]!.card;
		expect(classes.names[0]).toBe(first);
		expect(classes.names).toHaveLength(names);
		expect(classes.unused).toEqual(unused);
	});

	it.each([
		['what is not YAML', 'names: [a, b', /STEM is not YAML: .+\.$/],
		['what would be an object of a program', 'names: !!js/function "() => 1"', /is not YAML: unknown tag/],
		['brackets without an end', '['.repeat(1e5), /is not YAML/],
		['more than names are', ' '.repeat(2 ** 20 + 1), /has 1048577 bytes/],
		['no names', 'classess: [a, b]', /names no classes/],
		['a number that is missing', 'names: {0: a, 2: b}', /names no classes/],
	])('are refused in a sentence: %s', (_, text, message) => {
		const network = { input: { name: 'input' }, outputs: rfDetr(2) };
		const expected = new RegExp(message.source.replace('STEM', String.raw`network-\d+\.yaml`));
		expect(() => recognizeTiny(network, { 'STEM.yaml': text })).toThrow(expected);
	});

	it.each([
		[
			'as Python writes them',
			String.raw`{0: 'driver\'s\tseat', 1: "\x1b[31m\u65e5\U0001f600"}`,
			["driver's seat", '[31m日😀'],
		],
		['as JSON has them', String.raw`["a\nb", "\u001b[31m=1,\"x\""]`, ['a b', '[31m=1,"x"']],
	])('have one line each, with any letters in it: %s', (_, names, expected) => {
		const { readings } = recognizeTiny({ input: { name: 'input' }, outputs: rfDetr(2), metadata: { names } });
		expect(readings[0]!.card.classes.names).toEqual(expected);
	});

	it('are numbers, with both counts said, where names do not fit', () => {
		const { readings, remarks } = recognizeTiny({
			outputs: SIGNATURES.yoloRaw,
			metadata: ultralytics({ names: named(6) }),
		});
		expect(remarks[0]).toMatch(/metadata \(names\) names 6 classes, and the output scores 80/);
		expect(readings[0]!.card.classes.names).toEqual(COCO_NAMES);
	});
});

it.each<[string, object[], Degree, object]>([
	[
		'blue first, padded before it is normalised',
		[
			{ type: 'Resize', keep_ratio: true, size: [128, 128] },
			{ type: 'Pad', size: [128, 128], pad_val: { img: [114, 114, 114] } },
			{ type: 'Normalize', mean: [103, 116, 123], std: [57, 57, 58], to_rgb: false },
		],
		'certain',
		{ colour: 'bgr', mean: [103, 116, 123], resize: { kind: 'letterbox', pad: 114, align: 'top-left' } },
	],
	[
		'red first, padded afterwards',
		[
			{ type: 'Resize', keep_ratio: true },
			{ type: 'Normalize', mean: [123, 116, 103], std: [58, 57, 57], to_rgb: true },
			{ type: 'Pad', size_divisor: 32 },
		],
		'certain',
		{ colour: 'rgb', mean: [123, 116, 103], resize: { kind: 'letterbox', pad: 116, align: 'top-left' } },
	],
	[
		'stretched',
		[
			{ type: 'Resize', keep_ratio: false },
			{ type: 'Normalize', mean: [0, 0, 0], std: [255, 255, 255] },
		],
		'certain',
		{ colour: 'rgb', std: [255, 255, 255], resize: { kind: 'stretch' } },
	],
	['nothing of colours', [{ type: 'Resize', keep_ratio: true }], 'likely', { colour: 'bgr' }],
])("reads mmdeploy's pipeline.json beside a file: %s", (_, transforms, degree, input) => {
	const alone = onnxFolder();
	alone.put('pipeline.json', JSON.stringify({ pipeline: { tasks: [{ transforms }, { module: 'Net' }] } }));
	const network = { input: { name: 'input' }, outputs: SIGNATURES.mmdet };
	const found = recognize(readOnnxFile(alone.put('end2end.onnx', network)));
	alone.remove();
	expect(found.degree).toBe(degree);
	expect(found.readings[0]!.card.input).toMatchObject(input);
	if (degree === 'certain') expect(found.remarks.join()).toContain("they go by COCO's names");
});

describe('what is no detector is called what it is', () => {
	const one = (shape: readonly number[], name = 'output'): TinyNetwork => ({ outputs: [{ name, shape }] });
	it.each<[string, TinyNetwork, RegExp]>([
		['a classifier', one([1, 1000]), /is a classifier: it names whole pictures/],
		['a segmentation', one([1, 21, 32, 32]), /is a network for segmentation or the like/],
		[
			'ECPose',
			{
				outputs: [
					{ name: 'scores', shape: [1, 30] },
					{ name: 'labels', type: 'int64', shape: [1, 30] },
					{ name: 'keypoints', shape: [1, 30, 17, 2] },
				],
				extras: [sizes],
			},
			/is a pose estimator \(such as ECPose\): it gives keypoints and no boxes/,
		],
		[
			"Ultralytics' pose",
			{ ...one([1, 56, 336]), metadata: ultralytics({ task: 'pose' }) },
			/is a pose estimator \(metadata: task=pose\)/,
		],
		[
			"Ultralytics' rotated boxes",
			{ ...one([1, 20, 336]), metadata: ultralytics({ task: 'obb' }) },
			/is a detector of rotated boxes, which Sparsight has not \(metadata: task=obb\)/,
		],
		[
			"Ultralytics' pose, end to end",
			{ ...one([1, 300, 57]), metadata: ultralytics({ task: 'pose', end2end: 'True' }) },
			/is a pose estimator \(metadata: task=pose\)/,
		],
		[
			"Ultralytics' pose without metadata",
			{ outputs: [{ name: 'output0', shape: [1, 56, POINTS], parts: [5, 51] }] },
			/is a pose estimator: its output joins 51 more to the 5 numbers of a box and its scores, as of keypoints/,
		],
		[
			'a pose estimator of three points without visibility',
			{ outputs: [{ name: 'output0', shape: [1, 11, POINTS], parts: [4, 1, 6] }] },
			/is a pose estimator: its output joins 6 more/,
		],
		[
			"Ultralytics' rotated boxes without metadata",
			{ outputs: [{ name: 'output0', shape: [1, 20, POINTS], parts: [19, 1] }] },
			/is a detector of rotated boxes, which Sparsight has not: its output joins 1 more to the 19 numbers.* as of an angle/,
		],
		[
			'raw maps of a YOLO',
			{
				outputs: [
					{ name: 'a', shape: [1, 255, 16, 16] },
					{ name: 'b', shape: [1, 255, 8, 8] },
				],
			},
			/raw maps of a YOLO \(a \[1, 255, 16, 16\].*anchors .* are not in the file/,
		],
		[
			'nothing that is known',
			one([1, 2, 3, 4, 5]),
			/no output fits \(got output float32 \[1, 2, 3, 4, 5\]\)/,
		],
		[
			'pictures of one channel',
			{ ...one([1, 10]), input: { shape: [1, 1, 28, 28] } },
			/pictures of 1 channels/,
		],
		[
			'many pictures at once',
			{ outputs: SIGNATURES.yoloRaw, input: { shape: [4, 3, 128, 128] } },
			/4 pictures at once/,
		],
	])('%s', (_, network, message) => {
		expect(() => recognizeTiny(network)).toThrow(message);
	});
});

it.each([
	['detr', 'softmax', IMAGENET],
	['yolos', 'softmax', IMAGENET],
	['rt_detr_v2', 'sigmoid', PLAIN],
	['d_fine', 'sigmoid', PLAIN],
	['deformable_detr', 'sigmoid', IMAGENET],
])('a config.json of model_type %s leaves no doubt', (type, scores, mean) => {
	const own = onnxFolder();
	const id2label = Object.fromEntries(
		Array.from({ length: scores === 'softmax' ? 29 : 30 }, (_, i) => [i, `thing ${i}`]),
	);
	own.put('config.json', JSON.stringify({ model_type: type, id2label }));
	const path = own.put('model.onnx', { input: { name: 'pixel_values' }, outputs: huggingFace(30) });
	const { degree, readings } = recognize(readOnnxFile(path));
	own.remove();
	expect(degree).toBe('certain');
	const { output, input, classes } = readings[0]!.card;
	expect([output.scores, input.mean[0], classes.names[0]]).toEqual([scores, mean, 'thing 0']);
});

it('comes to an end with a file whose nodes go in a circle', () => {
	const network: TinyNetwork = {
		outputs: SIGNATURES.yoloRaw,
		change({ graph }) {
			const last = graph!.node!.at(-1)!;
			Object.assign(last, { opType: 'Identity', input: last.output });
		},
	};
	expect(recognizeTiny(network).readings).not.toEqual([]);
});
