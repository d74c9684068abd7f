import { describe, expect, it } from 'vitest';
import { MinMaxPyramid, type Extent } from './min-max-pyramid.ts';

/** Values without pattern, the same at every start. */
function noise(length: number): Float64Array {
	let state = 1;
	return Float64Array.from({ length }, () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	});
}

function plainExtent(values: ArrayLike<number>, from: number, to: number): Extent {
	const some = Array.from(values)
		.slice(from, to)
		.filter((value) => !Number.isNaN(value));
	return {
		min: Math.min(...some),
		max: Math.max(...some),
		sum: some.reduce((sum, value) => sum + value, 0),
		count: some.length,
	};
}

describe('a pyramid', () => {
	const values = noise(10_000);
	values.fill(Number.NaN, 3000, 3100);
	const whole = new MinMaxPyramid();
	whole.extend(values, values.length);

	it.each([
		['one value', 17, 18],
		['nothing', 40, 40],
		['less than a bucket', 3, 12],
		['whole buckets', 256, 4096],
		['ragged ends', 1, 9999],
		['everything', 0, 10_000],
		['values that are missing', 2990, 3105],
		['nothing but missing values', 3010, 3090],
		['beyond the end', 9990, 12_000],
	])('answers as going through all values would: %s', (_, from, to) => {
		const { min, max, sum, count } = whole.extent(values, from, to);
		const expected = plainExtent(values, from, to);
		expect({ min, max, count }).toEqual({ min: expected.min, max: expected.max, count: expected.count });
		expect(sum).toBeCloseTo(expected.sum, 6);
	});

	it('that grew in uneven steps answers as one that was built at once', () => {
		const grown = new MinMaxPyramid();
		for (const length of [1, 15, 16, 17, 300, 4095, 4097, 9999, 10_000]) {
			grown.extend(values.slice(0, length), length);
		}
		for (const [from, to] of [
			[0, 10_000],
			[5, 4100],
			[255, 257],
		] as const) {
			expect(grown.extent(values, from, to)).toEqual(whole.extent(values, from, to));
		}
	});
});
