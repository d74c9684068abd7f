import { type Frame, scaledTo } from '../main/domain/frame.ts';
import { type DecodeSummary, type Size, type VideoInfo, WHOLE_VIDEO } from '../main/domain/video.ts';
import { probeVideo } from '../main/video/probe.ts';
import { readFrames } from '../main/video/read-frames.ts';
import { openVideoWriter } from '../main/video/write-video.ts';
import { type CameraMotion, look, type View } from './virtual-camera.ts';

/** Of people walking, which Debian's package opencv-doc brings: the PETS 2009 sequence S2.L1. */
export const VTEST = '/usr/share/doc/opencv-doc/examples/data/vtest.avi';
/** What a virtual camera shows of its source. */
const WINDOW: Size = { width: 480, height: 368 };
const FRAMES_PER_SECOND = 10;

/** Writes what a camera sees of the first frames of a video; gives where it looked. */
export async function takeClip(
	source: string,
	path: string,
	motion: CameraMotion,
	crf: number,
	frames: number,
): Promise<View[]> {
	const video = await probeVideo(source);
	const from = video.displaySize;
	const room = { x: (from.width - WINDOW.width) / 2 - 2, y: (from.height - WINDOW.height) / 2 - 2 };
	const length = Math.min(frames, video.estimatedFrames ?? frames);
	const timesSeconds = Float64Array.from({ length }, (_, i) => i / FRAMES_PER_SECOND);
	const writer = await openVideoWriter({
		path,
		size: WINDOW,
		timesSeconds,
		endSeconds: null,
		audioFrom: null,
		crf,
	});
	const views: View[] = [];
	const rgb = new Uint8Array(3 * WINDOW.width * WINDOW.height);
	const rgba = new Uint8Array(4 * WINDOW.width * WINDOW.height).fill(255);
	for await (const { pixels } of framesOf(video, length)) {
		const view = motion.at(views.length, room);
		views.push(view);
		look(pixels, from, view, WINDOW, rgb);
		for (let i = 0; i < WINDOW.width * WINDOW.height; i++) {
			for (let c = 0; c < 3; c++) rgba[4 * i + c] = rgb[3 * i + c]!;
		}
		await writer.write(rgba);
	}
	await writer.finish();
	return views;
}

export async function* framesOf(video: VideoInfo, frames: number): AsyncGenerator<Frame, DecodeSummary> {
	const reading = readFrames(video, {
		range: { ...WHOLE_VIDEO, to: { frame: frames - 1 } },
		letterbox: scaledTo(video.displaySize),
		format: 'rgb24',
	});
	return yield* reading;
}

/** Where a camera sees a box of its source, in pixels of the clip; null where it does not. `isCut`: by more than a half. */
export function seenBox(
	boxXyxy: ArrayLike<number>,
	view: View,
	picture: Size,
): { x: number; y: number; width: number; height: number; isCut: boolean } | null {
	const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => {
		const [of, shift, size] =
			side % 2 === 0 ? [picture.width, view.x, WINDOW.width] : [picture.height, view.y, WINDOW.height];
		return (boxXyxy[side]! - of / 2 - shift) / view.scale + size / 2;
	}) as [number, number, number, number];
	const [x, y] = [Math.max(0, left), Math.max(0, top)];
	const [width, height] = [Math.min(WINDOW.width, right) - x, Math.min(WINDOW.height, bottom) - y];
	if (width <= 0 || height <= 0) return null;
	return { x, y, width, height, isCut: 2 * width * height < (right - left) * (bottom - top) };
}
