import { type TokenGrid, tokenCount } from '../../domain/tokens.ts';

/** A rectangle of cells; the ends are not part of it. */
export type CellRect = { left: number; top: number; right: number; bottom: number };

/** A number of rows and columns of cells. */
export type Extent = { rows: number; cols: number };

/** A size of an input of the network, and what one costs beside an input of a tile's size, above 0 and up to 1. */
export type InputSize = Extent & { cost: number };

/** A picture cut into tiles that overlap; everything in cells of the grid in which change is measured. */
export type TileLayout = {
	grid: TokenGrid;
	/** What an input of the network holds at most: a tile, or several smaller parts of the picture. */
	input: Extent;
	/** All sizes of inputs, that of a tile too, the cheapest first. */
	sizes: readonly InputSize[];
	tiles: readonly CellRect[];
	/** By cell, the tile that answers for it: the one in whose inner part it lies. */
	home: Int32Array;
};

/**
 * The fewest tiles of the size of an input that overlap by `overlap` cells or more, at most by half, spread evenly. Seams run
 * through the middle of what two of them share. A picture that is smaller than an input has one tile along that axis.
 * `smaller`: other sizes of input that the network takes.
 */
export function layTiles(
	grid: TokenGrid,
	input: Extent,
	overlap: number,
	smaller: readonly InputSize[] = [],
): TileLayout {
	const across = along(grid.cols, input.cols, overlap);
	const down = along(grid.rows, input.rows, overlap);
	const tiles = down.starts.flatMap((top) =>
		across.starts.map((left) => ({
			left,
			top,
			right: Math.min(grid.cols, left + input.cols),
			bottom: Math.min(grid.rows, top + input.rows),
		})),
	);
	const home = new Int32Array(tokenCount(grid));
	for (let row = 0; row < grid.rows; row++) {
		for (let col = 0; col < grid.cols; col++) {
			home[row * grid.cols + col] = down.home[row]! * across.starts.length + across.home[col]!;
		}
	}
	const sizes = [...smaller, { ...input, cost: 1 }].sort((a, b) => a.cost - b.cost);
	return { grid, input, sizes, tiles, home };
}

/** Where tiles start along an axis, and which of them each cell belongs to. */
function along(length: number, side: number, overlap: number): { starts: number[]; home: Int32Array } {
	if (length <= side) return { starts: [0], home: new Int32Array(length) };
	const shared = Math.min(overlap, side >> 1);
	const count = Math.ceil((length - shared) / (side - shared));
	const starts = Array.from({ length: count }, (_, i) => Math.round((i * (length - side)) / (count - 1)));
	const seams = starts.slice(1).map((start, i) => (start + starts[i]! + side) >> 1);
	return { starts, home: Int32Array.from({ length }, (_, at) => seams.filter((seam) => at >= seam).length) };
}

export function areaOf({ left, top, right, bottom }: CellRect): number {
	return (right - left) * (bottom - top);
}

/** Whether two rectangles have a cell in common. */
export function meet(a: CellRect, b: CellRect): boolean {
	return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** The least rectangle that holds both. */
export function around(a: CellRect, b: CellRect): CellRect {
	return {
		left: Math.min(a.left, b.left),
		top: Math.min(a.top, b.top),
		right: Math.max(a.right, b.right),
		bottom: Math.max(a.bottom, b.bottom),
	};
}

/** A rectangle with `cells` more on every side, as far as the grid goes. */
export function grown(rect: CellRect, cells: number, { rows, cols }: Extent): CellRect {
	return {
		left: Math.max(0, rect.left - cells),
		top: Math.max(0, rect.top - cells),
		right: Math.min(cols, rect.right + cells),
		bottom: Math.min(rows, rect.bottom + cells),
	};
}

/** Whether a rectangle is no larger than an extent. */
export function fitsIn({ left, top, right, bottom }: CellRect, { rows, cols }: Extent): boolean {
	return right - left <= cols && bottom - top <= rows;
}
