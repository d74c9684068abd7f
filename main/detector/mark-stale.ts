import type { Detections } from '../domain/detections.ts';
import type { Letterbox } from '../domain/frame.ts';
import type { Point } from '../domain/placement.ts';
import type { TokenGrid } from '../domain/tokens.ts';

/** A box is stale if this share of the tokens under it is. */
const STALE_SHARE = 0.5;

/**
 * The detections, marked where they lie on tokens of the grid that are stale. Boxes are in displayed video pixels; the grid lies at
 * `place` in the network's input.
 */
export function markStale(
	detections: Detections,
	stale: Uint8Array,
	grid: TokenGrid,
	letterbox: Letterbox,
	{ x, y }: Point = { x: 0, y: 0 },
): Detections {
	const { contentSize, displaySize } = letterbox;
	const scaleX = contentSize.width / displaySize.width;
	const scaleY = contentSize.height / displaySize.height;
	const marks = new Uint8Array(detections.count);
	for (let i = 0; i < detections.count; i++) {
		const [left, top, right, bottom] = detections.box(i);
		const [firstCol, lastCol] = cells(left * scaleX - x, right * scaleX - x, grid.stride, grid.cols);
		const [firstRow, lastRow] = cells(top * scaleY - y, bottom * scaleY - y, grid.stride, grid.rows);
		let count = 0;
		for (let row = firstRow; row <= lastRow; row++) {
			for (let col = firstCol; col <= lastCol; col++) count += stale[row * grid.cols + col]!;
		}
		const all = (lastRow - firstRow + 1) * (lastCol - firstCol + 1);
		marks[i] = count >= STALE_SHARE * all ? 1 : 0;
	}
	return detections.withStale(marks);
}

/** The first and the last of `count` cells that pixels from `from` to `to` touch. */
function cells(from: number, to: number, stride: number, count: number): [first: number, last: number] {
	const cell = (at: number) => Math.max(0, Math.min(count - 1, Math.floor(at / stride)));
	return [cell(from), cell(Math.max(from, to - 1))];
}
