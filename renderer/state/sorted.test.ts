import { expect, it } from 'vitest';
import { lastUpTo } from './sorted.ts';

const FRAMES = Int32Array.from([2, 4, 4, 9, 0, 0]);

it.each([
	['before all', 1, -1],
	['the first', 2, 0],
	['between two', 3, 0],
	['the last of equals', 4, 2],
	['behind the last that counts', 100, 3],
])('lastUpTo finds %s', (_, value, place) => expect(lastUpTo(FRAMES, value, 4)).toBe(place));

it('lastUpTo finds nothing in nothing', () => expect(lastUpTo([], 5)).toBe(-1));
