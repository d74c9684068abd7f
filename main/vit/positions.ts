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
	const pairs = headDim / 2;
	const cos = new Float32Array(rows * cols * pairs);
	const sin = new Float32Array(rows * cols * pairs);
	for (let i = 0; i < n; i++) {
		const frequency = n === 1 ? max : max * (min / max) ** (i / (n - 1));
		for (let token = 0; token < rows * cols; token++) {
			const angleX = (token % cols) * frequency;
			const angleY = Math.floor(token / cols) * frequency;
			cos[token * pairs + i] = Math.cos(angleX);
			sin[token * pairs + i] = Math.sin(angleX);
			cos[token * pairs + n + i] = Math.cos(angleY);
			sin[token * pairs + n + i] = Math.sin(angleY);
		}
	}
	const quarter = (start: number) => Array.from({ length: n }, (_, i) => start * n + i);
	return { cos, sin, order: [...quarter(0), ...quarter(2), ...quarter(1), ...quarter(3)] };
}
