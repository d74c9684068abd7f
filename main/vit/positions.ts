/**
 * Rotary positions as a table: pair p of a token's query and key is rotated by the angle whose cosine and sine are in row
 * `token`, column p.
 */
export type RotaryTable = {
	/** [tokens, headDim / 2] */
	cos: Float32Array;
	sin: Float32Array;
	/**
	 * The order of a head's dimensions in which pair p is (p, p + headDim / 2): entry j is the published index of dimension j. Applied to queries and keys alike, it leaves their products as they were.
	 */
	order: readonly number[];
	/** The table of the tokens `rows` further down and `cols` to the right, on and on; absent where positions end with the grid. */
	moved?(rows: number, cols: number): Pick<RotaryTable, 'cos' | 'sin'>;
};

/**
 * Axial rotary positions on a grid: the published layout is quarters x1 x2 y1 y2 of n = headDim / 4, where
 * (x1, x2) are rotated by column × freq and (y1, y2) by row × freq, freq[i] = max · (min / max)^(i / (n − 1)) radians.
 */
export function axialRotary(
	rows: number,
	cols: number,
	headDim: number,
	max: number,
	min: number,
): RotaryTable {
	const n = headDim / 4;
	const frequencies = Array.from({ length: n }, (_, i) =>
		n === 1 ? max : max * (min / max) ** (i / (n - 1)),
	);
	const quarter = (start: number) => Array.from({ length: n }, (_, i) => start * n + i);
	const moved = (down: number, right: number) => axialTable(rows, cols, frequencies, down, right);
	return { ...moved(0, 0), order: [...quarter(0), ...quarter(2), ...quarter(1), ...quarter(3)], moved };
}

/** Cosines and sines of columns, then of rows, whose first ones are numbered `right` and `down`: [rows · cols, 2 · frequencies]. */
function axialTable(
	rows: number,
	cols: number,
	frequencies: readonly number[],
	down: number,
	right: number,
): Pick<RotaryTable, 'cos' | 'sin'> {
	const n = frequencies.length;
	const table = (of: (angle: number) => number) => {
		const along = (first: number, length: number) =>
			Array.from({ length }, (_, i) =>
				Float32Array.from(frequencies, (frequency) => of((first + i) * frequency)),
			);
		const [ofRows, ofCols] = [along(down, rows), along(right, cols)];
		const numbers = new Float32Array(rows * cols * 2 * n);
		for (let row = 0; row < rows; row++) {
			for (let col = 0; col < cols; col++) {
				const at = (row * cols + col) * 2 * n;
				numbers.set(ofCols[col]!, at);
				numbers.set(ofRows[row]!, at + n);
			}
		}
		return numbers;
	};
	return { cos: table(Math.cos), sin: table(Math.sin) };
}
