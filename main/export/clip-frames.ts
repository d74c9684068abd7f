import { UserFacingError } from '../domain/errors.ts';
import { isAfter, type FrameRange, type Position, type VideoInfo } from '../domain/video.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { checkRange, FramePicker } from '../video/frame-range.ts';
import { readFrameTimes } from '../video/frame-times.ts';
import { compareVideo, identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';

/** The frames of a clip before any of them is decoded. */
export type ClipFrames = {
	range: FrameRange;
	/** Ascending; indices among all decoded frames of the file. */
	frameIndices: Int32Array;
	/** Presentation times in the file's own clock. */
	timesSeconds: Float64Array;
	/** When the last frame ends; null if the file ends with it. */
	endSeconds: number | null;
};

/**
 * The video of a run; throws `bad-argument` if it is no longer the one that was analysed. `hasGrown`: a recording that went on after
 * the run.
 */
export async function openVideoOf(run: StoredRun): Promise<{ video: VideoInfo; hasGrown: boolean }> {
	const { video, videoIdentity } = run.header;
	const info = await probeVideo(video.path).catch((error: unknown) => {
		if (!(error instanceof UserFacingError) || error.code !== 'file-not-found') throw error;
		throw new UserFacingError(error.code, error.message, {
			remedy: 'Put the video back, or say where it lies now.',
			cause: error,
		});
	});
	const same = await compareVideo(video.path, await identifyVideo(video.path), videoIdentity);
	if (same !== 'other') return { video: info, hasGrown: same === 'grown' };
	throw new UserFacingError(
		'bad-argument',
		`${video.path}: the video that the run analysed was expected (this is another file of that name).`,
		{ remedy: 'Put the original back, or analyse the new file.' },
	);
}

/** The part of the video that the run analysed, with all frames in it: what a clip shows by default. */
export function analysedSpan({ header, status }: StoredRun): FrameRange {
	const { from, to } = header.range;
	return {
		from,
		to: status.state === 'complete' ? to : { frame: Math.max(0, status.lastFrameIndex) },
		every: 1,
	};
}

/**
 * The frames in `range` (null = what the run analysed) and their times. Taken from the run if it has them all;
 * otherwise the video is decoded once to learn its times, unless `readTimes` knows them. Throws `bad-range` and what reading throws.
 */
export async function findClipFrames(
	run: StoredRun,
	{ video, hasGrown }: { video: VideoInfo; hasGrown: boolean },
	range: FrameRange | null,
	signal: AbortSignal | undefined,
	readTimes = () => readFrameTimes(video, signal),
): Promise<ClipFrames> {
	if (hasGrown) return findGrownClipFrames(run, range, await readTimes());
	const clip = range ?? analysedSpan(run);
	checkRange(clip);
	const known = knowsAllTimes(run, range)
		? { firstFrame: run.frames.frameIndex[0]!, times: run.frames.timeSeconds }
		: { firstFrame: 0, times: (await readTimes()).ptsSeconds };
	return pickFrames(clip, known);
}

/**
 * The same in a recording that went on: what was analysed ends with the last frame that still has its number. Where the file was cut,
 * pictures that others refer to may have been missing, and the last ones were numbered too low.
 */
function findGrownClipFrames(
	run: StoredRun,
	range: FrameRange | null,
	{ ptsSeconds: times }: Awaited<ReturnType<typeof readFrameTimes>>,
): ClipFrames {
	const { frameIndex, timeSeconds } = run.frames;
	const last = frameIndex.findLast((frame, i) => times[frame] === timeSeconds[i]) ?? 0;
	const clip = range ?? { from: run.header.range.from, to: { frame: last }, every: 1 };
	checkRange(clip);
	return pickFrames(clip, { firstFrame: 0, times });
}

/** Whether the run has every frame that the range can hold, so that no extra decoding is needed. */
function knowsAllTimes({ frameCount, frames, header, status }: StoredRun, range: FrameRange | null): boolean {
	if (frameCount === 0) return false;
	const { frameIndex, timeSeconds } = frames;
	const [first, last] = [0, frameCount - 1];
	if (frameIndex[last]! - frameIndex[first]! + 1 !== frameCount) return false;
	if (range === null) return true;
	const isBehind = (position: Position, i: number) => isAfter(position, frameIndex[i]!, timeSeconds[i]!);
	const { from, to } = range;
	const beginsInside = frameIndex[first] === 0 || !isBehind(from, first);
	const endsInside = to !== null && isBehind(to, last); // so that there is a frame that ends the last one
	return beginsInside && (endsInside || (status.state === 'complete' && header.range.to === null));
}

function pickFrames(range: FrameRange, known: { firstFrame: number; times: Float64Array }): ClipFrames {
	const picker = new FramePicker(range, -1, null);
	const picked: number[] = [];
	let endSeconds: number | null = null;
	for (const [i, time] of known.times.entries()) {
		const choice = picker.pick(known.firstFrame + i, time);
		if (choice === 'pick') picked.push(i);
		if (choice === 'past') {
			endSeconds = time;
			break;
		}
	}
	if (picked.length === 0) {
		throw new UserFacingError(
			'bad-range',
			`The range must hold a frame of the video (it has ${known.times.length}).`,
		);
	}
	return {
		range,
		frameIndices: Int32Array.from(picked, (i) => known.firstFrame + i),
		timesSeconds: Float64Array.from(picked, (i) => known.times[i]!),
		// With every n-th frame, nothing ends the last one: it is shown as long as the others.
		endSeconds: range.every === 1 ? endSeconds : null,
	};
}

/** The sound of a clip: from the first frame to the end of the last, which lasts as long as the one before if its end is unknown. */
export function soundSpan(path: string, { timesSeconds, endSeconds }: ClipFrames) {
	const last = timesSeconds.length - 1;
	const before = timesSeconds[Math.max(0, last - 1)]!;
	return {
		path,
		fromSeconds: timesSeconds[0]!,
		toSeconds: endSeconds ?? 2 * timesSeconds[last]! - before,
	};
}
