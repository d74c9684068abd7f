const TWO_PI = 2 * Math.PI;
const EPSILON = 1e-6;

/**
 * Sine positions of feature maps that are padded on the right and at the bottom (Carion et al., ECCV 2020): along each
 * axis the count of unpadded cells, scaled to 2π, at `features` / 2 frequencies, sine and cosine in turn. The half of y
 * comes first. `padding` [batch, rows, cols], not 0 = padding; null = none. `offset`: what is taken off the count
 * before it is scaled, 0 in DETR and 0.5 in Deformable DETR. Gives [batch, rows, cols, 2 · features].
 */
export function sinePositions(
	size: { batch: number; rows: number; cols: number },
	padding: ArrayLike<number> | null,
	options: { features: number; offset: number; temperature?: number },
): Float32Array {
	const { batch, rows, cols } = size;
	const { features, offset, temperature = 10_000 } = options;
	const out = new Float32Array(batch * rows * cols * 2 * features);
	const isReal = (n: number, row: number, col: number) =>
		padding === null || padding[(n * rows + row) * cols + col] === 0 ? 1 : 0;
	// Where a whole line is padding, angles are in the millions, and their sines hang on every rounding to float32.
	const put = (at: number, place: number, last: number) =>
		putSines(out, at, (place - offset) / Math.fround(last + EPSILON), features, temperature);
	for (let n = 0; n < batch; n++) {
		const at = (row: number, col: number) => ((n * rows + row) * cols + col) * 2 * features;
		for (let col = 0; col < cols; col++) {
			let last = 0;
			for (let row = 0; row < rows; row++) last += isReal(n, row, col);
			let place = 0;
			for (let row = 0; row < rows; row++) put(at(row, col), (place += isReal(n, row, col)), last);
		}
		for (let row = 0; row < rows; row++) {
			let last = 0;
			for (let col = 0; col < cols; col++) last += isReal(n, row, col);
			let place = 0;
			for (let col = 0; col < cols; col++) put(at(row, col) + features, (place += isReal(n, row, col)), last);
		}
	}
	return out;
}

/** Sine and cosine in turn of `place`, 0 to 1 and scaled to 2π, at `features` / 2 frequencies, into `out` from `at` on. */
export function putSines(
	out: Float32Array,
	at: number,
	place: number,
	features: number,
	temperature = 10_000,
): void {
	const { fround } = Math;
	const angle = fround(fround(place) * fround(TWO_PI));
	for (let i = 0; i < features; i++) {
		const value = fround(angle / fround(temperature ** fround((2 * Math.floor(i / 2)) / features)));
		out[at + i] = i % 2 === 0 ? Math.sin(value) : Math.cos(value);
	}
}
