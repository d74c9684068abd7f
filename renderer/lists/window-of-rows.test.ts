import { describe, expect, it } from 'vitest';
import { scrollToRow, scrollToTop, topRow, windowOfRows } from './window-of-rows.ts';

describe('the rows of a list that are in the document', () => {
	it.each<[what: string, count: number, scrollTop: number, first: number, end: number]>([
		['at the top', 1000, 0, 0, 14],
		['in the middle', 1000, 4200, 96, 114],
		['at the end', 1000, 41_580, 986, 1000],
		['of a short list', 3, 0, 0, 3],
		['of none', 0, 0, 0, 0],
	])('%s', (_, count, scrollTop, first, end) => {
		const rows = windowOfRows(count, 42, scrollTop, 420);
		expect([rows.first, rows.end]).toEqual([first, end]);
		expect(rows.top).toBe(42 * first);
	});

	it('reaches the first and the last of a million rows, few at a time, in an element that browsers draw', () => {
		const { height, first } = windowOfRows(1_000_000, 42, 0, 420);
		expect(first).toBe(0);
		expect(height).toBeLessThan(10_000_000);
		const last = windowOfRows(1_000_000, 42, height - 420, 420);
		expect(last.end).toBe(1_000_000);
		expect(last.end - last.first).toBeLessThan(20);
		expect(last.top + 42 * (last.end - last.first)).toBeCloseTo(height, 3);
	});
});

describe('scrolling to a row', () => {
	it.each<[what: string, row: number, from: number, to: number]>([
		['leaves a row that is seen', 5, 0, 0],
		['goes down just so far', 10, 0, 42],
		['goes up just so far', 2, 420, 84],
	])('%s', (_, row, from, to) => expect(scrollToRow(row, 1000, 42, from, 420)).toBe(to));

	it.each([0, 1, 499_999, 999_999])('shows row %i of a million whole', (row) => {
		const to = scrollToRow(row, 1_000_000, 42, 3_000_000, 420);
		const shown = windowOfRows(1_000_000, 42, to, 420);
		const top = shown.top + 42 * (row - shown.first) - to;
		expect(top).toBeGreaterThan(-0.01);
		expect(top + 42).toBeLessThan(420.01);
	});
});

describe('the row at the top', () => {
	it.each([
		[1000, 1007, 4200],
		[1000, 1007, 4219],
		[400_000, 400_100, 3_000_000],
	])('of %i is seen where it was once there are %i, seven of them before it', (count, more, scrollTop) => {
		const before = topRow(count, 42, scrollTop, 420);
		const moved = { ...before, row: before.row + 7 };
		const after = topRow(more, 42, scrollToTop(moved, more, 42, 420), 420);
		expect(after.row).toBe(moved.row);
		expect(after.above).toBeCloseTo(before.above, 3);
	});

	it('lies lower where the list ends', () => {
		expect(scrollToTop({ row: 99, above: 3 }, 100, 42, 420)).toBe(100 * 42 - 420);
		expect(scrollToTop({ row: 2, above: 3 }, 3, 42, 420)).toBe(0);
	});
});
