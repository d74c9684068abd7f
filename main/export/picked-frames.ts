import { UserFacingError } from '../domain/errors.ts';
import { scaledTo, type Frame } from '../domain/frame.ts';
import type { FrameRange, Size, VideoInfo } from '../domain/video.ts';
import { knownFrames } from '../results/frame-columns.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { readFrames } from '../video/read-frames.ts';

/** Frames that are rather decoded than jumped over. */
const NEAR_FRAMES = 100;

/** Some frames of a run's video as RGBA at `size`, ascending, each once; without those that the video does not have any more. */
export async function* pickedFrames(
	run: StoredRun,
	video: VideoInfo,
	wanted: Iterable<number>,
	size: Size,
	signal: AbortSignal | undefined,
): AsyncGenerator<Frame> {
	const frames = [...new Set(wanted)].sort((a, b) => a - b);
	for (let i = 0, next = 0; i < frames.length; i = next) {
		while (next < frames.length && (next === i || frames[next]! - frames[next - 1]! <= NEAR_FRAMES)) next++;
		const range = { from: { frame: frames[i]! }, to: { frame: frames[next - 1]! }, every: 1 };
		const here = new Set(frames.slice(i, next));
		for await (const frame of framesFrom(run, video, range, size, signal))
			if (here.has(frame.index)) yield frame;
	}
}

/** The first frame of `range`, or the first that the run analysed, as RGBA at `size`. Throws `bad-range`. */
export async function firstFrame(
	run: StoredRun,
	video: VideoInfo,
	range: FrameRange | null,
	size: Size,
	signal: AbortSignal | undefined,
): Promise<Frame> {
	const from = range?.from ?? { frame: run.frames.frameIndex[0] ?? 0 };
	for await (const frame of framesFrom(run, video, { from, to: null, every: 1 }, size, signal)) return frame;
	throw new UserFacingError('bad-range', `${video.path}: the range must hold a frame of the video.`);
}

function framesFrom(
	run: StoredRun,
	video: VideoInfo,
	range: FrameRange,
	size: Size,
	signal: AbortSignal | undefined,
): AsyncGenerator<Frame> {
	const { from } = range;
	return readFrames(video, {
		range,
		letterbox: scaledTo(size, video.displaySize),
		format: 'rgba',
		known: knownFrames(run.frames, 'frame' in from ? from.frame : Number.POSITIVE_INFINITY),
		...(signal && { signal }),
	});
}
