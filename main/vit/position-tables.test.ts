import { describe, expect, it } from 'vitest';
import {
	meansOverKeys,
	relativePairs,
	resizeBicubic,
	resizeBicubicAntialiased,
	resizeLinear,
} from './position-tables.ts';

// Expected numbers are what torch.nn.functional.interpolate of PyTorch 2 gives, corners not aligned.
const MAP = {
	data: Float32Array.from({ length: 12 }, (_, i) => i ** 1.5),
	size: { rows: 3, cols: 4 },
	channels: 1,
};
const LARGER_ANTIALIASED = [
	-0.45625, 0.0955, 1.25046, 2.97561, 4.59928, 3.88901, 5.42981, 7.61735, 10.17987, 12.42563, 13.85741,
	16.45035, 19.78978, 23.34588, 26.34613, 23.19964, 26.2482, 30.13672, 34.21971, 37.63385,
];
const LARGER = [
	-0.62546, -0.15428, 0.98981, 2.79621, 4.37727, 3.37265, 4.83504, 7.08084, 9.7564, 11.93895, 13.91606,
	16.47332, 20.0022, 23.76777, 26.72162, 23.40651, 26.37326, 30.44192, 34.73281, 38.07195,
];

describe('a resized table of positions has PyTorch’s numbers', () => {
	it.each([
		['bicubic, larger', resizeBicubic, { rows: 4, cols: 5 }, LARGER],
		['bicubic, smaller', resizeBicubic, { rows: 2, cols: 2 }, [1.82066, 6.45649, 21.26875, 30.95891]],
		['antialiased, larger', resizeBicubicAntialiased, { rows: 4, cols: 5 }, LARGER_ANTIALIASED],
		[
			'antialiased, smaller',
			resizeBicubicAntialiased,
			{ rows: 2, cols: 2 },
			[3.23161, 7.47033, 20.20476, 28.06066],
		],
		['bicubic, the same', resizeBicubic, MAP.size, [...MAP.data]],
		['antialiased, the same', resizeBicubicAntialiased, MAP.size, [...MAP.data]],
	])('%s', (_, resize, to, expected) => {
		expectClose(resize(MAP, to), expected);
	});

	it.each([
		[7, [0, 0.57143, 1.85714, 4, 7.57143, 12, 16]],
		[3, [0.33333, 4, 13.66667]],
	])('linear, 5 rows to %d', (to, expected) => {
		expectClose(resizeLinear(Float32Array.of(0, 1, 4, 9, 16), 5, to), expected);
	});

	it('every channel by itself', () => {
		const data = MAP.data.reduce<number[]>((all, value) => [...all, value, 2 * value], []);
		const both = resizeBicubic({ ...MAP, data: Float32Array.from(data), channels: 2 }, { rows: 4, cols: 5 });
		expectClose(
			both.filter((_, i) => i % 2 === 1),
			LARGER.map((value) => 2 * value),
		);
	});
});

describe('relative positions', () => {
	const table = Float32Array.of(-2, 20, -1, 10, 0, 0, 1, -10, 2, -20); // distance, −10 · distance

	it('of query i and key j stand in the row of i − j', () => {
		const pairs = relativePairs(table, 3);
		const distances = pairs.filter((_, i) => i % 2 === 0);
		expect([...distances]).toEqual([0, -1, -2, 1, 0, -1, 2, 1, 0]);
		expectClose(
			pairs.filter((_, i) => i % 2 === 1),
			[...distances].map((distance) => -10 * distance),
		);
	});

	it('of pooled keys are means, those of a cell that the edge cuts left out', () => {
		expect([...meansOverKeys(relativePairs(table, 3), 3, 2)]).toEqual([-0.5, 5, 0.5, -5, 1.5, -15]);
	});
});

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
	expect(actual.length).toBe(expected.length);
	expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 4));
}
