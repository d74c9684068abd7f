import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Letterbox, RESAMPLINGS } from '../domain/frame.ts';
import {
	letterboxFor,
	PROCESSOR_KINDS,
	processPicture,
	readProcessor,
} from '../families/hugging-face/processor.ts';
import { probeVideo } from '../video/probe.ts';
import { ffmpeg, readAll, unscaled, withFolder } from '../video/test-videos.fixture.ts';

/** Levels of 255 by which pixels differ on average. */
function difference(frame: Uint8Array, picture: Float32Array): number {
	const area = picture.length / 3;
	const sum = frame.reduce(
		(total, byte, i) => total + Math.abs(byte - picture[(i % 3) * area + Math.floor(i / 3)]!),
		0,
	);
	return sum / frame.length;
}

// Frames as ffmpeg scales them against what a network's own processor makes of the picture, stretched to a square.
it.each([
	['an antialiasing processor', 'detr', 2, 160, 'yuv420p', 1.5],
	['one that does not antialias', 'rf-detr', 2, 160, 'yuv420p', 3],
	['one that does not antialias where it enlarges', 'rf-detr', 2, 448, 'yuv444p', 0.3],
	['a bicubic one', 'detr', 3, 160, 'yuv444p', 0.5],
	['a Lanczos one', 'detr', 1, 160, 'yuv444p', 0.5],
	['one that takes the nearest pixels', 'detr', 0, 128, 'yuv444p', 0.1],
] as const)('frames come near to the pixels of %s', async (_, kind, resample, side, format, most) => {
	await withFolder(async (folder) => {
		const path = join(folder, 'picture.mkv');
		await ffmpeg(
			'-f',
			'lavfi',
			'-i',
			'mandelbrot=s=384x216:r=1:start_scale=0.3,trim=end_frame=1',
			'-pix_fmt',
			format,
			'-c:v',
			'ffv1',
			path,
		);
		const video = await probeVideo(path);
		const json = { size: { height: side, width: side }, resample, do_rescale: false, do_normalize: false };
		const processor = readProcessor(json, 'preprocessor_config.json', PROCESSOR_KINDS[kind]);
		const read = async (letterbox: Letterbox) =>
			(await readAll(video, { letterbox }, (pixels) => pixels.slice())).frames[0]!.pixels;
		const opened = await read({ ...unscaled(video.displaySize), resampling: 'fine-bicubic' });
		const expected = processPicture(processor, { data: opened, size: video.displaySize }).data;
		const letterbox = letterboxFor(processor, video.displaySize, 768, 16);
		expect(letterbox.contentSize).toEqual({ width: side, height: side });
		const differs = difference(await read(letterbox), expected);
		expect(differs).toBeLessThan(most);
		for (const resampling of RESAMPLINGS)
			expect(differs).toBeLessThanOrEqual(difference(await read({ ...letterbox, resampling }), expected));
	});
});
