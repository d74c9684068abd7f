import { describe, expect, it } from 'vitest';
import { BEST_LABELS, rankedDetections, rankQueries } from './ranked-queries.ts';

const SIZE = { width: 200, height: 100 };
const logit = (score: number) => Math.log(score / (1 - score));
const near = (numbers: readonly number[]) => numbers.map((value) => expect.closeTo(value, 4) as number);

// Two queries, three labels each; the second query's box reaches over the right and lower edge.
const BOXES = Float32Array.of(0.5, 0.5, 0.2, 0.4, 1, 1, 0.5, 0.5);
const PAIRS = { logits: Float32Array.from([0.1, 0.6, 0.3, 0.9, 0.2, 0.7], logit), boxes: BOXES };

describe('ranked by sigmoid', () => {
	it('takes the best pairs of query and label, a query more than once', () => {
		const { scores, labels, queries, boxesXyxy } = rankQueries(PAIRS, SIZE, { scores: 'sigmoid', most: 3 });
		expect([...scores]).toEqual(near([0.9, 0.7, 0.6]));
		expect([...labels]).toEqual([0, 2, 1]);
		expect([...queries]).toEqual([1, 1, 0]);
		expect([...boxesXyxy]).toEqual(near([150, 75, 250, 125, 150, 75, 250, 125, 80, 30, 120, 70]));
	});

	it('takes all where there are fewer', () => {
		expect(rankQueries(PAIRS, SIZE, { scores: 'sigmoid', most: 100 }).scores.length).toBe(6);
	});
});

describe('ranked by softmax', () => {
	it('gives each query its best label, "no object" left out, in the order of the queries', () => {
		const logits = Float32Array.of(1, 2, 9, 3, 0, 1);
		const { scores, labels, queries } = rankQueries({ logits, boxes: BOXES }, SIZE, BEST_LABELS);
		const share = (i: number, row: readonly number[]) =>
			Math.exp(row[i]!) / row.reduce((sum, value) => sum + Math.exp(value), 0);
		expect([...labels]).toEqual([1, 0]);
		expect([...queries]).toEqual([0, 1]);
		expect([...scores]).toEqual(near([share(1, [1, 2, 9]), share(0, [3, 0, 1])]));
	});
});

it('makes detections of what scores more than the threshold and has a class, clipped, best first', () => {
	const ranked = {
		scores: Float32Array.of(0.05, 0.4, 0.8, 0.9),
		labels: Int32Array.of(0, 2, 0, 1),
		queries: Int32Array.of(0, 1, 2, 3),
		boxesXyxy: Float32Array.of(0, 0, 1, 1, -5, 10, 20, 120, 1, 2, 3, 4, 0, 0, 9, 9),
	};
	const found = rankedDetections(ranked, Int32Array.of(7, -1, 3), SIZE, 0.05);
	expect([...found.classIndices]).toEqual([7, 3]);
	expect([...found.scores]).toEqual(near([0.8, 0.4]));
	expect([...found.boxesXyxy]).toEqual([1, 2, 3, 4, 0, 10, 20, 100]);
});
