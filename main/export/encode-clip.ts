import { scaledTo, type Frame } from '../domain/frame.ts';
import type { SettingsTable, ValuesOf } from '../domain/settings-table.ts';
import type { Size, VideoInfo } from '../domain/video.ts';
import { knownFrames } from '../results/frame-columns.ts';
import { readFrames } from '../video/read-frames.ts';
import { openVideoWriter } from '../video/write-video.ts';
import { soundSpan, type ClipFrames } from './clip-frames.ts';
import type { ExportRequest } from './format.ts';

/** How clips are written. */
export const ENCODING_SETTINGS = {
	sound: { kind: 'boolean', default: true, description: 'Keeps the original sound.' },
	crf: {
		kind: 'integer',
		default: 20,
		min: 0,
		max: 51,
		description: 'Quality of the picture: 0 is lossless and large, 51 poor and small.',
	},
} as const satisfies SettingsTable;

export type Encoding = ValuesOf<typeof ENCODING_SETTINGS>;

export type ClipPictures = {
	video: VideoInfo;
	clip: ClipFrames;
	/** Size that frames are read at. */
	frameSize: Size;
	/** Size of what `draw` gives. */
	size: Size;
	/** RGBA of the picture of frame i of the clip; may be the frame's own pixels. Holds until the next call. */
	draw(frame: Frame, i: number): Uint8Array;
};

/** Writes a picture for each frame of a clip at its own time; `request.onProgress` is told of these frames. */
export async function encodePictures(
	path: string,
	{ video, clip, frameSize, size, draw }: ClipPictures,
	{ sound, crf }: Encoding,
	{ runs, signal, onProgress }: Pick<ExportRequest, 'runs' | 'signal' | 'onProgress'>,
): Promise<void> {
	const { frameIndices, timesSeconds, endSeconds } = clip;
	const total = frameIndices.length;
	const aborting = signal ? { signal } : {};
	const writer = await openVideoWriter({
		path,
		size,
		timesSeconds,
		endSeconds,
		audioFrom: sound && video.hasAudio ? soundSpan(video.path, clip) : null,
		crf,
		...aborting,
	});
	try {
		let done = 0;
		for await (const frame of readFrames(video, {
			range: clip.range,
			letterbox: scaledTo(frameSize, video.displaySize),
			format: 'rgba',
			known: knownFrames(runs[0]!.frames, frameIndices[0]!),
			...aborting,
		})) {
			if (frame.index !== frameIndices[done]) continue;
			await writer.write(draw(frame, done));
			done++;
			onProgress?.(done, total);
			if (done === total) break;
		}
		await writer.finish();
	} catch (error) {
		await writer.abort();
		throw error;
	}
}
