import type { Extent } from './plan.ts';

/** How the tokens of a grid lie in windows that tile it from its top left, beyond its bottom and right edges too. */
export type WindowLayout = {
	/** Windows, in raster order. */
	count: number;
	/** Places in one window. */
	size: number;
	/** [count · size]: the token at each place, windows one after another; −1 where a place lies outside the grid. */
	tokenAt: Int32Array;
	/** [tokens]: the place of each token. */
	placeOf: Int32Array;
};

export function windowLayout(grid: Extent, window: Extent): WindowLayout {
	const [down, across] = [Math.ceil(grid.rows / window.rows), Math.ceil(grid.cols / window.cols)];
	const size = window.rows * window.cols;
	const tokenAt = new Int32Array(down * across * size).fill(-1);
	const placeOf = new Int32Array(grid.rows * grid.cols);
	for (let token = 0; token < placeOf.length; token++) {
		const [row, col] = [Math.floor(token / grid.cols), token % grid.cols];
		const index = Math.floor(row / window.rows) * across + Math.floor(col / window.cols);
		const place = index * size + (row % window.rows) * window.cols + (col % window.cols);
		tokenAt[place] = token;
		placeOf[token] = place;
	}
	return { count: down * across, size, tokenAt, placeOf };
}
