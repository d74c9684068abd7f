import { STAGES } from '../../main/domain/cost.ts';
import type { RunAgreement } from '../../preload/contract.ts';
import type { TimelineColumns } from '../state/timeline-columns.ts';
import { bucketSize, emptyExtent, MinMaxPyramid } from './min-max-pyramid.ts';
import { roundUp, type FrameWindow } from './frame-window.ts';

/**
 * What is drawn of a run: one slot per pixel column or, zoomed in, one slot per frame. Entries from `count` on are left
 * over from earlier drawings.
 */
export type Slots = {
	count: number;
	/** Edges in pixels. */
	left: Float64Array;
	right: Float64Array;
	macsMin: Float64Array;
	macsMax: Float64Array;
	/** Mean; NaN = none in force. */
	budget: Float64Array;
	/** 1 where a frame was computed in full. */
	flush: Uint8Array;
	/** Means, a row per stage. */
	stages: Float64Array[];
	timeMax: Float64Array;
	detectionsMin: Float64Array;
	detectionsMax: Float64Array;
	/** Most tokens that wait, and the longest wait in frames. */
	waitingMax: Float64Array;
	waitMax: Float64Array;
	/** Mean of the estimated agreement, the lowest of its lower and the highest of its upper bounds; NaN = not estimated. */
	estimate: Float64Array;
	lower: Float64Array;
	upper: Float64Array;
	/** Lowest F1 of an audit; NaN = none. */
	audit: Float64Array;
};

/** The largest values of a run's columns: multiply-adds, milliseconds, detections, tokens that wait, frames that one waits. */
export type Peaks = { macs: number; milliseconds: number; detections: number; waiting: number; wait: number };

/** The series of a run, ready to be drawn at any zoom. */
export class RunSeries {
	readonly #timeline: () => TimelineColumns;
	readonly #macs = new MinMaxPyramid();
	readonly #budget = new MinMaxPyramid();
	readonly #flushes = new MinMaxPyramid();
	#detections = new MinMaxPyramid();
	#recounts = 0;
	readonly #total = new MinMaxPyramid();
	readonly #stages = STAGES.map(() => new MinMaxPyramid());
	readonly #waiting = new MinMaxPyramid();
	readonly #waits = new MinMaxPyramid();
	readonly #estimates = new MinMaxPyramid();
	readonly #lowers = new MinMaxPyramid();
	readonly #uppers = new MinMaxPyramid();
	readonly #audits = new MinMaxPyramid();
	readonly #extent = emptyExtent();

	constructor(timeline: () => TimelineColumns) {
		this.#timeline = timeline;
	}

	/** The run's columns, once the pyramids hold all of them. */
	#columns(): TimelineColumns {
		const c = this.#timeline();
		if (this.#macs.length === c.length && this.#recounts === c.recounts) return c;
		if (this.#recounts !== c.recounts) this.#detections = new MinMaxPyramid();
		this.#recounts = c.recounts;
		this.#macs.extend(c.macs, c.length);
		this.#budget.extend(c.budgetMacs, c.length);
		this.#flushes.extend(c.anchors, c.length);
		this.#detections.extend(c.detections, c.length);
		this.#total.extend(c.totalMilliseconds, c.length);
		this.#waiting.extend(c.waitingTokens, c.length);
		this.#waits.extend(c.longestWaits, c.length);
		this.#estimates.extend(c.estimates, c.length);
		this.#lowers.extend(c.lowers, c.length);
		this.#uppers.extend(c.uppers, c.length);
		this.#audits.extend(c.audits, c.length);
		this.#stages.forEach((pyramid, s) => pyramid.extend(c.milliseconds[s]!, c.length));
		return c;
	}

	/**
	 * What the scales have to include: the largest values of all frames. For time, the first frame (warm-up) and outliers
	 * far above nearly all frames are disregarded.
	 */
	peaks(): Peaks {
		const c = this.#columns();
		const later = c.length > 1 ? 1 : 0;
		const longest = this.#total.extent(c.totalMilliseconds, later, c.length).max;
		return {
			macs: Math.max(0, this.#macs.extent(c.macs, 0, c.length).max),
			milliseconds: Math.max(0, Math.min(longest, 1.5 * usualMilliseconds(c))),
			detections: Math.max(0, this.#detections.extent(c.detections, 0, c.length).max),
			waiting: Math.max(0, this.#waiting.extent(c.waitingTokens, 0, c.length).max),
			wait: Math.max(0, this.#waits.extent(c.longestWaits, 0, c.length).max),
		};
	}

	/** The lower end of a scale that all estimates fit on, and usual bounds; see `agreementFloor`. */
	estimateFloor(): number {
		const c = this.#columns();
		const { sum, count } = this.#lowers.extent(c.lowers, 0, c.length);
		const { min } = this.#estimates.extent(c.estimates, 0, c.length);
		return count > 0 ? floorBelow(Math.min(min, sum / count)) : 0;
	}

	/**
	 * Samples `window` on `width` pixels: least and largest values of each slot, and means for stacks. `every` is the
	 * distance of analysed frames; a frame extends over the gap up to its neighbour.
	 */
	sample(window: FrameWindow, width: number, every: number, into = emptySlots(width)): Slots {
		const c = this.#columns();
		const perPixel = (window.to - window.from) / width;
		into.count = 0;
		if (perPixel <= every) {
			for (let p = c.floorPosition(window.from - every) + 1; p < c.length && into.count < width + 2; p++) {
				const frame = c.frameIndices[p]!;
				if (frame > window.to + every) break;
				const end = frame + Math.min(every, (p + 1 < c.length ? c.frameIndices[p + 1]! : Infinity) - frame);
				const left = (frame - 0.5 - window.from) / perPixel;
				this.#fill(c, into, left, (Math.min(end, frame + every) - 0.5 - window.from) / perPixel, p, p + 1);
			}
			return into;
		}
		// Slots end where buckets end, at most half a pixel off, so that single frames need not be visited.
		const grain = bucketSize(perPixel / every / 2);
		let from = c.floorPosition(window.from - 1e-9) + 1;
		from -= from % grain;
		for (let x = 0; x < width; x++) {
			const edge = window.from + (x + 1) * perPixel;
			const end = c.floorPosition(edge - 1e-9) + 1;
			const to = end < c.length ? end - (end % grain) : end;
			if (to > from) this.#fill(c, into, x, x + 1, from, to);
			from = Math.max(from, to);
		}
		return into;
	}

	#fill(c: TimelineColumns, into: Slots, left: number, right: number, from: number, to: number): void {
		const extent = this.#extent;
		const at = into.count++;
		into.left[at] = left;
		into.right[at] = right;
		this.#macs.extent(c.macs, from, to, extent);
		into.macsMin[at] = extent.min;
		into.macsMax[at] = extent.max;
		this.#budget.extent(c.budgetMacs, from, to, extent);
		into.budget[at] = extent.count > 0 ? extent.sum / extent.count : Number.NaN;
		into.flush[at] = this.#flushes.extent(c.anchors, from, to, extent).max;
		into.timeMax[at] = this.#total.extent(c.totalMilliseconds, from, to, extent).max;
		this.#detections.extent(c.detections, from, to, extent);
		into.detectionsMin[at] = extent.min;
		into.detectionsMax[at] = extent.max;
		into.waitingMax[at] = this.#waiting.extent(c.waitingTokens, from, to, extent).max;
		into.waitMax[at] = this.#waits.extent(c.longestWaits, from, to, extent).max;
		this.#estimates.extent(c.estimates, from, to, extent);
		into.estimate[at] = extent.count > 0 ? extent.sum / extent.count : Number.NaN;
		this.#lowers.extent(c.lowers, from, to, extent);
		into.lower[at] = extent.count > 0 ? extent.min : Number.NaN;
		this.#uppers.extent(c.uppers, from, to, extent);
		into.upper[at] = extent.count > 0 ? extent.max : Number.NaN;
		this.#audits.extent(c.audits, from, to, extent);
		into.audit[at] = extent.count > 0 ? extent.min : Number.NaN;
		for (let s = 0; s < STAGES.length; s++) {
			this.#stages[s]!.extent(c.milliseconds[s]!, from, to, extent);
			into.stages[s]![at] = extent.sum / extent.count;
		}
	}
}

/** The 98th percentile, from a sample of about a thousand frames. */
function usualMilliseconds({ totalMilliseconds, length }: TimelineColumns): number {
	const stride = Math.max(1, Math.floor(length / 1000));
	const some: number[] = [];
	for (let p = length > 1 ? 1 : 0; p < length; p += stride) some.push(totalMilliseconds[p]!);
	return some.sort((a, b) => a - b)[Math.floor(0.98 * (some.length - 1))] ?? 0;
}

/** Scales that include all curves, with round ends; `dense`: multiply-adds of a dense frame. */
export function commonScales(peaks: readonly (Peaks & { dense: number })[]): Peaks {
	return {
		waiting: Math.max(1, ...peaks.map(({ waiting }) => waiting)),
		wait: Math.max(1, ...peaks.map(({ wait }) => wait)),
		macs: roundUp(Math.max(0, ...peaks.map(({ macs, dense }) => Math.max(macs, dense)))),
		milliseconds: roundUp(Math.max(0, ...peaks.map(({ milliseconds }) => milliseconds))),
		detections: Math.max(2, ...peaks.map(({ detections }) => detections)),
	};
}

/** Empty slots of a chart `width` pixels wide. */
export function emptySlots(width: number): Slots {
	const room = width + 2;
	const column = (): Float64Array => new Float64Array(room);
	return {
		count: 0,
		left: column(),
		right: column(),
		macsMin: column(),
		macsMax: column(),
		budget: column(),
		flush: new Uint8Array(room),
		stages: STAGES.map(column),
		timeMax: column(),
		detectionsMin: column(),
		detectionsMax: column(),
		waitingMax: column(),
		waitMax: column(),
		estimate: column(),
		lower: column(),
		upper: column(),
		audit: column(),
	};
}

/** Possible lower ends of the scale of agreement: small disagreements should be visible, and the worst should fit. */
const AGREEMENT_FLOORS = [0.9, 0.8, 0.5, 0];

/** The lowest F1 of the scale: the highest of a few round values that no frame is below. */
export function agreementFloor(f1: Float32Array): number {
	let lowest = 1;
	for (const value of f1) if (value < lowest) lowest = value;
	return floorBelow(lowest);
}

function floorBelow(lowest: number): number {
	return AGREEMENT_FLOORS.find((floor) => floor <= lowest) ?? 0;
}

/** The lowest F1 per pixel column; NaN if nothing was compared. `every` as in `sample`. */
export function sampleAgreement(
	perFrame: RunAgreement['perFrame'],
	window: FrameWindow,
	width: number,
	every: number,
): Float64Array {
	const lowest = new Float64Array(width).fill(Number.NaN);
	const perPixel = (window.to - window.from) / width;
	const { frameIndices, f1 } = perFrame;
	for (let i = 0; i < frameIndices.length; i++) {
		const at = (frameIndices[i]! - window.from) / perPixel;
		const left = perPixel <= every ? Math.round(at - 0.5 / perPixel) : Math.floor(at);
		if (left >= width) break;
		const right = Math.max(left + 1, Math.round(left + every / perPixel));
		for (let x = Math.max(0, left); x < Math.min(right, width); x++) {
			if (!(lowest[x]! <= f1[i]!)) lowest[x] = f1[i]!;
		}
	}
	return lowest;
}
