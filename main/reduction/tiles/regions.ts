import { areaOf, around, type CellRect, type Extent, grown, meet } from './tile-layout.ts';

/** The rectangles around cells that are marked and touch each other, corners included; `marks` is [rows × cols]. */
export function rectanglesOf(marks: Uint8Array, { rows, cols }: Extent): CellRect[] {
	const left = marks.slice();
	const found: CellRect[] = [];
	const open: number[] = [];
	for (let first = 0; first < left.length; first++) {
		if (left[first] === 0) continue;
		const rect = { left: cols, top: rows, right: 0, bottom: 0 };
		left[first] = 0;
		open.push(first);
		for (let cell = open.pop(); cell !== undefined; cell = open.pop()) {
			const [row, col] = [Math.floor(cell / cols), cell % cols];
			rect.left = Math.min(rect.left, col);
			rect.top = Math.min(rect.top, row);
			rect.right = Math.max(rect.right, col + 1);
			rect.bottom = Math.max(rect.bottom, row + 1);
			for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
				for (let x = Math.max(0, col - 1); x <= Math.min(cols - 1, col + 1); x++) {
					if (left[y * cols + x] === 0) continue;
					left[y * cols + x] = 0;
					open.push(y * cols + x);
				}
			}
		}
		found.push(rect);
	}
	return found;
}

/**
 * Joins rectangles that have cells in common, and those that take no more room together than apart, with `context` cells around
 * each. No two of the result meet.
 */
export function joinRectangles(rects: readonly CellRect[], context: number, grid: Extent): CellRect[] {
	const joined: CellRect[] = [];
	const room = (rect: CellRect) => areaOf(grown(rect, context, grid));
	for (const rect of rects) {
		let whole = rect;
		// What it was joined with may reach others now.
		for (let i = 0; i < joined.length; i++) {
			const other = joined[i]!;
			const both = around(whole, other);
			if (!meet(whole, other) && room(both) > room(whole) + room(other)) continue;
			whole = both;
			joined.splice(i, 1);
			i = -1;
		}
		joined.push(whole);
	}
	return joined;
}

/** Marks all cells of every rectangle of which more than a share is marked. */
export function markWhole(
	marks: Uint8Array,
	rects: readonly CellRect[],
	{ cols }: Extent,
	share: number,
): void {
	const before = marks.slice();
	for (const rect of rects) {
		const { left, top, right, bottom } = rect;
		let marked = 0;
		for (let row = top; row < bottom; row++) {
			for (let cell = row * cols + left; cell < row * cols + right; cell++) marked += before[cell]!;
		}
		if (marked <= share * areaOf(rect)) continue;
		for (let row = top; row < bottom; row++) marks.fill(1, row * cols + left, row * cols + right);
	}
}
