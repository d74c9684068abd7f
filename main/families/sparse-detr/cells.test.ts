import { expect, it } from 'vitest';
import { attentionCells } from './cells.ts';

const LEVELS = [
	{ rows: 2, cols: 4, start: 0 },
	{ rows: 1, cols: 2, start: 8 },
];

it('shows little attention beside much, on all levels together', () => {
	const map = Float64Array.of(0, 16, 0, 0, 1, 0, 0, 0, /* the coarse level */ 0, 4);
	// Cell 1 has the most, 16; cell 4 a sixteenth of it; the four cells under the coarse token a quarter of 4 each.
	expect([...attentionCells(map, LEVELS)]).toEqual([0, 255, 64, 64, 64, 0, 64, 64]);
	expect([...attentionCells(new Float64Array(10), LEVELS)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
	expect(attentionCells(Float64Array.of(1e-9, 1, 0, 0, 0, 0, 0, 0, 0, 0), LEVELS)[0]).toBe(1);
});
