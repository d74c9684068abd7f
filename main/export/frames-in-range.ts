import { UserFacingError } from '../domain/errors.ts';
import { isAfter, isBefore, type FrameRange } from '../domain/video.ts';
import type { StoredRun } from '../results/stored-run.ts';

/** The part of a run that says which frames it holds. */
export type FrameList = {
	frameCount: number;
	frames: { frameIndex: Int32Array; timeSeconds: Float64Array };
};

/**
 * The rows of `run` whose frames lie in `range` (null = all), ascending. `every` counts the frames of the
 * video from the start of the range on.
 */
export function rowsInRange(run: FrameList, range: FrameRange | null): Int32Array {
	if (range === null) return Int32Array.from({ length: run.frameCount }, (_, row) => row);
	const { frameIndex, timeSeconds } = run.frames;
	let start = 0;
	while (start < run.frameCount && isBefore(range.from, frameIndex[start]!, timeSeconds[start]!)) start++;
	let end = run.frameCount;
	while (range.to !== null && end > start && isAfter(range.to, frameIndex[end - 1]!, timeSeconds[end - 1]!))
		end--;

	const origin = 'frame' in range.from ? range.from.frame : (frameIndex[start] ?? 0);
	const rows = new Int32Array(end - start);
	let count = 0;
	for (let row = start; row < end; row++) {
		if ((frameIndex[row]! - origin) % range.every === 0) rows[count++] = row;
	}
	return rows.slice(0, count);
}

/** Like `rowsInRange`; throws `bad-range` if there are none: an empty export helps nobody. */
export function requireRows(run: StoredRun, range: FrameRange | null): Int32Array {
	const rows = rowsInRange(run, range);
	if (rows.length > 0) return rows;
	const { frameIndex } = run.frames;
	const held = run.frameCount
		? `it holds frames ${frameIndex[0]!} to ${frameIndex[run.frameCount - 1]!}`
		: 'it holds no frames at all';
	throw new UserFacingError(
		'bad-range',
		`${run.folder}: the range must hold an analysed frame of the run (${held}).`,
	);
}
