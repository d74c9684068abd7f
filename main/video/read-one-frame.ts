import { UserFacingError } from '../domain/errors.ts';
import { scaledTo } from '../domain/frame.ts';
import type { Position, Size, VideoInfo } from '../domain/video.ts';
import { readFrames } from './read-frames.ts';

/** One frame at the size that a viewer sees: rgb, three bytes a pixel. `seconds` is its time in the clock of the file. */
export type OneFrame = { data: Uint8Array; size: Size; seconds: number };

/** The first frame from `from` on; null = the one in the middle, or the first where the video states no duration. Throws `no-frames`. */
export async function readOneFrame(video: VideoInfo, from: Position | null): Promise<OneFrame> {
	const { path, displaySize: size, startSeconds, durationSeconds } = video;
	const middle = durationSeconds === null ? { frame: 0 } : { seconds: startSeconds + durationSeconds / 2 };
	const range = { from: from ?? middle, to: null, every: 1 };
	const frames = readFrames(video, { range, letterbox: scaledTo(size), format: 'rgb24' });
	for await (const { pixels, timeSeconds } of frames)
		return { data: pixels.slice(), size, seconds: timeSeconds };
	throw new UserFacingError(
		'no-frames',
		`${path} has no frame ${from === null ? 'in its middle' : 'there'}.`,
	);
}
