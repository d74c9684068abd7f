import type { Level } from './pyramid.ts';

/** A decoder's samples of one picture, in any number of rows: [rows, levels · points] each. */
export type SamplePlanes = { x: ArrayLike<number>; y: ArrayLike<number>; weight: ArrayLike<number> };

/**
 * The decoder's attention to every token (Roh et al., ICLR 2022, section 3.3): the weight of each sample, spread over
 * the four tokens around it; what falls outside is lost. Rows are added up. [tokens].
 *
 * As published, a place is taken as fraction · cells without the half cell that reading a map takes off.
 */
export function attentionMap(samples: SamplePlanes, levels: readonly Level[], points: number): Float64Array {
	const { x, y, weight } = samples;
	const last = levels.at(-1)!;
	const map = new Float64Array(last.start + last.rows * last.cols);
	const places = levels.length * points;
	for (let i = 0; i < weight.length; i++) {
		const { rows, cols, start } = levels[Math.floor((i % places) / points)]!;
		const [atX, atY] = [Math.fround(x[i]! * cols), Math.fround(y[i]! * rows)];
		const [col, row] = [Math.floor(atX), Math.floor(atY)];
		for (let corner = 0; corner < 4; corner++) {
			const [c, r] = [col + (corner & 1), row + (corner >> 1)];
			if (c < 0 || r < 0 || c >= cols || r >= rows) continue;
			const fraction = (1 - Math.abs(atX - c)) * (1 - Math.abs(atY - r));
			map[start + r * cols + c]! += fraction * weight[i]!;
		}
	}
	return map;
}

/** What a scorer learns to predict: 1 for the `count` tokens that got the most attention, padding aside. */
export function mostAttended(map: ArrayLike<number>, padding: ArrayLike<number>, count: number): Uint8Array {
	const order = Array.from({ length: map.length }, (_, token) => token).filter((token) => !padding[token]);
	order.sort((a, b) => map[b]! - map[a]! || a - b);
	const target = new Uint8Array(map.length);
	for (const token of order.slice(0, count)) target[token] = 1;
	return target;
}

/** Fraction of all attention that fell on kept tokens (1 in `kept`): of the whole pyramid, then of each level. */
export function keptFractions(
	map: Float64Array,
	kept: ArrayLike<number>,
	levels: readonly Level[],
): number[] {
	const fraction = (start: number, end: number) => {
		let [all, hit] = [0, 0];
		for (let token = start; token < end; token++) {
			all += map[token]!;
			if (kept[token]) hit += map[token]!;
		}
		return hit / all;
	};
	const perLevel = levels.map(({ rows, cols, start }) => fraction(start, start + rows * cols));
	return [fraction(0, map.length), ...perLevel];
}
