import { execFileSync } from 'node:child_process';
import type { Page } from 'playwright-core';

// Compares what is painted with what ffmpeg decodes: both in grey, reduced to the same small picture.

export const GREY = { width: 192, height: 144 };

export function ffmpeg(...words: string[]): Buffer {
	const program = process.env['SPARSIGHT_FFMPEG'] ?? 'ffmpeg';
	return execFileSync(program, ['-v', 'error', '-y', ...words], { maxBuffer: 2 ** 30 });
}

/** What ffprobe says about a file, with its frames counted. */
export function ffprobe(path: string): { codec: string; frames: number; timesSeconds: number[] } {
	const words = [
		'-v',
		'error',
		'-select_streams',
		'v:0',
		'-show_entries',
		'stream=codec_name:frame=pts_time',
	];
	const text = execFileSync('ffprobe', [...words, '-of', 'json', path], {
		encoding: 'utf8',
		maxBuffer: 2 ** 28,
	});
	const { streams, frames } = JSON.parse(text) as {
		streams: { codec_name: string }[];
		frames: { pts_time: string }[];
	};
	return {
		codec: streams[0]!.codec_name,
		frames: frames.length,
		timesSeconds: frames.map(({ pts_time }) => Number(pts_time)),
	};
}

/** Every decoded frame of a video. */
export function decodedFrames(path: string): Uint8Array[] {
	const { width, height } = GREY;
	const scale = `scale=${width}:${height}:flags=area,format=gray`;
	const bytes = ffmpeg('-i', path, '-fps_mode', 'passthrough', '-vf', scale, '-f', 'rawvideo', '-');
	const size = width * height;
	return Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

export type Painted = { frameIndex: number; panes: Uint8Array[] };

/** What every pane shows, once the requested frame is painted. */
export async function painted(page: Page): Promise<Painted> {
	await page.waitForFunction(() => {
		const asked = document.querySelector('[role=slider][aria-label="Position in the video"]');
		const shown = document.querySelector<HTMLElement>('[data-frame-index]')?.dataset['frameIndex'];
		return shown !== undefined && shown !== '' && shown === asked?.getAttribute('aria-valuenow');
	});
	const { frameIndex, panes } = await page.evaluate(({ width, height }) => {
		const stage = document.querySelector<HTMLElement>('[data-frame-index]')!;
		const small = new OffscreenCanvas(width, height);
		const pen = small.getContext('2d', { willReadFrequently: true })!;
		pen.imageSmoothingQuality = 'high';
		const texts = [...stage.querySelectorAll<HTMLCanvasElement>('canvas.video')].map((canvas) => {
			pen.drawImage(canvas, 0, 0, width, height);
			const { data } = pen.getImageData(0, 0, width, height);
			let text = '';
			for (let i = 0; i < data.length; i += 4) {
				text += String.fromCharCode(
					Math.round(0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!),
				);
			}
			return btoa(text);
		});
		return { frameIndex: Number(stage.dataset['frameIndex']), panes: texts };
	}, GREY);
	return { frameIndex, panes: panes.map((text) => Buffer.from(text, 'base64')) };
}

/** The frame around `index` that a painted picture resembles most. */
export function closestFrame(picture: Uint8Array, frames: readonly Uint8Array[], index: number): number {
	let best = -1;
	let least = Infinity;
	for (let i = Math.max(0, index - 2); i <= Math.min(frames.length - 1, index + 2); i++) {
		const distance = meanDifference(picture, frames[i]!);
		if (distance < least) {
			least = distance;
			best = i;
		}
	}
	return best;
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
	let sum = 0;
	for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
	return sum / a.length;
}
