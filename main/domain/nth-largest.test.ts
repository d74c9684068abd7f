import { describe, expect, it } from 'vitest';
import { nthLargest } from './nth-largest.ts';

/** Numbers from a fixed seed, `distinct` different ones at most. */
function draw(count: number, distinct: number): Float64Array {
	let state = 7;
	return Float64Array.from({ length: count }, () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return (state >>> 8) % distinct;
	});
}

describe('nthLargest', () => {
	it.each([
		['different numbers', draw(101, 2 ** 24)],
		['many equal ones', draw(100, 3)],
		['equal ones only', new Float64Array(40).fill(2)],
		['ascending ones', Float64Array.from({ length: 50 }, (_, i) => i)],
		['descending ones', Float64Array.from({ length: 50 }, (_, i) => -i)],
		['infinite ones among them', Float64Array.from([1, Infinity, 0, 3, Infinity, 2])],
		['a single one', Float64Array.of(5)],
	])('gives what sorting gives: %s', (_, values) => {
		const descending = values.slice().sort().reverse();
		for (let n = 1; n <= values.length; n++) expect(nthLargest(values.slice(), n)).toBe(descending[n - 1]);
	});

	it('reads single precision as well, and keeps all numbers', () => {
		const values = Float32Array.from(draw(64, 1000));
		expect(nthLargest(values, 10)).toBe(Float32Array.from(draw(64, 1000)).sort()[54]);
		expect(values.sort()).toEqual(Float32Array.from(draw(64, 1000)).sort());
	});
});
