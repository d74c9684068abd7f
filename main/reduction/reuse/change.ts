/** Change of a token or cell, in grey levels, that only another picture causes; see the setting `sceneCut`. */
export const SCENE_CUT_LEVEL = 24;

/**
 * Spreads values: every token gets the largest one within `radius` tokens of it (a square), so that the surroundings of a
 * moving edge are recomputed with it. `values`, `scratch` and `out` are [rows × cols]; `out` may not be `values`.
 */
export function dilate(
	values: Float32Array,
	rows: number,
	cols: number,
	radius: number,
	scratch: Float32Array,
	out: Float32Array,
): void {
	maxAlong(values, rows, cols, cols, 1, radius, scratch);
	maxAlong(scratch, cols, rows, 1, cols, radius, out);
}

/** Running maximum over ± radius along lines of `length` values that are `step` apart. */
function maxAlong(
	values: Float32Array,
	lines: number,
	length: number,
	lineStep: number,
	step: number,
	radius: number,
	out: Float32Array,
): void {
	for (let line = 0; line < lines; line++) {
		for (let i = 0; i < length; i++) {
			let largest = 0;
			const last = Math.min(length - 1, i + radius);
			for (let j = Math.max(0, i - radius); j <= last; j++) {
				largest = Math.max(largest, values[line * lineStep + j * step]!);
			}
			out[line * lineStep + i * step] = largest;
		}
	}
}

/** How many tokens changed by more than `level`. */
export function countAbove(change: Float32Array, level: number): number {
	let count = 0;
	for (const value of change) if (value > level) count++;
	return count;
}
