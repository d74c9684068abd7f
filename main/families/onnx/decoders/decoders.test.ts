import { describe, expect, it } from 'vitest';
import type { OutputForm } from '../card.ts';
import { type Answer, type DecodeOptions, NotANumber } from './decoder.ts';
import { DECODERS } from './index.ts';

// What each form of output means, number by number: a network of 64×32 pixels.
const OPTIONS: DecodeOptions = {
	size: { width: 64, height: 32 },
	scoreThreshold: 0.25,
	classByLabel: Int32Array.of(0, 1),
	boxes: 'xyxy',
	unit: 'pixels',
	scores: 'probabilities',
};
const answer = (shape: number[], ...numbers: number[]): Answer => {
	const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
	data.set(numbers);
	return { data, shape };
};
const logit = (probability: number) => Math.log(probability / (1 - probability));
const centred = { boxes: 'cxcywh' } as const;
const shares = { unit: 'share' } as const;
type Found = [classIndex: number, score: number, ...box: number[]][];

it.each<[string, OutputForm, Record<string, Answer>, Partial<DecodeOptions>, Found]>([
	[
		'YOLOv8: numbers by anchor, the best class of each',
		'yolo-raw',
		// prettier-ignore
		{ rows: answer([1, 6, 8], ...[
			10, 20, 0, 0, 0, 0, 0, 0,  10, 20, 0, 0, 0, 0, 0, 0,  4, 4, 0, 0, 0, 0, 0, 0,  8, 8, 0, 0, 0, 0, 0, 0,
			0.5, 0.1, 0, 0, 0, 0, 0, 0,  0.75, 0.2, 0, 0, 0, 0, 0, 0,
		]) },
		centred,
		[[1, 0.75, 8, 6, 12, 14]],
	],
	[
		'YOLOv8, transposed',
		'yolo-raw',
		{ rows: answer([1, 9, 6], 10, 10, 4, 8, 0.5, 0.75) },
		centred,
		[[1, 0.75, 8, 6, 12, 14]],
	],
	[
		'YOLOv8 that also segments: what is behind the labels is left alone',
		'yolo-raw',
		{ rows: answer([1, 9, 10], ...[10, 10, 4, 8, 0.5, 0.75, 9, 9, 9].flatMap((n) => [n, 0, 0, 0, 0, 0, 0, 0, 0, 0])) }, // prettier-ignore
		centred,
		[[1, 0.75, 8, 6, 12, 14]],
	],
	[
		'YOLO26: rows as they are, a label beyond all left out',
		'end-to-end',
		{ rows: answer([1, 4, 6], 1, 2, 3, 4, 0.5, 1, 1, 2, 3, 4, 0.2, 0, 1, 2, 3, 4, 0.9, 7) },
		{},
		[[1, 0.5, 1, 2, 3, 4]],
	],
	[
		'YOLOv5: objectness times class',
		'yolo-objectness',
		{ rows: answer([1, 3, 7], 10, 10, 4, 8, 0.5, 0.25, 0.75, 10, 10, 4, 8, 0.9, 0.2, 0.1) },
		centred,
		[[1, 0.375, 8, 6, 12, 14]],
	],
	[
		'YOLOX: offsets from points of grids, sizes as logarithms',
		'yolox',
		// 8×4, 4×2 and 2×1 points: the last one is of stride 32, in column 1.
		{ rows: answer([1, 42, 7], ...Array<number>(41 * 7).fill(0), 0.5, 0.5, 0, Math.log(0.5), 1, 0.5, 0.25) },
		{},
		[[0, 0.5, 32, 8, 64, 24]],
	],
	[
		'DEIM: shares of the input, given [[1, 1]]',
		'detr-postprocessed',
		{ boxes: answer([1, 2, 4], 0.25, 0.5, 0.5, 1), labels: answer([1, 2], 1), scores: answer([1, 2], 0.5) },
		shares,
		[[1, 0.5, 16, 16, 32, 32]],
	],
	[
		'RF-DETR: a query may have several labels, the background never',
		'detr-logits',
		{
			boxes: answer([1, 1, 4], 0.5, 0.5, 0.25, 0.5),
			logits: answer([1, 1, 3], logit(0.5), logit(0.75), logit(0.99)),
		},
		{ ...centred, ...shares, scores: 'sigmoid', classByLabel: Int32Array.of(0, 1, -1) },
		[
			[0, 0.5, 24, 8, 40, 24],
			[1, 0.75, 24, 8, 40, 24],
		],
	],
	[
		'DETR: the background counts in the softmax and is nobody’s best',
		'detr-logits',
		{
			boxes: answer([1, 2, 4], 0.5, 0.5, 0.25, 0.5),
			logits: answer([1, 2, 3], Math.log(1), Math.log(3), Math.log(4), 0, 0, 9),
		},
		{ ...centred, ...shares, scores: 'softmax', classByLabel: Int32Array.of(0, 1, -1) },
		[[1, 0.375, 24, 8, 40, 24]],
	],
	[
		'RF-DETR on COCO’s ids: label 1 is the first class',
		'detr-logits',
		{ boxes: answer([1, 1, 4], 0.5, 0.5, 0.25, 0.5), logits: answer([1, 1, 3], 9, logit(0.75), -9) },
		{ ...centred, ...shares, scores: 'sigmoid', classByLabel: Int32Array.of(-1, 0, 1) },
		[[0, 0.75, 24, 8, 40, 24]],
	],
	[
		'MMDetection: the score behind the box',
		'mmdet',
		{ boxes: answer([1, 2, 5], 1, 2, 3, 4, 0.5, 1, 2, 3, 4, 0.1), labels: answer([1, 2], 1, 0) },
		{},
		[[1, 0.5, 1, 2, 3, 4]],
	],
	[
		'CenterFace: sizes and offsets, height and y first',
		'centerface',
		{
			scores: answer([1, 1, 2, 3], 0, 0, 0, 0, 0, 0.5),
			sizes: answer([1, 2, 2, 3], 0, 0, 0, 0, 0, Math.log(2), 0, 0, 0, 0, 0, Math.log(4)),
			offsets: answer([1, 2, 2, 3], 0, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0, 1),
		},
		{ classByLabel: Int32Array.of(0) },
		[[0, 0.5, 6, 4, 22, 12]],
	],
	[
		'UltraFace: the background first',
		'anchor-pairs',
		{ boxes: answer([1, 2, 4], 0.25, 0.5, 0.5, 1), scores: answer([1, 2, 2], 0.5, 0.5, 0.9, 0.1) },
		{ ...shares, classByLabel: Int32Array.of(-1, 0) },
		[[0, 0.5, 16, 16, 32, 32]],
	],
])('%s', (_, form, answers, options, found) => {
	const { classIndices, scores, boxesXyxy } = DECODERS[form](answers, { ...OPTIONS, ...options });
	const rows = Array.from(scores, (score, i) => [
		classIndices[i]!,
		score,
		...boxesXyxy.subarray(4 * i, 4 * i + 4),
	]);
	expect(rows).toHaveLength(found.length);
	rows.flat().forEach((number, i) => expect(number).toBeCloseTo(found.flat()[i]!, 4));
});

describe('answers of another shape than the form’s are said', () => {
	it.each<[OutputForm, Record<string, Answer>, RegExp]>([
		[
			'yolo-raw',
			{ rows: answer([1, 5, 8]) },
			/output for rows should have 6 numbers for every anchor or more \(got \[5, 8\]\)/,
		],
		[
			'end-to-end',
			{ rows: answer([2, 3, 6]) },
			/rows should have 2 axes behind batches of one \(got \[2, 3, 6\]\)/,
		],
		[
			'end-to-end',
			{ rows: answer([1, 6, 8], 10, 20, 4, 8, 0.5, 0.25) },
			/whole numbers as labels, the sixth of every row \(one is 0.25\) \(got \[6, 8\]\)/,
		],
		['yolox', { rows: answer([1, 41, 7]) }, /42 rows, one for every point of the grids/],
		['detr-logits', { boxes: answer([1, 2, 4]), logits: answer([1, 2, 3]) }, /2 numbers for every query/],
		['mmdet', { boxes: answer([1, 2, 4]), labels: answer([1, 2]) }, /5 numbers for every box/],
	])('%s', (form, answers, message) => {
		expect(() => DECODERS[form](answers, OPTIONS)).toThrow(message);
	});
});

describe('an answer that is not a number', () => {
	const nan = Number.NaN;
	it.each<[OutputForm, Record<string, Answer>]>([
		['yolo-raw', { rows: answer([1, 6, 8], ...Array<number>(48).fill(nan)) }],
		['end-to-end', { rows: answer([1, 2, 6], 1, 2, nan, 4, 0.5, 1) }],
		['yolo-objectness', { rows: answer([1, 2, 7], ...Array<number>(14).fill(nan)) }],
		['yolox', { rows: answer([1, 42, 7], 1, 1, 1, 1, 1, nan, 0) }],
		['detr-postprocessed', { boxes: answer([1, 1, 4]), labels: answer([1, 1]), scores: answer([1, 1], nan) }],
		['detr-logits', { boxes: answer([1, 1, 4]), logits: answer([1, 1, 2], nan, nan) }],
		['mmdet', { boxes: answer([1, 1, 5], 1, 2, 3, 4, nan), labels: answer([1, 1]) }],
		[
			'centerface',
			{ scores: answer([1, 1, 1, 1], nan), sizes: answer([1, 2, 1, 1]), offsets: answer([1, 2, 1, 1]) },
		],
		['anchor-pairs', { boxes: answer([1, 1, 4]), scores: answer([1, 1, 2], nan, 0) }],
	])('is not taken for nothing: %s', (form, answers) => {
		for (const scores of ['probabilities', 'sigmoid', 'softmax'] as const) {
			expect(() => DECODERS[form](answers, { ...OPTIONS, scores })).toThrow(NotANumber);
		}
	});
});
