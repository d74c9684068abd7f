import { type LeastScores, reachesLeast } from '../../domain/least-scores.ts';
import type { TokenGrid } from '../../domain/tokens.ts';
import type { MergedBoxes } from './seams.ts';
import type { CellRect } from './tile-layout.ts';

/** What is shown: the cells of each object, and the sum of their scores. */
export type ShownObjects = { rects: CellRect[]; scores: number };

/** Writes the best score of the boxes over each cell; gives those that are shown. Boxes are in pixels of the grid. */
export function scoreCells(
	{ classIndices, scores, boxesXyxy }: MergedBoxes,
	shown: LeastScores,
	grid: TokenGrid,
	out: Float32Array,
): ShownObjects {
	out.fill(0);
	const objects: ShownObjects = { rects: [], scores: 0 };
	for (let i = 0; i < scores.length; i++) {
		const rect = cellsOf(boxesXyxy.subarray(4 * i, 4 * i + 4), grid);
		const score = scores[i]!;
		for (let row = rect.top; row < rect.bottom; row++) {
			for (let cell = row * grid.cols + rect.left; cell < row * grid.cols + rect.right; cell++) {
				if (score > out[cell]!) out[cell] = score;
			}
		}
		if (!reachesLeast(shown, classIndices[i]!, score)) continue;
		objects.rects.push(rect);
		objects.scores += score;
	}
	return objects;
}

/** The cells under a box, in pixels of the grid. */
export function cellsOf(box: ArrayLike<number>, { stride, rows, cols }: TokenGrid): CellRect {
	const [left, top, right, bottom] = box as unknown as [number, number, number, number];
	return {
		left: Math.max(0, Math.floor(left / stride)),
		top: Math.max(0, Math.floor(top / stride)),
		right: Math.min(cols, Math.ceil(right / stride)),
		bottom: Math.min(rows, Math.ceil(bottom / stride)),
	};
}
