import { assert } from '../domain/errors.ts';

/** A size in tokens. */
export type Extent = { rows: number; cols: number };

/** The windows of equal size that all tokens of a plan, extra ones included, are divided into; every token has one slot. */
export type WindowLayout = {
	count: number;
	/** Slots in one window. */
	size: number;
	/** [count · size]: the token in each slot, windows one after another; −1 for padding. */
	tokenAt: Int32Array;
	/** [tokens]: the slot of each token, counted over all windows. */
	slotOf: Int32Array;
};

/** The layout of windows that hold these tokens, −1 for padding. `tokens`: their number; each is in one slot. */
export function layoutFrom(windows: readonly (readonly number[])[], tokens: number): WindowLayout {
	const size = windows[0]!.length;
	const tokenAt = Int32Array.from(windows.flat());
	const slotOf = new Int32Array(tokens).fill(-1);
	tokenAt.forEach((token, slot) => {
		if (token < 0) return;
		assert(slotOf[token] === -1, `token ${token} lies in one window`);
		slotOf[token] = slot;
	});
	assert(tokenAt.length === windows.length * size && !slotOf.includes(-1), 'equal windows hold every token');
	return { count: windows.length, size, tokenAt, slotOf };
}

/** Windows of this extent that tile a grid from its top left, beyond its bottom and right edges too; tokens in raster order. */
export function windowLayout(grid: Extent, window: Extent): WindowLayout {
	const [down, across] = [Math.ceil(grid.rows / window.rows), Math.ceil(grid.cols / window.cols)];
	const windows = Array.from({ length: down * across }, (_, i) => {
		const [top, left] = [Math.floor(i / across) * window.rows, (i % across) * window.cols];
		return Array.from({ length: window.rows * window.cols }, (_, slot) => {
			const [row, col] = [top + Math.floor(slot / window.cols), left + (slot % window.cols)];
			return row < grid.rows && col < grid.cols ? row * grid.cols + col : -1;
		});
	});
	return layoutFrom(windows, grid.rows * grid.cols);
}

/** One window that holds all of `tokens`, in their order. */
export function wholeLayout(tokens: number): WindowLayout {
	const all = Int32Array.from({ length: tokens }, (_, token) => token);
	return { count: 1, size: tokens, tokenAt: all, slotOf: all };
}
