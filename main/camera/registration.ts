import { assert } from '../domain/errors.ts';
import type { TokenGrid } from '../domain/tokens.ts';
import type { Size } from '../domain/video.ts';
import { fitPlacement, type Fit, misfitOf, VOTE_WIDTH } from './fit-placement.ts';
import { apart, AT_REST, inFrame, type Placement, type Point } from '../domain/placement.ts';
import { WasmLayout } from '../pixels/wasm-layout.ts';
import {
	COARSEST,
	layoutReference,
	LEVELS,
	MOST_PATCHES,
	REACH,
	type ReferenceLayout,
	ReferencePicture,
	SQUARE,
} from './reference-picture.ts';
import { instantiate, type Kernel } from './registration.kernel.ts?wasm';

/** Places along each axis that are searched. */
const SEARCHED = 2 * REACH + 1;
/** Another place than the predicted one must match better by this much. */
const SEARCH_GAIN = 0.97;
/** Mean square of slopes that is noise, which no patch's say should come from. */
const NOISE = 9;
/** Numbers that the kernel sums up per patch. */
const SUMS = 12;
type Pass = { size: number; least: number; most: number; tolerance: number };

/**
 * Rounds of least squares per level, at least and at most, and the tolerance in its own pixels. Rounds go on while they move
 * the picture by more than `SETTLED` pixels of the level.
 */
const PASSES: readonly Pass[] = [
	{ size: 4, least: 2, most: 3, tolerance: 0.6 },
	{ size: 2, least: 1, most: 3, tolerance: 0.5 },
	{ size: 1, least: 1, most: 4, tolerance: 0.35 },
];
/** Where the prediction is good. */
const FINE_PASSES = PASSES.slice(1);
const SETTLED = 0.05;
/** Of patches at half size that are only glanced at, in its pixels. */
const GLANCE_TOLERANCE = 0.3;
/** A patch agrees with the common motion up to this misfit, in pixels, where it looks alike. */
const AGREES = 0.75;
const ALIKE = 0.7;
/** Patches that must agree for a motion to be sure: so many, this share of all, and in this share of the picture's parts. */
const LEAST_AGREEING = 12;
const LEAST_SHARE = 0.4;
const PARTS = 4;
const LEAST_PARTS = 0.5;

export type Registered = {
	/** Where the reference lies in the frame. */
	place: Placement;
	/** Share of the patches that agree with it, 0 to 1; null where there are too few of them to tell. */
	agreeing: number | null;
	/** Whether enough of the picture agrees. */
	sure: boolean;
};

/**
 * Finds where what is remembered lies in a new frame. Least squares of single patches at half and full size (Lucas and Kanade)
 * vote for one motion of all; a token that moves by itself has little say. Where they find no sure motion near the predicted
 * one, they begin at a quarter of the size, and at last where a search over whole pixels of an eighth of the size says.
 */
export class Registration {
	/** The frame at hand, and what it is registered against. */
	readonly reference: ReferencePicture;
	readonly #grid: TokenGrid;
	readonly #centre: Point;
	readonly #kernel: Kernel;
	readonly #at: {
		reference: ReferenceLayout;
		places: number;
		sums: number;
		scratch: number;
		differences: number;
	};
	readonly #places: Float32Array;
	readonly #sums: Float32Array;
	readonly #differences: Uint32Array;
	readonly #votes = new Float64Array(MOST_PATCHES * VOTE_WIDTH);

	/** `content`: the part of the frame that is not padding. */
	constructor(grid: TokenGrid, content: Size) {
		assert(grid.stride === SQUARE, `tokens of ${SQUARE} pixels are registered (got ${grid.stride})`);
		this.#grid = grid;
		this.#centre = { x: (grid.cols * SQUARE - 1) / 2, y: (grid.rows * SQUARE - 1) / 2 };
		const layout = new WasmLayout();
		const take = (bytes: number) => layout.take(bytes + 64); // vectors are read past the end
		this.#at = {
			reference: layoutReference(grid, content, take),
			places: take(16 * MOST_PATCHES),
			sums: take(4 * SUMS * MOST_PATCHES),
			scratch: take(2 * 19 * 20 * 4),
			differences: take(4 * SEARCHED ** 2),
		};
		const memory = layout.memory();
		this.#kernel = instantiate(memory);
		this.reference = new ReferencePicture(grid, this.#at.reference, memory, this.#kernel);
		this.#places = new Float32Array(memory.buffer, this.#at.places, 4 * MOST_PATCHES);
		this.#sums = new Float32Array(memory.buffer, this.#at.sums, SUMS * MOST_PATCHES);
		this.#differences = new Uint32Array(memory.buffer, this.#at.differences, SEARCHED ** 2);
	}

	/** The middle of the view, in its pixels. */
	get centre(): Point {
		return this.#centre;
	}

	/**
	 * How far the frame has moved against `place`, judged at half size and without a search: right for motions of a pixel or two.
	 */
	glance(place: Placement): { step: Placement; sure: boolean } {
		const pixel = 2;
		const count = this.reference.patches().length < LEAST_AGREEING ? 0 : this.#sum(pixel, place, 1);
		if (count < LEAST_AGREEING) return { step: AT_REST, sure: false };
		const { step, misfit } = fitPlacement({ rows: this.#votes, count }, GLANCE_TOLERANCE, true);
		const { sure } = this.#judge(misfit, pixel);
		return { step: { ...step, x: pixel * step.x, y: pixel * step.y }, sure };
	}

	/** Share of the patches that want no shift of more than `tolerance` pixels where the reference lies at `place`, 0 to 1. */
	agreeingAt(place: Placement, tolerance: number): number {
		const count = this.#sum(1, place, 1);
		if (count === 0) return 0;
		const misfit = misfitOf({ rows: this.#votes, count }, AT_REST);
		let agreeing = 0;
		for (let i = 0; i < count; i++) {
			if (misfit[i]! <= tolerance && this.#likeness(i, SQUARE * SQUARE) >= ALIKE) agreeing++;
		}
		return agreeing / count;
	}

	/**
	 * Where the reference lies in the frame: near `predicted`, or up to 40 pixels from it where nothing near is sure. Brightness
	 * times `gain` plus `offset` is that of the reference.
	 */
	register(predicted: Placement, gain = 1, offset = 0): Registered {
		const close = this.#fit(predicted, gain, FINE_PASSES);
		if (close.sure || close.agreeing === null) return close;
		const near = this.#fit(predicted, gain, PASSES);
		if (near.sure || near.agreeing === null) return near;
		const shift = this.#search(predicted, gain, offset);
		if (shift.x === 0 && shift.y === 0) return near;
		return this.#fit({ ...predicted, x: predicted.x + shift.x, y: predicted.y + shift.y }, gain, PASSES);
	}

	/** Least squares from `start` on, coarse to fine. */
	#fit(start: Placement, gain: number, passes: readonly Pass[]): Registered {
		const unknown = { place: start, agreeing: null, sure: false };
		if (this.reference.patches().length < LEAST_AGREEING) return unknown;
		const place = { ...start };
		let fit: Fit | null = null;
		for (const { size, least, most, tolerance } of passes) {
			for (let round = 0; round < most; round++) {
				const count = this.#sum(size, place, gain);
				if (count < LEAST_AGREEING) return unknown;
				fit = fitPlacement({ rows: this.#votes, count }, tolerance, size < 4);
				place.x += size * fit.step.x;
				place.y += size * fit.step.y;
				place.grow += fit.step.grow;
				place.spin += fit.step.spin;
				if (round + 1 >= least && apart(fit.step, AT_REST, this.#centre) < SETTLED) break;
			}
		}
		return { place, ...this.#judge(fit!.misfit, 1) };
	}

	/** Writes the votes of the patches that lie in the frame at `place`; gives how many there are. */
	#sum(pixel: number, place: Placement, gain: number): number {
		const level = this.#at.reference.levels[LEVELS.indexOf(pixel as 1)]!;
		const size = SQUARE / pixel;
		const { cols } = this.#grid;
		const { width, height } = level.size;
		let count = 0;
		for (const token of this.reference.patches()) {
			const [x, y] = [SQUARE * (token % cols), SQUARE * Math.floor(token / cols)];
			const middle = inFrame(place, this.#centre, x + (SQUARE - 1) / 2, y + (SQUARE - 1) / 2);
			const left = (middle.x + 0.5) / pixel - size / 2;
			const top = (middle.y + 0.5) / pixel - size / 2;
			if (left < 1 || top < 1 || left > width - size - 3 || top > height - size - 3) continue;
			const at = 4 * count;
			this.#places[at] = left;
			this.#places[at + 1] = top;
			this.#places[at + 2] = x / pixel;
			this.#places[at + 3] = y / pixel;
			const vote = count * VOTE_WIDTH;
			this.#votes[vote] = (x + (SQUARE - 1) / 2 - this.#centre.x) / pixel;
			this.#votes[vote + 1] = (y + (SQUARE - 1) / 2 - this.#centre.y) / pixel;
			count++;
		}
		this.#kernel.patchSums({
			frame: level.frame,
			reference: level.reference,
			stride: level.stride,
			size,
			gain,
			places: this.#at.places,
			count,
			scratch: this.#at.scratch,
			out: this.#at.sums,
		});
		const n = size * size;
		for (let i = 0; i < count; i++) this.#vote(i, n);
		return count;
	}

	/** What patch i wants, from its sums over `n` pixels: means are taken out, so that brightness has no say. */
	#vote(i: number, n: number): void {
		const [s, v] = [i * SUMS, i * VOTE_WIDTH];
		const sums = this.#sums;
		const [x, y, e] = [sums[s]!, sums[s + 1]!, sums[s + 2]!];
		const xx = sums[s + 3]! - (x * x) / n;
		const xy = sums[s + 4]! - (x * y) / n;
		const yy = sums[s + 5]! - (y * y) / n;
		const xe = sums[s + 6]! - (x * e) / n;
		const ye = sums[s + 7]! - (y * e) / n;
		const trace = xx + yy;
		const ridge = 0.02 * trace + 1e-3;
		const determinant = (xx + ridge) * (yy + ridge) - xy * xy;
		const votes = this.#votes;
		votes[v + 2] = xx;
		votes[v + 3] = xy;
		votes[v + 4] = yy;
		votes[v + 5] = -((yy + ridge) * xe - xy * ye) / determinant;
		votes[v + 6] = -((xx + ridge) * ye - xy * xe) / determinant;
		votes[v + 7] = trace / (trace + NOISE * n);
	}

	/** Whether enough patches, in enough parts of the picture, agree with the last fit and look as the reference does. */
	#judge(misfit: Float64Array, pixel: number): { agreeing: number; sure: boolean } {
		const n = (SQUARE / pixel) ** 2;
		const centre = { x: this.#centre.x / pixel, y: this.#centre.y / pixel };
		const partOf = (from: number, half: number) =>
			Math.min(PARTS - 1, Math.max(0, Math.floor((PARTS * (from + half)) / (2 * half + 1))));
		const all = new Uint16Array(PARTS * PARTS);
		const agreed = new Uint16Array(PARTS * PARTS);
		let agreeing = 0;
		for (let i = 0; i < misfit.length; i++) {
			const v = i * VOTE_WIDTH;
			const part = partOf(this.#votes[v + 1]!, centre.y) * PARTS + partOf(this.#votes[v]!, centre.x);
			all[part]!++;
			if (pixel * misfit[i]! > AGREES || this.#likeness(i, n) < ALIKE) continue;
			agreed[part]!++;
			agreeing++;
		}
		let parts = 0;
		let good = 0;
		all.forEach((count, part) => {
			if (count < 3) return;
			parts++;
			if (agreed[part]! >= LEAST_SHARE * count) good++;
		});
		const share = agreeing / misfit.length;
		const sure = agreeing >= LEAST_AGREEING && share >= LEAST_SHARE && good >= LEAST_PARTS * parts;
		return { agreeing: share, sure };
	}

	/** Correlation of patch i of the frame with the reference, −1 to 1. */
	#likeness(i: number, n: number): number {
		const s = i * SUMS;
		const sums = this.#sums;
		const [e, ee, f, ff, fe] = [sums[s + 2]!, sums[s + 8]!, sums[s + 9]!, sums[s + 10]!, sums[s + 11]!];
		const ofFrame = ff - (f * f) / n;
		const covariance = ofFrame - (fe - (f * e) / n);
		const ofReference = 2 * covariance - ofFrame + (ee - (e * e) / n);
		return covariance / Math.sqrt(Math.max(1e-6, ofFrame * ofReference));
	}

	/** How far from the prediction the frame matches best at the coarsest level, in pixels of the picture; 0 unless clearly. */
	#search(predicted: Placement, gain: number, offset: number): Point {
		const { levels, mask, frameMargin } = this.#at.reference;
		const level = levels.at(-1)!;
		const rows = this.reference.size.height >> 3;
		const baseX = Math.round(predicted.x / COARSEST);
		const baseY = Math.round(predicted.y / COARSEST);
		// The frame has a margin of `REACH` pixels: what is predicted takes its share of it.
		if (Math.abs(baseX) > REACH || Math.abs(baseY) > REACH) return { x: 0, y: 0 };
		if (gain !== 1 || offset !== 0) this.reference.adjustCoarsest(gain, offset);
		this.#kernel.shiftedDifferences({
			frame: level.frame + frameMargin,
			frameStride: level.stride,
			reference: level.reference,
			mask,
			stride: level.stride,
			rows,
			reach: REACH,
			out: this.#at.differences,
		});
		const at = (x: number, y: number) => this.#differences[(y + REACH) * SEARCHED + x + REACH]!;
		let best = { x: baseX, y: baseY };
		let least = SEARCH_GAIN * at(baseX, baseY);
		for (let y = -REACH; y <= REACH; y++) {
			for (let x = -REACH; x <= REACH; x++) {
				if (at(x, y) >= least) continue;
				least = at(x, y);
				best = { x, y };
			}
		}
		return { x: COARSEST * (best.x - baseX), y: COARSEST * (best.y - baseY) };
	}
}
