import { assert } from '../domain/errors.ts';

/** A size in tokens. */
export type Extent = { rows: number; cols: number };

/** How all tokens of a plan, the extra ones included, lie in windows of equal size; every token has one place. */
export type WindowLayout = {
	count: number;
	/** Places in one window. */
	size: number;
	/** [count · size]: the token at each place, windows one after another; −1 where a place is padding. */
	tokenAt: Int32Array;
	/** [tokens]: the place of each token. */
	placeOf: Int32Array;
};

/** The layout of windows that hold these tokens, −1 for padding. `tokens`: how many there are, each in one place. */
export function layoutFrom(windows: readonly (readonly number[])[], tokens: number): WindowLayout {
	const size = windows[0]!.length;
	const tokenAt = Int32Array.from(windows.flat());
	const placeOf = new Int32Array(tokens).fill(-1);
	tokenAt.forEach((token, place) => {
		if (token < 0) return;
		assert(placeOf[token] === -1, `token ${token} lies in one window`);
		placeOf[token] = place;
	});
	assert(tokenAt.length === windows.length * size && !placeOf.includes(-1), 'equal windows hold every token');
	return { count: windows.length, size, tokenAt, placeOf };
}

/** Windows of this extent that tile a grid from its top left, beyond its bottom and right edges too; tokens in raster order. */
export function windowLayout(grid: Extent, window: Extent): WindowLayout {
	const [down, across] = [Math.ceil(grid.rows / window.rows), Math.ceil(grid.cols / window.cols)];
	const windows = Array.from({ length: down * across }, (_, i) => {
		const [top, left] = [Math.floor(i / across) * window.rows, (i % across) * window.cols];
		return Array.from({ length: window.rows * window.cols }, (_, place) => {
			const [row, col] = [top + Math.floor(place / window.cols), left + (place % window.cols)];
			return row < grid.rows && col < grid.cols ? row * grid.cols + col : -1;
		});
	});
	return layoutFrom(windows, grid.rows * grid.cols);
}

/** One window that holds all of `tokens`, in their order. */
export function wholeLayout(tokens: number): WindowLayout {
	const all = Int32Array.from({ length: tokens }, (_, token) => token);
	return { count: 1, size: tokens, tokenAt: all, placeOf: all };
}
