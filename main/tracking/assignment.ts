/**
 * Pairs rows with columns so that the sum of costs is least: shortest augmenting paths with potentials (Jonker and
 * Volgenant 1987, Computing 38), O(rows² · cols). `costs` is [rows, cols]; pairs that cost `limit` or more are not
 * made: such a row stays alone. Returns a column per row, -1 for none.
 */
export function assign(costs: Float64Array, rows: number, cols: number, limit: number): Int32Array {
	const columnOf = new Int32Array(rows).fill(-1);
	if (rows === 0 || cols === 0) return columnOf;
	// Each row also has a column of its own at the cost of `limit`, which stands for staying alone.
	const width = cols + rows;
	const costOf = (row: number, col: number) =>
		col < cols ? Math.min(costs[row * cols + col]!, 4 * limit) : limit;
	const rowPotential = new Float64Array(rows + 1);
	const colPotential = new Float64Array(width + 1);
	/** Row of each column, counted from 1; 0 = free. Column 0 stands for the row that is being assigned. */
	const rowOf = new Int32Array(width + 1);
	const before = new Int32Array(width + 1);
	const shortest = new Float64Array(width + 1);
	const done = new Uint8Array(width + 1);
	for (let row = 1; row <= rows; row++) {
		rowOf[0] = row;
		shortest.fill(Infinity);
		done.fill(0);
		let at = 0;
		do {
			done[at] = 1;
			const from = rowOf[at]!;
			let next = 0;
			let step = Infinity;
			for (let col = 1; col <= width; col++) {
				if (done[col]) continue;
				const reduced = costOf(from - 1, col - 1) - rowPotential[from]! - colPotential[col]!;
				if (reduced < shortest[col]!) {
					shortest[col] = reduced;
					before[col] = at;
				}
				if (shortest[col]! < step) {
					step = shortest[col]!;
					next = col;
				}
			}
			for (let col = 0; col <= width; col++) {
				if (done[col]) {
					rowPotential[rowOf[col]!]! += step;
					colPotential[col]! -= step;
				} else {
					shortest[col]! -= step;
				}
			}
			at = next;
		} while (rowOf[at] !== 0);
		while (at !== 0) {
			rowOf[at] = rowOf[before[at]!]!;
			at = before[at]!;
		}
	}
	for (let col = 1; col <= cols; col++) {
		const row = rowOf[col]! - 1;
		if (row >= 0 && costs[row * cols + col - 1]! < limit) columnOf[row] = col - 1;
	}
	return columnOf;
}
