import { describe, expect, it } from 'vitest';
import { mergeSeams, OVERVIEW, overSmaller } from './seams.ts';

type Box = [left: number, top: number, right: number, bottom: number];
type Given = { source: number; box: Box; score?: number; classIndex?: number; cut?: boolean };

function merge(given: readonly Given[]): { classIndex: number; score: number; box: number[] }[] {
	const { classIndices, scores, boxesXyxy } = mergeSeams({
		classIndices: Int32Array.from(given, ({ classIndex }) => classIndex ?? 0),
		scores: Float32Array.from(given, ({ score }) => score ?? 0.5),
		boxesXyxy: Float32Array.from(given.flatMap(({ box }) => box)),
		sources: Int32Array.from(given, ({ source }) => source),
		cut: Uint8Array.from(given, ({ cut }) => Number(cut ?? false)),
	});
	return Array.from(scores, (score, i) => ({
		classIndex: classIndices[i]!,
		score,
		box: [...boxesXyxy.subarray(4 * i, 4 * i + 4)],
	}));
}

/** A person across the seam of tiles that share what lies from 96 to 120. */
const LEFT: Box = [80, 40, 120, 140];
const RIGHT: Box = [96, 41, 150, 139];

describe('boxes of several parts of a picture', () => {
	it.each<[string, Given[], number[][]]>([
		[
			'a person across two tiles is one, from end to end',
			[
				{ source: 0, box: LEFT, cut: true },
				{ source: 1, box: RIGHT, cut: true },
			],
			[[80, 40, 150, 140]],
		],
		[
			'a person across four tiles is one',
			[
				{ source: 0, box: [80, 80, 120, 120], cut: true },
				{ source: 1, box: [100, 80, 140, 120], cut: true },
				{ source: 2, box: [80, 100, 120, 150], cut: true },
				{ source: 3, box: [100, 100, 140, 150], cut: true },
			],
			[[80, 80, 140, 150]],
		],
		[
			'a part gives way to the whole that another tile shows',
			[
				{ source: 0, box: [90, 40, 120, 140], cut: true, score: 0.9 },
				{ source: 1, box: [90, 40, 140, 140], score: 0.6 },
			],
			[[90, 40, 140, 140]],
		],
		[
			'a person whom two tiles show is one, the surer one',
			[
				{ source: 0, box: [100, 40, 118, 90], score: 0.6 },
				{ source: 1, box: [101, 41, 119, 90], score: 0.7 },
			],
			[[101, 41, 119, 90]],
		],
		[
			'two people side by side remain two',
			[
				{ source: 0, box: [80, 40, 110, 140] },
				{ source: 1, box: [100, 40, 130, 140] },
			],
			[
				[80, 40, 110, 140],
				[100, 40, 130, 140],
			],
		],
		[
			'two people across a seam remain two',
			[
				{ source: 0, box: [80, 0, 120, 60], cut: true },
				{ source: 0, box: [80, 50, 120, 110], cut: true },
				{ source: 1, box: [100, 0, 150, 60], cut: true },
				{ source: 1, box: [100, 50, 150, 110], cut: true },
			],
			[
				[80, 0, 150, 60],
				[80, 50, 150, 110],
			],
		],
		[
			'what one tile shows twice remains two',
			[
				{ source: 0, box: [80, 40, 110, 140] },
				{ source: 0, box: [81, 40, 111, 140] },
			],
			[
				[80, 40, 110, 140],
				[81, 40, 111, 140],
			],
		],
		[
			'different classes stay apart',
			[
				{ source: 0, box: LEFT, cut: true },
				{ source: 1, box: RIGHT, cut: true, classIndex: 1 },
			],
			[LEFT, RIGHT],
		],
		[
			'an object that no tile holds is one, though a tile shows two ends of it',
			[
				{ source: OVERVIEW, box: [0, 0, 200, 200], score: 0.4 },
				{ source: 0, box: [0, 0, 90, 40], cut: true, score: 0.9 },
				{ source: 0, box: [0, 120, 90, 200], cut: true },
				{ source: 1, box: [60, 0, 200, 200], cut: true },
			],
			[[0, 0, 200, 200]],
		],
		[
			'someone in front of it remains',
			[
				{ source: OVERVIEW, box: [0, 0, 200, 200], score: 0.4 },
				{ source: 0, box: [20, 20, 40, 80], score: 0.9 },
			],
			[
				[20, 20, 40, 80],
				[0, 0, 200, 200],
			],
		],
		['nothing is nothing', [], []],
	])('%s', (_, given, boxes) => {
		expect(merge(given).map(({ box }) => box)).toEqual(boxes);
		const otherWay = merge([...given].reverse()).map(({ box }) => box);
		expect(otherWay.sort()).toEqual([...boxes].sort());
	});

	it('come with the best score of each, best first', () => {
		const merged = merge([
			{ source: 0, box: [0, 0, 10, 10], score: 0.3 },
			{ source: 0, box: LEFT, cut: true, score: 0.4 },
			{ source: 1, box: RIGHT, cut: true, score: 0.8 },
		]);
		expect(merged.map(({ score }) => score)).toEqual([Math.fround(0.8), Math.fround(0.3)]);
	});

	it.each([
		['apart', [0, 0, 10, 10], [20, 0, 30, 10], 0],
		['one in the other', [0, 0, 10, 10], [2, 2, 4, 4], 1],
		['half of the smaller', [0, 0, 10, 10], [8, 0, 12, 10], 0.5],
	])('%s', (_, a, b, share) => expect(overSmaller(a, b)).toBeCloseTo(share));
});
