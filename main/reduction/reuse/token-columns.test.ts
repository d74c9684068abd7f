import { describe, expect, it } from 'vitest';
import { TokenColumns } from './token-columns.ts';

const GRID = { rows: 2, cols: 3, stride: 16, windowSize: 16, windowOffset: 0 };

describe('tokens that answer', () => {
	it('are due within four frames, others are not', () => {
		const columns = new TokenColumns(GRID);
		const scores = Float32Array.of(0.9, 0, 0.25, 0.24, 0, 0.5);
		const all = Int32Array.from(scores.keys());
		columns.computed(all, all.length, 10);
		const seen = new Set<number>();
		for (let frame = 11; frame <= 14; frame++) {
			columns.markDue(frame, 0);
			columns.markAnsweringDue(frame, scores);
			for (const token of all) if (columns.due[token]) seen.add(token);
		}
		expect([...seen].sort()).toEqual([0, 2, 5]);
	});

	it('are not due in the frame after they were computed', () => {
		const columns = new TokenColumns(GRID);
		const scores = new Float32Array(6).fill(1);
		const all = Int32Array.from(scores.keys());
		columns.computed(all, all.length, 10);
		columns.markDue(11, 0);
		columns.markAnsweringDue(11, scores);
		expect([...columns.due]).toEqual([0, 0, 0, 0, 0, 0]);
	});
});
