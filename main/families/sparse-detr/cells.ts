import { heatLevel } from '../../domain/overlay-geometry.ts';
import type { Level, Pyramid } from './pyramid.ts';

// The tokens of all levels, seen on the grid of the finest: level l has one token over 2^l by 2^l of its cells, fewer at
// the right and lower edges.

/** The token of a level over a cell of the finest level. */
function tokenOver(level: Level, depth: number, row: number, col: number): number {
	return level.start + (row >> depth) * level.cols + (col >> depth);
}

/** Cells under a kept token of any level, ascending. */
export function keptCells(kept: Int32Array, { levels, tokens }: Pyramid): Int32Array {
	const isKept = new Uint8Array(tokens);
	for (const token of kept) isKept[token] = 1;
	const covered = perCell(levels, (row, col) =>
		levels.some((level, depth) => isKept[tokenOver(level, depth, row, col)] === 1) ? 1 : 0,
	);
	const cells: number[] = [];
	covered.forEach((value, cell) => {
		if (value === 1) cells.push(cell);
	});
	return Int32Array.from(cells);
}

/** The best score of the tokens over each cell, as a probability from 0 to 255. */
export function relevanceCells(scores: Float32Array, levels: readonly Level[]): Uint8Array {
	const best = perCell(levels, (row, col) =>
		levels.reduce(
			(most, level, depth) => Math.max(most, scores[tokenOver(level, depth, row, col)]!),
			-Infinity,
		),
	);
	return Uint8Array.from(best, (logit) => Math.round(255 / (1 + Math.exp(-logit))));
}

/**
 * The attention that each cell got on all levels together, 0 for none, 255 for the most; that of coarse levels spreads out.
 * A few cells get most of all attention: on the scale of `heatLevel` the others show as well.
 */
export function attentionCells(map: Float64Array, levels: readonly Level[]): Uint8Array {
	const seen = perCell(levels, (row, col) =>
		levels.reduce((sum, level, depth) => sum + map[tokenOver(level, depth, row, col)]! / 4 ** depth, 0),
	);
	const most = seen.reduce((largest, value) => Math.max(largest, value), 0);
	return Uint8Array.from(seen, (value) => (most > 0 ? heatLevel(value / most) : 0));
}

function perCell(levels: readonly Level[], value: (row: number, col: number) => number): Float64Array {
	const { rows, cols } = levels[0]!;
	return Float64Array.from({ length: rows * cols }, (_, cell) => value(Math.floor(cell / cols), cell % cols));
}
