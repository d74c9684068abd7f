import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Letterbox } from '../domain/frame.ts';
import type { FrameRange, VideoInfo } from '../domain/video.ts';
import { WHOLE_VIDEO } from '../domain/video.ts';
import { readFrameTimes } from './frame-times.ts';
import { probeVideo } from './probe.ts';
import type { ReadOptions } from './read-frames.ts';
import { readFrames } from './read-frames.ts';
import { ffmpeg, ffmpegChildren, readAll, unscaled, withFolder } from './test-videos.fixture.ts';

let folder: string;
/** 40 grey frames, brighter one after another, at uneven times from 5 s on: 5, 5.04, 5.08, 5.18, 5.22 … */
let steps: VideoInfo;
const size = { width: 32, height: 32 };
const timeOf = (i: number) => 5 + (40 * i + 60 * Math.floor(i / 3)) / 1000;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'sparsight-video-'));
	const path = join(folder, 'steps.mkv');
	const brighter = "color=black:s=32x32:r=25:d=1.6,format=gray,geq=lum='20+5*N'";
	const uneven = "settb=1/1000,setpts='5000+40*N+60*floor(N/3)'";
	const options = ['-fps_mode', 'passthrough', '-copyts', '-c:v', 'ffv1', '-pix_fmt', 'gray'];
	await ffmpeg('-f', 'lavfi', '-i', `${brighter},${uneven}`, ...options, path);
	steps = await probeVideo(path);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (video: VideoInfo, options: Partial<ReadOptions> = {}) =>
	readAll(video, options, (pixels) => pixels[300]!);

function range(from: FrameRange['from'], to: FrameRange['to'], every = 1): FrameRange {
	return { from, to, every };
}

describe('a range picks frames by their index or their own time', () => {
	const all = Array.from({ length: 40 }, (_, i) => i);
	const rows: {
		proves: string;
		range: FrameRange;
		startAfterFrame?: number;
		picks: number[];
		decoded?: number;
	}[] = [
		{ proves: 'everything', range: WHOLE_VIDEO, picks: all },
		{
			proves: 'both ends are included',
			range: range({ frame: 3 }, { frame: 5 }),
			picks: [3, 4, 5],
			decoded: 6,
		},
		{ proves: 'one frame', range: range({ frame: 7 }, { frame: 7 }), picks: [7], decoded: 8 },
		{
			proves: 'every third counts from the first of the range',
			range: range({ frame: 4 }, { frame: 12 }, 3),
			picks: [4, 7, 10],
			decoded: 13,
		},
		{ proves: 'an end beyond the file', range: range({ frame: 38 }, { frame: 500 }), picks: [38, 39] },
		{
			proves: 'times of frames, as printed',
			range: range({ seconds: 5.08 }, { seconds: 5.22 }),
			picks: [2, 3, 4],
			decoded: 5,
		},
		{
			proves: 'times between frames',
			range: range({ seconds: 5.05 }, { seconds: 5.2 }),
			picks: [2, 3],
			decoded: 4,
		},
		{
			proves: 'every second by time',
			range: range({ seconds: 5.05 }, null, 2),
			picks: all.filter((i) => i >= 2 && i % 2 === 0),
		},
		{
			proves: 'from a time to a frame',
			range: range({ seconds: 5.05 }, { frame: 4 }),
			picks: [2, 3, 4],
			decoded: 5,
		},
		{
			proves: 'a time before the first frame',
			range: range({ seconds: 0 }, { seconds: 5.04 }),
			picks: [0, 1],
			decoded: 2,
		},
		{
			proves: 'going on keeps the step',
			range: range({ frame: 1 }, null, 4),
			startAfterFrame: 9,
			picks: [13, 17, 21, 25, 29, 33, 37],
		},
		{
			proves: 'going on between two steps',
			range: range({ frame: 1 }, { frame: 20 }, 4),
			startAfterFrame: 10,
			picks: [13, 17],
			decoded: 21,
		},
		{
			proves: 'going on by time',
			range: range({ seconds: 5.05 }, null, 2),
			startAfterFrame: 34,
			picks: [36, 38],
		},
		{
			proves: 'going on at the end gives nothing and no error',
			range: WHOLE_VIDEO,
			startAfterFrame: 39,
			picks: [],
		},
	];

	it.each(rows)('$proves', async ({ range, startAfterFrame, picks, decoded = 40 }) => {
		const { frames, summary } = await read(
			steps,
			startAfterFrame === undefined ? { range } : { range, startAfterFrame },
		);
		expect(frames.map((frame) => frame.index)).toEqual(picks);
		for (const { index, timeSeconds, pixels: grey } of frames) {
			expect(timeSeconds).toBeCloseTo(timeOf(index), 9);
			// The pixels are those of this very frame: brightness tells its index.
			expect(grey - frames[0]!.pixels).toBe(5 * (index - frames[0]!.index));
		}
		expect(summary).toEqual({
			framesRead: picks.length,
			framesDecoded: decoded,
			framesLost: 0,
			warnings: [],
			clockRestarts: [],
			hardware: null,
		});
	});

	it.each([
		[range({ frame: 5 }, { frame: 4 }), 'it ends at frame 4, before its start at frame 5'],
		[range({ seconds: 5 }, { seconds: 4 }), 'it ends at 4 s, before its start at 5 s'],
		[range({ frame: -1 }, null), 'from must be a frame number from 0 on (got -1)'],
		[range({ frame: 0.5 }, null), 'from must be a frame number from 0 on (got 0.5)'],
		[range({ frame: 0 }, { seconds: Number.NaN }), 'to must be a time in seconds (got NaN)'],
		[range({ frame: 0 }, null, 0), 'every must be a whole number from 1 on (got 0)'],
		[range({ frame: 40 }, null), 'holds none of the 40 that were decoded'],
		[range({ seconds: 100 }, null), 'holds none of the 40 that were decoded'],
	])('%j is refused', async (range, words) => {
		await expect(read(steps, { range })).rejects.toMatchObject({
			code: 'bad-range',
			message: expect.stringContaining(words) as string,
		});
	});
});

describe('the letterbox', () => {
	const fill = 114;

	async function firstFrame(
		video: VideoInfo,
		letterbox: Letterbox,
		format: 'rgb24' | 'rgba',
	): Promise<Uint8Array> {
		for await (const { pixels } of readFrames(video, { range: WHOLE_VIDEO, letterbox, format }))
			return pixels.slice();
		throw new Error('no frame');
	}

	it.each([
		{ format: 'rgb24', contentSize: { width: 20, height: 16 }, inputSize: { width: 48, height: 32 } },
		{ format: 'rgba', contentSize: { width: 20, height: 16 }, inputSize: { width: 48, height: 32 } },
		{ format: 'rgb24', contentSize: { width: 31, height: 17 }, inputSize: { width: 33, height: 19 } },
		{ format: 'rgb24', contentSize: { width: 64, height: 64 }, inputSize: { width: 64, height: 80 } },
		{ format: 'rgba', contentSize: { width: 32, height: 32 }, inputSize: { width: 32, height: 32 } },
	] as const)('fills $inputSize around $contentSize with exactly 114 in $format', async (row) => {
		const { format, contentSize, inputSize } = row;
		const letterbox = { displaySize: size, contentSize, inputSize, fill };
		const pixels = await firstFrame(steps, letterbox, format);
		const channels = format === 'rgba' ? 4 : 3;
		expect(pixels).toHaveLength(channels * inputSize.width * inputSize.height);
		for (let y = 0; y < inputSize.height; y++) {
			for (let x = 0; x < inputSize.width; x++) {
				const at = channels * (y * inputSize.width + x);
				const rgb = [...pixels.subarray(at, at + 3)];
				const inside = x < contentSize.width && y < contentSize.height;
				expect(
					rgb.every((value) => (inside ? value < 60 : value === fill)),
					`${x}, ${y}: ${rgb.join(' ')}`,
				).toBe(true);
				if (channels === 4) expect(pixels[at + 3]).toBe(255);
			}
		}
	});

	it('shrinking averages: a fine checkerboard becomes even grey instead of a pattern', async () => {
		const path = join(folder, 'checker.mkv');
		const checker = "color=black:s=128x128:r=25:d=0.04,format=gray,geq=lum='255*mod(X+Y,2)'";
		await ffmpeg('-f', 'lavfi', '-i', checker, '-c:v', 'ffv1', path);
		const video = await probeVideo(path);
		const small = { width: 48, height: 48 };
		const pixels = await firstFrame(video, unscaled(small), 'rgb24');
		const [least, most] = [Math.min(...pixels), Math.max(...pixels)];
		expect(most - least).toBeLessThan(40);
	});

	it('without scaling the pixels are those of the picture, one to one', async () => {
		const path = join(folder, 'exact.mkv');
		await ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=33x31:r=25:d=0.04,format=gbrp', '-c:v', 'ffv1', path);
		await ffmpeg('-i', path, '-f', 'rawvideo', '-pix_fmt', 'rgb24', join(folder, 'exact.rgb'));
		const video = await probeVideo(path);
		const pixels = await firstFrame(video, unscaled(video.displaySize), 'rgb24');
		expect(Buffer.compare(pixels, await readFile(join(folder, 'exact.rgb')))).toBe(0);
	});
});

describe('damaged files', () => {
	const codecs = [
		{
			name: 'ok.mp4',
			codec: ['-c:v', 'libx264', '-preset', 'ultrafast', '-movflags', '+faststart', '-threads', '1'],
		},
		{ name: 'ok.avi', codec: ['-c:v', 'mpeg4'] },
		{ name: 'ok.mkv', codec: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'] },
	];

	it.each(codecs)(
		'$name with noise in the middle is read to its end, and its losses are counted',
		({ name, codec }) =>
			withFolder(async (place) => {
				const path = join(place, name);
				await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x96:r=25:d=2', '-g', '10', ...codec, path);
				const bytes = await readFile(path);
				for (let i = bytes.length >> 1; i < bytes.length * 0.58; i++) bytes[i] = (i * 37) & 255;
				await writeFile(path, bytes);
				const { frames, summary } = await read(await probeVideo(path));
				expect(summary.framesRead + summary.framesLost).toBe(50);
				expect(summary.framesLost).toBeGreaterThan(0);
				expect(summary.warnings.length).toBeGreaterThan(0);
				// Nothing after the damage is missing. In avi a dropped frame moves all later ones forward.
				const last = name === 'ok.avi' ? frames.length - 1 : 49;
				expect(frames.at(-1)!.timeSeconds).toBeCloseTo(last / 25, 2);
			}),
	);

	it.each(codecs)('$name that is cut off gives what is there, then says so', ({ name, codec }) =>
		withFolder(async (place) => {
			const path = join(place, name);
			await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x96:r=25:d=2', '-g', '10', ...codec, path);
			const bytes = await readFile(path);
			await writeFile(path, bytes.subarray(0, bytes.length * 0.6));
			const { frames, summary } = await read(await probeVideo(path));
			expect(frames.length).toBeGreaterThan(15);
			expect(frames.length).toBeLessThan(45);
			expect(frames.map((frame) => frame.index)).toEqual(frames.map((_, i) => i));
			expect(summary.warnings.length).toBeGreaterThan(0);
		}),
	);

	it("nothing but damage is an error with the decoder's words and the command line as its cause", () =>
		withFolder(async (place) => {
			const path = join(place, 'noise.mp4');
			await ffmpeg(
				'-f',
				'lavfi',
				'-i',
				'testsrc2=s=160x96:r=25:d=0.4',
				'-c:v',
				'libx264',
				'-movflags',
				'+faststart',
				path,
			);
			const video = await probeVideo(path);
			const bytes = await readFile(path);
			const data = bytes.indexOf('mdat') + 4;
			for (let i = data; i < bytes.length; i++) bytes[i] = (i * 37) & 255;
			await writeFile(path, bytes);
			const error: Error = await read(video).then(
				() => expect.fail('it was read'),
				(thrown: Error) => thrown,
			);
			expect(error).toMatchObject({ code: 'decode-failed' });
			expect(error.message).toContain(path);
			expect(error.message).not.toContain('-fps_mode');
			expect(String(error.cause)).toContain('-fps_mode passthrough');
		}));

	it('a stream without frames is no-frames, in both readings', () =>
		withFolder(async (place) => {
			const path = join(place, 'empty.avi');
			await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=32x32:d=1', '-vf', 'select=0', '-c:v', 'mpeg4', path);
			const video = await probeVideo(path);
			await expect(read(video)).rejects.toMatchObject({ code: 'no-frames' });
			await expect(readFrameTimes(video)).rejects.toMatchObject({ code: 'no-frames' });
		}));
});

describe('nothing is left behind', () => {
	/** Long enough that ffmpeg cannot be through by itself: it decodes on demand and is far from its end. */
	let long: VideoInfo;

	beforeAll(async () => {
		const path = join(folder, 'long.avi');
		await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25:d=60', '-c:v', 'mpeg4', '-g', '50', path);
		long = await probeVideo(path);
		await read(steps); // fluent-ffmpeg asks ffmpeg for its formats once a process
	});

	const options = () => ({
		range: WHOLE_VIDEO,
		letterbox: unscaled(long.displaySize),
		format: 'rgb24' as const,
	});

	async function descriptors(): Promise<number> {
		return (await readdir('/proc/self/fd')).length;
	}

	it.runIf(process.platform === 'linux')('when the consumer leaves early', async () => {
		const before = await descriptors();
		for (let round = 0; round < 3; round++) {
			for await (const frame of readFrames(long, options())) if (frame.index === 2) break;
			expect(await ffmpegChildren()).toEqual([]);
		}
		expect(await descriptors()).toBeLessThanOrEqual(before);
	});

	it.runIf(process.platform === 'linux')('when the consumer throws', async () => {
		const reading = async () => {
			for await (const frame of readFrames(long, options())) if (frame.index === 1) throw new Error('mine');
		};
		await expect(reading()).rejects.toThrow('mine');
		expect(await ffmpegChildren()).toEqual([]);
	});

	it.runIf(process.platform === 'linux')(
		'when the signal comes between frames, while one is awaited, and before',
		async () => {
			for (const at of [1, 0, -1]) {
				const control = new AbortController();
				if (at < 0) control.abort();
				const reading = async () => {
					for await (const frame of readFrames(long, { ...options(), signal: control.signal })) {
						if (at === 1 && frame.index === 1) control.abort();
						if (at === 0 && frame.index === 1) setImmediate(() => control.abort());
					}
				};
				await expect(reading()).rejects.toMatchObject({ code: 'cancelled' });
				expect(await ffmpegChildren()).toEqual([]);
			}
		},
	);

	it.runIf(process.platform === 'linux')('when the times are no longer wanted', async () => {
		const control = new AbortController();
		setTimeout(() => control.abort(), 100);
		await expect(readFrameTimes(long, control.signal)).rejects.toMatchObject({ code: 'cancelled' });
		expect(await ffmpegChildren()).toEqual([]);
	});

	it.runIf(process.platform === 'linux')(
		'ffmpeg that dies is an error after the frames that came',
		async () => {
			let seen = 0;
			const reading = async () => {
				for await (const frame of readFrames(long, options())) {
					seen = frame.index + 1;
					if (frame.index === 3) for (const pid of await ffmpegChildren()) process.kill(pid, 'SIGKILL');
				}
			};
			await expect(reading()).rejects.toMatchObject({ code: 'ffmpeg-failed' });
			expect(seen).toBeGreaterThanOrEqual(4);
		},
	);
});
