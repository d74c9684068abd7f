/**
 * Per-frame columns of any length as curves of a few thousand points, all on one axis of video frames. Short
 * runs keep every frame; longer ones are cut into equal spans of frames, and each span gives its lowest and its
 * highest value, so that no spike is lost.
 */

const MOST_POINTS = 2400;

export type FrameAxis = {
	firstFrame: number;
	lastFrame: number;
	/** Frames per point, or per pair of points; 1 = nothing was left out. */
	framesPerSpan: number;
	/** Frame indices of the points, ascending: one per frame, or two per span. */
	frames: number[];
};

/** One value per entry of `FrameAxis.frames`; null if there is none. */
export type Curve = (number | null)[];

/** The axis that holds all frames of all runs. `frameIndices` are ascending; all may be empty. */
export function frameAxis(frameIndices: readonly Int32Array[]): FrameAxis {
	const filled = frameIndices.filter((indices) => indices.length > 0);
	if (filled.length === 0) return { firstFrame: 0, lastFrame: 0, framesPerSpan: 1, frames: [] };
	const firstFrame = Math.min(...filled.map((indices) => indices[0]!));
	const lastFrame = Math.max(...filled.map((indices) => indices.at(-1)!));
	const length = lastFrame - firstFrame + 1;
	if (length <= MOST_POINTS) {
		const frames = Array.from({ length }, (_, i) => firstFrame + i);
		return { firstFrame, lastFrame, framesPerSpan: 1, frames };
	}
	const framesPerSpan = Math.ceil(length / (MOST_POINTS / 2));
	const frames: number[] = [];
	for (let start = firstFrame; start <= lastFrame; start += framesPerSpan) {
		frames.push(start, Math.min(start + (framesPerSpan >> 1), lastFrame));
	}
	// The last span may be a single frame: its two points would coincide.
	if (frames.at(-1) === frames.at(-2)) frames.pop();
	return { firstFrame, lastFrame, framesPerSpan, frames };
}

/** The values at their frames; for each span the lowest and the highest, in their order. NaN is no value. */
export function extremesCurve(axis: FrameAxis, frameIndex: Int32Array, values: ArrayLike<number>): Curve {
	const curve: Curve = new Array<number | null>(axis.frames.length).fill(null);
	if (axis.framesPerSpan === 1) {
		for (let row = 0; row < frameIndex.length; row++) {
			if (!Number.isNaN(values[row]!)) curve[frameIndex[row]! - axis.firstFrame] = tidy(values[row]!);
		}
		return curve;
	}
	forEachSpan(axis, frameIndex, (span, start, end) => {
		let low = -1;
		let high = -1;
		for (let row = start; row < end; row++) {
			if (Number.isNaN(values[row]!)) continue;
			if (low < 0 || values[row]! < values[low]!) low = row;
			if (high < 0 || values[row]! > values[high]!) high = row;
		}
		if (low < 0) return;
		const [earlier, later] = low < high ? [low, high] : [high, low];
		curve[2 * span] = tidy(values[earlier]!);
		if (2 * span + 1 < curve.length) curve[2 * span + 1] = tidy(values[later]!);
		else curve[2 * span] = tidy(values[high]!);
	});
	return curve;
}

/** The values at their frames; for each span the mean, at both points, because stacks must add up. */
export function meanCurve(axis: FrameAxis, frameIndex: Int32Array, values: ArrayLike<number>): Curve {
	if (axis.framesPerSpan === 1) return extremesCurve(axis, frameIndex, values);
	const curve: Curve = new Array<number | null>(axis.frames.length).fill(null);
	forEachSpan(axis, frameIndex, (span, start, end) => {
		let sum = 0;
		for (let row = start; row < end; row++) sum += values[row]!;
		curve[2 * span] = tidy(sum / (end - start));
		if (2 * span + 1 < curve.length) curve[2 * span + 1] = curve[2 * span]!;
	});
	return curve;
}

/** Frames for which `isMarked` holds, at most one per span. */
export function markedFrames(
	axis: FrameAxis,
	frameIndex: Int32Array,
	isMarked: (row: number) => boolean,
): number[] {
	const marks: number[] = [];
	forEachSpan(axis, frameIndex, (_, start, end) => {
		for (let row = start; row < end; row++) {
			if (!isMarked(row)) continue;
			marks.push(frameIndex[row]!);
			return;
		}
	});
	return marks;
}

/** Calls `visit` with every span that has rows, and those rows. */
function forEachSpan(
	axis: FrameAxis,
	frameIndex: Int32Array,
	visit: (span: number, start: number, end: number) => void,
): void {
	let start = 0;
	while (start < frameIndex.length) {
		const span = Math.floor((frameIndex[start]! - axis.firstFrame) / axis.framesPerSpan);
		const next = axis.firstFrame + (span + 1) * axis.framesPerSpan;
		let end = start + 1;
		while (end < frameIndex.length && frameIndex[end]! < next) end++;
		visit(span, start, end);
		start = end;
	}
}

/** Four significant digits: more than a curve shows, and small enough for a million frames. */
function tidy(value: number): number {
	return Number(value.toPrecision(4));
}
