import { expect, it } from 'vitest';
import { firstIndex } from './first-index.ts';

it.each([
	['none', [], 3, 0],
	['before all', [4, 5], 3, 0],
	['the first of equal ones', [1, 3, 3, 3, 7], 3, 1],
	['between', [1, 2, 5, 9], 3, 2],
	['behind all', [1, 2], 3, 2],
])('%s', (_, values, least, index) => {
	expect(firstIndex(values.length, (i) => values[i]! >= least)).toBe(index);
});
