import type { Extent } from './plan.ts';

/** A map of vectors, [rows, cols, channels]. */
type VectorMap = { data: Float32Array; size: Extent; channels: number };

/** Of Keys' cubic convolution, as PyTorch resizes. */
const CUBIC = -0.75;

/**
 * Bicubic resize of a map of vectors: corners not aligned, no antialiasing, edge rows and columns repeated. The same
 * size gives the same numbers.
 */
export function resizeBicubic(map: VectorMap, to: Extent): Float32Array {
	const { data, size, channels } = map;
	const columns = taps(size.cols, to.cols);
	const rows = taps(size.rows, to.rows);
	const out = new Float32Array(to.rows * to.cols * channels);
	for (let y = 0; y < to.rows; y++) {
		for (let x = 0; x < to.cols; x++) {
			const at = (y * to.cols + x) * channels;
			for (let c = 0; c < channels; c++) {
				let sum = 0;
				for (const { at: row, weight: down } of rows[y]!) {
					let line = 0;
					for (const { at: col, weight: across } of columns[x]!) {
						line += across * data[(row * size.cols + col) * channels + c]!;
					}
					sum += down * line;
				}
				out[at + c] = sum;
			}
		}
	}
	return out;
}

/** For every place of the target, the four places of the source that it is mixed from. */
function taps(from: number, to: number): { at: number; weight: number }[][] {
	return Array.from({ length: to }, (_, i) => {
		const centre = ((i + 0.5) * from) / to - 0.5;
		const first = Math.floor(centre);
		const t = centre - first;
		return [far(t + 1), near(t), near(1 - t), far(2 - t)].map((weight, j) => ({
			at: Math.min(Math.max(first - 1 + j, 0), from - 1),
			weight,
		}));
	});
}

/** Weight of a neighbour at distance 0 to 1. */
function near(d: number): number {
	return ((CUBIC + 2) * d - (CUBIC + 3)) * d * d + 1;
}

/** Weight of a neighbour at distance 1 to 2. */
function far(d: number): number {
	return ((CUBIC * d - 5 * CUBIC) * d + 8 * CUBIC) * d - 4 * CUBIC;
}

/**
 * Relative positions of one axis for every query and key: [along, along / pool, headDim] from `table`
 * [2 · size − 1, headDim]. Where the attention's extent is not the table's, the square of all pairs is resized as a
 * picture, to the extent's rows and columns whatever the axis, as in the published code: the tables of a grid that is
 * not square must fit it.
 */
export function relativePairs(
	table: Float32Array,
	headDim: number,
	axis: 'rows' | 'cols',
	sizes: { made: Extent; attention: Extent; pool: number },
): Float32Array {
	const { made, attention, pool } = sizes;
	const size = made[axis];
	let pairs: Float32Array = new Float32Array(size * size * headDim);
	for (let query = 0; query < size; query++) {
		for (let key = 0; key < size; key++) {
			const row = query - key + size - 1;
			pairs.set(table.subarray(row * headDim, (row + 1) * headDim), (query * size + key) * headDim);
		}
	}
	if (made.rows !== attention.rows || made.cols !== attention.cols) {
		// The published code lays keys along the picture's rows and queries along its columns; on a square grid, where alone
		// this works, that changes nothing.
		pairs = resizeBicubic({ data: pairs, size: { rows: size, cols: size }, channels: headDim }, attention);
	}
	return pool === 1 ? pairs : poolKeys(pairs, attention[axis], pool, headDim);
}

/** Means over `pool` neighbouring keys of [queries, keys, channels], the rest left out. */
function poolKeys(pairs: Float32Array, queries: number, pool: number, channels: number): Float32Array {
	const keys = pairs.length / (queries * channels);
	const cells = Math.floor(keys / pool);
	const out = new Float32Array(queries * cells * channels);
	for (let query = 0; query < queries; query++) {
		for (let key = 0; key < cells * pool; key++) {
			const to = (query * cells + Math.floor(key / pool)) * channels;
			for (let c = 0; c < channels; c++) {
				out[to + c]! += pairs[(query * keys + key) * channels + c]! / pool;
			}
		}
	}
	return out;
}
