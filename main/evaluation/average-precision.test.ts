import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import {
	allPointAveragePrecision,
	COCO_IOUS,
	cocoAveragePrecision,
	countVerdicts,
	judge,
	mean,
	type Picture,
} from './average-precision.ts';
import { COUNTED, CROWD, IGNORED, TruthBuilder } from './ground-truth/ground-truth.ts';

type Xywh = [number, number, number, number];
type Numbers = {
	ap50: number | null;
	ap75: number | null;
	ap50to95: number | null;
	ap50AllPoint: number | null;
};
type Case = {
	name: string;
	images: {
		truth: { class: number; xywh: Xywh; crowd: number }[];
		found: { class: number; xywh: Xywh; score: number }[];
	}[];
	expected: { perClass: Numbers[]; map50: number | null; map50to95: number | null };
};

const cases = JSON.parse(
	readFileSync(new URL('fixtures/average-precision.json', import.meta.url), 'utf8'),
) as Case[];

describe('equals pycocotools on the recorded cases', () => {
	it.each(cases.map((entry) => [entry.name, entry] as const))('%s', (_, { images, expected }) => {
		const pictures = images.map(({ truth, found }): Picture =>
			picture(
				truth.map(({ class: label, xywh, crowd }) => [label, xywh, crowd ? CROWD : COUNTED]),
				found.map(({ class: label, xywh, score }) => [label, xywh, score]),
			),
		);
		const came = expected.perClass.map((_, classIndex): Numbers => {
			const judgement = judge(pictures, classIndex);
			return {
				ap50: cocoAveragePrecision(judgement, 0),
				ap75: cocoAveragePrecision(judgement, 5),
				ap50to95: cocoAveragePrecision(judgement),
				ap50AllPoint: allPointAveragePrecision(judgement, 0),
			};
		});
		for (const [c, wanted] of expected.perClass.entries()) {
			for (const name of ['ap50', 'ap75', 'ap50to95', 'ap50AllPoint'] as const) {
				expectClose(came[c]![name], wanted[name]);
			}
		}
		expectClose(meanOf(came.map(({ ap50 }) => ap50)), expected.map50);
		expectClose(meanOf(came.map(({ ap50to95 }) => ap50to95)), expected.map50to95);
	});
});

it('the overlaps are numpy.linspace(0.5, 0.95, 10)', () => {
	expect(COCO_IOUS.map((iou) => Number(iou.toFixed(12)))).toEqual([
		0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95,
	]);
});

describe('one class at an overlap of 0.5', () => {
	const at: Xywh = [0, 0, 10, 10];
	const aside: Xywh = [50, 50, 10, 10];
	it.each([
		['an exact find', [[0, at, COUNTED]], [[0, at, 0.9]], { right: 1, wrong: 0, missed: 0 }, 1],
		[
			'an overlap of exactly 0.5',
			[[0, at, COUNTED]],
			[[0, [0, 0, 10, 5], 0.9]],
			{ right: 1, wrong: 0, missed: 0 },
			1,
		],
		['nothing found', [[0, at, COUNTED]], [], { right: 0, wrong: 0, missed: 1 }, 0],
		['a find of another class', [[0, at, COUNTED]], [[1, at, 0.9]], { right: 0, wrong: 0, missed: 1 }, 0],
		[
			'found twice: once right, once wrong',
			[[0, at, COUNTED]],
			[
				[0, at, 0.9],
				[0, at, 0.8],
			],
			{ right: 1, wrong: 1, missed: 0 },
			1,
		],
		[
			'a better scored false alarm halves it',
			[[0, at, COUNTED]],
			[
				[0, aside, 0.9],
				[0, at, 0.8],
			],
			{ right: 1, wrong: 1, missed: 0 },
			0.5,
		],
		[
			'ignored objects take any number',
			[
				[0, at, COUNTED],
				[0, aside, IGNORED],
			],
			[
				[0, at, 0.7],
				[0, aside, 0.9],
				[0, aside, 0.8],
			],
			{ right: 1, wrong: 0, missed: 0 },
			1,
		],
		[
			'a part of an ignored object is a false alarm',
			[
				[0, at, COUNTED],
				[0, [50, 50, 40, 40], IGNORED],
			],
			[
				[0, at, 0.7],
				[0, aside, 0.9],
			],
			{ right: 1, wrong: 1, missed: 0 },
			0.5,
		],
		[
			'a part of a crowd is none',
			[
				[0, at, COUNTED],
				[0, [50, 50, 40, 40], CROWD],
			],
			[
				[0, at, 0.7],
				[0, aside, 0.9],
			],
			{ right: 1, wrong: 0, missed: 0 },
			1,
		],
		[
			'a counted object goes before an ignored one that overlaps more',
			[
				[0, at, IGNORED],
				[0, [0, 0, 10, 8], COUNTED],
			],
			[[0, at, 0.9]],
			{ right: 1, wrong: 0, missed: 0 },
			1,
		],
		[
			'only what is shown is counted, all of it goes into the curve',
			[[0, at, COUNTED]],
			[[0, at, 0.1]],
			{ right: 0, wrong: 0, missed: 1 },
			1,
		],
	] as [string, TruthRow[], FoundRow[], object, number][])('%s', (_, truth, found, counts, ap50) => {
		const judgement = judge([picture(truth, found)], 0);
		expect(countVerdicts(judgement, 0, 0.25)).toEqual(counts);
		expect(allPointAveragePrecision(judgement, 0)).toBeCloseTo(ap50, 12);
		expect(cocoAveragePrecision(judgement, 0)).toBeCloseTo(ap50, 12);
	});
});

type TruthRow = [classIndex: number, xywh: Xywh, role: number];
type FoundRow = [classIndex: number, xywh: Xywh, score: number];

function picture(truth: TruthRow[], found: FoundRow[]): Picture {
	const builder = new TruthBuilder();
	for (const [classIndex, xywh, role] of truth) builder.add(classIndex, ...xywh, role);
	return {
		truth: builder.build(),
		found: new Detections(
			Uint16Array.from(found, ([classIndex]) => classIndex),
			Float32Array.from(found, ([, , score]) => score),
			Float32Array.from(found.flatMap(([, [x, y, w, h]]) => [x, y, x + w, y + h])),
		),
	};
}

function meanOf(values: (number | null)[]): number | null {
	const known = values.filter((value) => value !== null);
	return known.length > 0 ? mean(known) : null;
}

function expectClose(came: number | null, wanted: number | null): void {
	if (wanted === null || came === null) expect(came).toBe(wanted);
	else expect(Math.abs(came - wanted)).toBeLessThan(1e-6);
}
