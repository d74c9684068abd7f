import { antialiasedTaps, cubicKernel, interpolationTaps, type Tap, TRIANGLE } from '../domain/resampling.ts';
import { derivedTensor, type FloatTensor } from '../domain/float-tensor.ts';
import type { Extent } from './windows.ts';

/** A map of vectors, [rows, cols, channels]. */
export type VectorMap = { data: Float32Array; size: Extent; channels: number };

/** Slopes of the cubic convolution with which PyTorch resizes: without and with antialiasing. */
const PLAIN_CUBIC = -0.75;
const ANTIALIASED_CUBIC = -0.5;

/**
 * Bicubic resize of a map of vectors: corners not aligned, no antialiasing, edge rows and columns repeated. The same
 * size gives the same numbers.
 */
export function resizeBicubic(map: VectorMap, to: Extent): Float32Array {
	const kernel = cubicKernel(PLAIN_CUBIC);
	return resize(
		map,
		interpolationTaps(map.size.rows, to.rows, kernel),
		interpolationTaps(map.size.cols, to.cols, kernel),
	);
}

/** As `resizeBicubic`, antialiased, which PyTorch does with another cubic also where nothing shrinks. */
export function resizeBicubicAntialiased(map: VectorMap, to: Extent): Float32Array {
	const kernel = cubicKernel(ANTIALIASED_CUBIC);
	return resize(
		map,
		antialiasedTaps(map.size.rows, to.rows, kernel),
		antialiasedTaps(map.size.cols, to.cols, kernel),
	);
}

/** A table of positions [rows · cols, channels] as the resize to another extent leaves it. */
export function resizedTable(
	how: 'bicubic' | 'bicubic, antialiased',
	table: FloatTensor,
	size: Extent,
	to: Extent,
): FloatTensor {
	if (size.rows === to.rows && size.cols === to.cols) return table;
	const channels = table.shape.at(-1)!;
	const resize = how === 'bicubic' ? resizeBicubic : resizeBicubicAntialiased;
	return derivedTensor(
		`${how}: ${size.rows} × ${size.cols} to ${to.rows} × ${to.cols}`,
		[table],
		[to.rows * to.cols, channels],
		() => resize({ data: table.data, size, channels }, to),
	);
}

/** Linear resize of a table of vectors [from, channels] -> [to, channels]; corners not aligned, edge rows repeated. */
export function resizeLinear(table: Float32Array, from: number, to: number): Float32Array {
	const map = { data: table, size: { rows: from, cols: 1 }, channels: table.length / from };
	return resize(map, interpolationTaps(from, to, TRIANGLE), [[{ at: 0, weight: 1 }]]);
}

function resize({ data, size, channels }: VectorMap, rows: Tap[][], columns: Tap[][]): Float32Array {
	const out = new Float32Array(rows.length * columns.length * channels);
	for (const [y, down] of rows.entries()) {
		for (const [x, across] of columns.entries()) {
			const at = (y * columns.length + x) * channels;
			for (let c = 0; c < channels; c++) {
				let sum = 0;
				for (const { at: row, weight: ofRow } of down) {
					let line = 0;
					for (const { at: col, weight } of across)
						line += weight * data[(row * size.cols + col) * channels + c]!;
					sum += ofRow * line;
				}
				out[at + c] = sum;
			}
		}
	}
	return out;
}

/** Relative positions of `size` queries and as many keys, [size, size, headDim], from their table [2 · size − 1, headDim]. */
export function relativePairs(table: Float32Array, size: number): Float32Array {
	const headDim = table.length / (2 * size - 1);
	const pairs = new Float32Array(size * size * headDim);
	for (let query = 0; query < size; query++) {
		for (let key = 0; key < size; key++) {
			const row = query - key + size - 1;
			pairs.set(table.subarray(row * headDim, (row + 1) * headDim), (query * size + key) * headDim);
		}
	}
	return pairs;
}

/** Means over `pool` neighbouring keys of [queries, queries, channels] -> [queries, queries / pool, channels], the rest left out. */
export function meansOverKeys(pairs: Float32Array, queries: number, pool: number): Float32Array {
	const channels = pairs.length / (queries * queries);
	const cells = Math.floor(queries / pool);
	const out = new Float32Array(queries * cells * channels);
	for (let query = 0; query < queries; query++) {
		for (let key = 0; key < cells * pool; key++) {
			const to = (query * cells + Math.floor(key / pool)) * channels;
			for (let c = 0; c < channels; c++) {
				out[to + c]! += pairs[(query * queries + key) * channels + c]! / pool;
			}
		}
	}
	return out;
}
