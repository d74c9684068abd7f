/**
 * Pairs rows with columns so that the sum of costs is least: shortest augmenting paths with potentials (Jonker and
 * Volgenant 1987, Computing 38), O(rows² · cols). `costs` is [rows, cols]; pairs that cost `limit` or more are not
 * made: such a row stays alone. Returns a column per row, -1 for none.
 */
export function assign(costs: Float64Array, rows: number, cols: number, limit: number): Int32Array {
	if (rows === 0 || cols === 0) return new Int32Array(rows).fill(-1);
	return withoutRivals(costs, rows, cols, limit) ?? byAugmentingPaths(costs, rows, cols, limit);
}

/** What every row would take, if no row has a choice and no two want the same; null otherwise. Mostly objects are apart. */
function withoutRivals(costs: Float64Array, rows: number, cols: number, limit: number): Int32Array | null {
	const columnOf = new Int32Array(rows).fill(-1);
	const taken = new Uint8Array(cols);
	for (let row = 0; row < rows; row++) {
		for (let col = 0; col < cols; col++) {
			if (!(costs[row * cols + col]! < limit)) continue;
			if (columnOf[row] !== -1 || taken[col] === 1) return null;
			columnOf[row] = col;
			taken[col] = 1;
		}
	}
	return columnOf;
}

/** Memory that all calls share: to make it for each took longer than to pair. */
const memory = {
	rowPotential: new Float64Array(0),
	colPotential: new Float64Array(0),
	rowOf: new Int32Array(0),
	before: new Int32Array(0),
	shortest: new Float64Array(0),
	done: new Uint8Array(0),
};

/** Memory for `width` columns and fewer rows; potentials and rows are zero. */
function memoryFor(width: number): typeof memory {
	if (memory.done.length <= width) {
		const length = 2 * width + 1;
		memory.rowPotential = new Float64Array(length);
		memory.colPotential = new Float64Array(length);
		memory.rowOf = new Int32Array(length);
		memory.before = new Int32Array(length);
		memory.shortest = new Float64Array(length);
		memory.done = new Uint8Array(length);
	} else {
		memory.rowPotential.fill(0, 0, width + 1);
		memory.colPotential.fill(0, 0, width + 1);
		memory.rowOf.fill(0, 0, width + 1);
	}
	return memory;
}

function byAugmentingPaths(costs: Float64Array, rows: number, cols: number, limit: number): Int32Array {
	const columnOf = new Int32Array(rows).fill(-1);
	// Each row also has a column of its own at the cost of `limit`, which stands for staying alone.
	const width = cols + rows;
	const most = 4 * limit;
	/** `rowOf`: row of each column, counted from 1; 0 = free. Column 0 stands for the row that is being assigned. */
	const { rowPotential, colPotential, rowOf, before, shortest, done } = memoryFor(width);
	for (let row = 1; row <= rows; row++) {
		rowOf[0] = row;
		shortest.fill(Infinity, 0, width + 1);
		done.fill(0, 0, width + 1);
		let at = 0;
		do {
			done[at] = 1;
			const from = rowOf[at]!;
			const first = (from - 1) * cols - 1;
			const potential = rowPotential[from]!;
			let next = 0;
			let step = Infinity;
			for (let col = 1; col <= width; col++) {
				if (done[col] === 1) continue;
				const cost = col <= cols ? Math.min(costs[first + col]!, most) : limit;
				const reduced = cost - potential - colPotential[col]!;
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
				if (done[col] === 1) {
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
