type Columns = {
	copyWithin(to: number, from: number, end: number): unknown;
	fill(value: number, from: number, to: number): unknown;
};

/**
 * Moves what belongs to each cell of a grid to the cell `rows` further down and `cols` to the right: `width` numbers per cell, in
 * raster order. Cells that come in get `fresh`; where that is null, what they hold means nothing.
 */
export function rollGrid(
	grid: { rows: number; cols: number },
	values: Columns,
	width: number,
	rows: number,
	cols: number,
	fresh: number | null,
): void {
	const line = grid.cols * width;
	const kept = Math.max(0, grid.cols - Math.abs(cols)) * width;
	const order = Array.from({ length: grid.rows }, (_, row) => (rows > 0 ? grid.rows - 1 - row : row));
	for (const row of order) {
		const from = row - rows;
		const start = row * line;
		if (from < 0 || from >= grid.rows || kept === 0) {
			if (fresh !== null) values.fill(fresh, start, start + line);
			continue;
		}
		const source = from * line + Math.max(0, -cols) * width;
		values.copyWithin(start + Math.max(0, cols) * width, source, source + kept);
		if (fresh === null) continue;
		values.fill(fresh, start, start + Math.max(0, cols) * width);
		values.fill(fresh, start + line + Math.min(0, cols) * width, start + line);
	}
}
