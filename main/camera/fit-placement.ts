import { nthLargest } from '../domain/nth-largest.ts';
import type { Placement } from '../domain/placement.ts';

/** Numbers per patch: places from the centre of the view, then the equations. */
export const VOTE_WIDTH = 8;

/**
 * What patches of the picture say about how the frame has moved against the reference, one row of numbers each:
 * from the centre of the view to the patch (x, y), slopes' sums xx, xy, yy, the shift that the patch wants by itself (x, y),
 * and a weight that is 0 for patches that have no say. All in the pixels of one level.
 */
export type Votes = { rows: Float64Array; count: number };

export type Fit = {
	/** What is to be added to the placement that the votes were taken at. */
	step: Placement;
	/** Per patch, how far what it wants is from what all want, in pixels across its edges. */
	misfit: Float64Array;
};

const ROUNDS = 5;
/** Of all weights together, what is added to the diagonal. */
const RIDGE = 1e-3;
const TINY = 1e-9;

/**
 * The motion that most patches agree on, by least squares that are weighted anew in every round: the further a patch's own shift
 * is from the common one, in pixels across its edges, the less it says (Geman and McClure's weights). `tolerance`: pixels
 * from which on a patch is believed to move by itself. A fit of shifts only, or of shift, growth and spin.
 */
export function fitPlacement({ rows, count }: Votes, tolerance: number, similar: boolean): Fit {
	const misfit = new Float64Array(count);
	const weights = new Float64Array(count);
	const scratch = new Float64Array(count);
	let step: Placement = {
		// Before anything is known of outliers: the medians of what patches want.
		x: middle(rows, count, rows.subarray(5), VOTE_WIDTH, scratch),
		y: middle(rows, count, rows.subarray(6), VOTE_WIDTH, scratch),
		grow: 0,
		spin: 0,
	};
	measure(rows, count, step, misfit);
	for (let round = 0; round < ROUNDS; round++) {
		const scale = Math.max(tolerance, 1.5 * middle(rows, count, misfit, 1, scratch));
		for (let i = 0; i < count; i++) {
			const share = misfit[i]! / scale;
			const doubt = 1 + share * share; // `**` takes as long as all the rest
			weights[i] = rows[i * VOTE_WIDTH + 7]! / (doubt * doubt);
		}
		const solved = solve(rows, count, weights, similar && round > 1);
		if (!solved) break;
		step = solved;
		measure(rows, count, step, misfit);
	}
	return { step, misfit };
}

/** As `Fit.misfit`, of any step. */
export function misfitOf({ rows, count }: Votes, step: Placement): Float64Array {
	const misfit = new Float64Array(count);
	measure(rows, count, step, misfit);
	return misfit;
}

/** The middle of every `stride`-th of `values`, of patches that have a say; 0 where there is none. */
function middle(
	rows: Float64Array,
	count: number,
	values: Float64Array,
	stride: number,
	scratch: Float64Array,
): number {
	let used = 0;
	for (let i = 0; i < count; i++) if (rows[i * VOTE_WIDTH + 7]! > 0) scratch[used++] = values[i * stride]!;
	return used === 0 ? 0 : nthLargest(scratch.subarray(0, used), used - (used >> 1));
}

function measure(rows: Float64Array, count: number, step: Placement, misfit: Float64Array): void {
	for (let i = 0; i < count; i++) {
		const at = i * VOTE_WIDTH;
		const x = rows[at]!;
		const y = rows[at + 1]!;
		const xx = rows[at + 2]!;
		const yy = rows[at + 4]!;
		const dx = step.x + step.grow * x - step.spin * y - rows[at + 5]!;
		const dy = step.y + step.spin * x + step.grow * y - rows[at + 6]!;
		const energy = dx * dx * xx + 2 * dx * dy * rows[at + 3]! + dy * dy * yy;
		misfit[i] = Math.sqrt(Math.max(0, (2 * energy) / (xx + yy + TINY)));
	}
}

/**
 * The step that minimises Σ weight · (J p − want)ᵀ A (J p − want) / trace A, where A holds a patch's slopes and
 * J = [1 0 x −y; 0 1 y x]: of all four numbers, or of the shift alone. Null where it is not determined.
 */
function solve(rows: Float64Array, count: number, weights: Float64Array, similar: boolean): Placement | null {
	let [m00, m01, m02, m03, m11, m12, m13, m22, m23, m33] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
	let [r0, r1, r2, r3, total] = [0, 0, 0, 0, 0];
	for (let i = 0; i < count; i++) {
		const at = i * VOTE_WIDTH;
		const x = rows[at]!;
		const y = rows[at + 1]!;
		const scale = weights[i]! / (rows[at + 2]! + rows[at + 4]! + TINY);
		const xx = scale * rows[at + 2]!;
		const xy = scale * rows[at + 3]!;
		const yy = scale * rows[at + 4]!;
		const wantX = rows[at + 5]!;
		const wantY = rows[at + 6]!;
		const ax = xx * wantX + xy * wantY;
		const ay = xy * wantX + yy * wantY;
		const growX = xx * x + xy * y;
		const growY = xy * x + yy * y;
		const spinX = xy * x - xx * y;
		const spinY = yy * x - xy * y;
		total += weights[i]!;
		m00 += xx;
		m01 += xy;
		m11 += yy;
		m02 += growX;
		m12 += growY;
		m03 += spinX;
		m13 += spinY;
		m22 += x * growX + y * growY;
		m23 += x * spinX + y * spinY;
		m33 += x * spinY - y * spinX;
		r0 += ax;
		r1 += ay;
		r2 += x * ax + y * ay;
		r3 += x * ay - y * ax;
	}
	// A direction across which there is next to no edge keeps its place.
	const ridge = RIDGE * total;
	if (!(total > 0)) return null;
	const width = similar ? 5 : 3;
	const m = similar
		? [
				...[m00 + ridge, m01, m02, m03, r0],
				...[m01, m11 + ridge, m12, m13, r1],
				...[m02, m12, m22 * (1 + RIDGE) + TINY, m23, r2],
				...[m03, m13, m23, m33 * (1 + RIDGE) + TINY, r3],
			]
		: [m00 + ridge, m01, r0, m01, m11 + ridge, r1];
	const [x, y, grow = 0, spin = 0] = gauss(m, width);
	return { x: x!, y: y!, grow, spin };
}

/** Solves [n, n + 1], positive definite. */
function gauss(m: number[], width: number): number[] {
	const n = width - 1;
	for (let k = 0; k < n; k++) {
		for (let r = 0; r < n; r++) {
			if (r === k) continue;
			const factor = m[r * width + k]! / m[k * width + k]!;
			for (let c = k; c < width; c++) m[r * width + c]! -= factor * m[k * width + c]!;
		}
	}
	return Array.from({ length: n }, (_, k) => m[k * width + n]! / m[k * width + k]!);
}
