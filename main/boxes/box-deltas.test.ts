import { describe, expect, it } from 'vitest';
import { anchorShapes, gridAnchors } from './anchors.ts';
import { applyDeltas, clipBoxes, type BoxCoding } from './box-deltas.ts';

describe('anchors', () => {
	it.each([
		['let ratios run fastest where sizes lead', 'by-size', [16, 4, 8, 8, 32, 8, 16, 16]],
		['let sizes run fastest where ratios lead', 'by-ratio', [16, 4, 32, 8, 8, 8, 16, 16]],
	] as const)('%s', (_, order, expected) => {
		const shapes = anchorShapes([8, 16], [0.25, 1], order);
		expect(shapes.flatMap(({ width, height }) => [width, height])).toEqual(expected);
	});

	it.each([
		['centre their first cell at the corner', 0, [-2, -1, 2, 1], [6, -1, 10, 1], [-2, 7, 2, 9]],
		['or at an offset', 4, [2, 3, 6, 5], [10, 3, 14, 5], [2, 11, 6, 13]],
	])('%s', (_, offset, first, right, below) => {
		const boxes = gridAnchors([{ width: 4, height: 2 }], { rows: 2, cols: 3, stride: 8, offset });
		const box = (i: number) => [...boxes.subarray(4 * i, 4 * i + 4)];
		expect(boxes.length).toBe(24);
		expect([box(0), box(1), box(3)]).toEqual([first, right, below]);
	});
});

describe('applyDeltas', () => {
	const plain: BoxCoding = { weights: [1, 1, 1, 1], clamp: 'above' };
	const box = [10, 20, 30, 60];
	it.each([
		['leaves a box alone for zeros', plain, [0, 0, 0, 0], [10, 20, 30, 60]],
		['moves by widths and heights', plain, [0.5, -0.25, 0, 0], [20, 10, 40, 50]],
		['grows by exponents', plain, [0, 0, Math.log(2), Math.log(0.5)], [0, 30, 40, 50]],
		['divides by weights', { weights: [10, 10, 5, 5], clamp: 'above' }, [5, 0, 0, 0], [20, 20, 40, 60]],
		['bounds growth', plain, [0, 0, 99, 0], [20 - 625, 20, 20 + 625, 60]],
		['lets a box shrink to nothing', plain, [0, 0, -99, 0], [20, 20, 20, 60]],
		['bounds shrinking where asked', { ...plain, clamp: 'both' }, [0, 0, -99, 0], [19.84, 20, 20.16, 60]],
		['gives several boxes a box', plain, [0, 0, 0, 0, 0.5, 0, 0, 0], [10, 20, 30, 60, 20, 20, 40, 60]],
	] as const)('%s', (_, coding, deltas, expected) => {
		const actual = applyDeltas(Float32Array.from(box), Float32Array.from(deltas), coding);
		expect(actual.length).toBe(expected.length);
		expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 3));
	});

	it('takes no boxes', () => {
		expect(applyDeltas(new Float32Array(0), new Float32Array(0), plain).length).toBe(0);
	});
});

it('clips boxes to the picture', () => {
	const boxes = clipBoxes(Float32Array.of(-5, -1, 50, 9, 3, 4, 5, 60), { width: 40, height: 30 });
	expect([...boxes]).toEqual([0, 0, 40, 9, 3, 4, 5, 30]);
});
