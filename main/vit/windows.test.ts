import { describe, expect, it } from 'vitest';
import { layoutFrom, windowLayout, wholeLayout } from './windows.ts';

describe('a layout of windows', () => {
	it('tiles a grid from its top left, with padding beyond its edges', () => {
		// Tokens 0 1 2 / 3 4 5 / 6 7 8.
		const { count, size, tokenAt, slotOf } = windowLayout({ rows: 3, cols: 3 }, { rows: 2, cols: 2 });
		expect([count, size]).toEqual([4, 4]);
		expect([...tokenAt]).toEqual([0, 1, 3, 4, 2, -1, 5, -1, 6, 7, -1, -1, 8, -1, -1, -1]);
		expect([...slotOf]).toEqual([0, 1, 4, 2, 3, 6, 8, 9, 12]);
	});

	it('holds tokens of any kind and in any order', () => {
		const { count, size, slotOf } = layoutFrom(
			[
				[0, 2, 4],
				[1, 5, 3],
			],
			6,
		);
		expect([count, size]).toEqual([2, 3]);
		expect([...slotOf]).toEqual([0, 3, 1, 5, 2, 4]);
	});

	it.each([
		['a token in two windows', [[0], [0]], 1],
		['a token in none', [[0], [-1]], 2],
		['windows of different sizes', [[0, 1], [2]], 3],
	])('is refused with %s', (_, windows, tokens) => {
		expect(() => layoutFrom(windows, tokens)).toThrow('Assertion failed');
	});

	it('of one window holds all tokens', () => {
		expect([...wholeLayout(3).tokenAt]).toEqual([0, 1, 2]);
	});
});
