import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { FrameRange, VideoInfo } from '../domain/video.ts';
import type * as ffmpegModule from './ffmpeg.ts';
import { probeVideo } from './probe.ts';
import { parseFrameLine } from './log-lines.ts';
import type { ReadOptions } from './read-frames.ts';
import { availableEncoders, ffmpeg, readAll, testPicture, withFolder } from './test-videos.fixture.ts';

/** How many frames each decoding of the current test put out. */
const decodings = vi.hoisted((): { jumps: boolean; frames: number }[] => []);

vi.mock('./ffmpeg.ts', async (original) => {
	const module = await original<typeof ffmpegModule>();
	const startFfmpeg: typeof module.startFfmpeg = (binaries, command, streams = {}) => {
		if (!command.options.includes('-vf')) return module.startFfmpeg(binaries, command, streams);
		const decoding = { jumps: command.inputs[0]!.options.includes('-ss'), frames: 0 };
		decodings.push(decoding);
		const onLine = (line: string) => {
			if (parseFrameLine(line)) decoding.frames++;
			streams.onLine?.(line);
		};
		return module.startFfmpeg(binaries, command, { ...streams, onLine });
	};
	return { ...module, startFfmpeg };
});

beforeEach(() => void decodings.splice(0));

const encoders = await availableEncoders();

const read = (video: VideoInfo, options: Partial<ReadOptions> = {}) =>
	readAll(video, options, (pixels) => createHash('sha256').update(pixels).digest('hex'));

const FRAMES = 120;

type Row = {
	proves: string;
	file: string;
	encoder: string;
	/** The fastest settings where none are named; a group of pictures has ten. */
	options?: string[];
	/** Makes the file where one command does not; `at` gives paths in a folder for what has to be made on the way. */
	make?: (path: string, at: (name: string) => string) => Promise<void>;
	/** Whether a jump leads there; elsewhere decoding begins at the start. */
	jumps?: boolean;
	/** Only decoding shows what damage costs: the jump needs a frame that is known. */
	blind?: boolean;
};

const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10', '-threads', '1'];
const bFrames = ['-bf', '3', '-b_strategy', '0'];
const passthrough = ['-fps_mode', 'passthrough'];
const x265 = (more: string) => ['-preset', 'ultrafast', '-x265-params', `log-level=none:pools=1:${more}`];

const rows: Row[] = [
	{ proves: 'H.264, closed groups', file: 'a.mp4', encoder: 'libx264' },
	{ proves: 'H.264 with B-frames', file: 'a.mp4', encoder: 'libx264', options: bFrames },
	{ proves: 'H.264 with B-frames', file: 'a.mkv', encoder: 'libx264', options: bFrames },
	{
		proves: 'H.264 with pyramids of B-frames and open groups',
		file: 'a.mp4',
		encoder: 'libx264',
		options: [...bFrames, '-x264-params', 'open-gop=1:b-pyramid=normal:keyint=10:min-keyint=10:scenecut=0'],
	},
	{
		proves: 'H.264 with open groups',
		file: 'a.mkv',
		encoder: 'libx264',
		options: [...bFrames, '-x264-params', 'open-gop=1:keyint=10:min-keyint=10:scenecut=0'],
	},
	{
		proves: 'H.264 that is refreshed column by column, whose key frames are none',
		file: 'a.mp4',
		encoder: 'libx264',
		options: ['-x264-params', 'intra-refresh=1:keyint=10'],
		jumps: false,
	},
	{ proves: 'H.264', file: 'a.mov', encoder: 'libx264', options: bFrames },
	{ proves: 'H.264', file: 'a.avi', encoder: 'libx264', options: ['-bf', '0'] },
	{
		proves: 'H.264 in avi with B-frames, which have no times',
		file: 'a.avi',
		encoder: 'libx264',
		options: bFrames,
		jumps: false,
	},
	{ proves: 'a transport stream has no index', file: 'a.ts', encoder: 'libx264', jumps: false },
	{
		proves: 'HEVC, open groups',
		file: 'a.mp4',
		encoder: 'libx265',
		options: x265('keyint=10:min-keyint=10:scenecut=0:open-gop=1:bframes=3:b-adapt=0'),
	},
	{
		proves: 'HEVC, closed groups',
		file: 'a.mkv',
		encoder: 'libx265',
		options: x265('keyint=10:min-keyint=10:scenecut=0:open-gop=0:bframes=3:b-adapt=0'),
	},
	{
		proves: 'VP9 with hidden frames',
		file: 'a.webm',
		encoder: 'libvpx-vp9',
		options: ['-deadline', 'good', '-cpu-used', '8', '-auto-alt-ref', '1', '-lag-in-frames', '16'],
	},
	{
		proves: 'VP9',
		file: 'a.mp4',
		encoder: 'libvpx-vp9',
		options: ['-deadline', 'realtime', '-cpu-used', '8'],
	},
	{
		proves: 'AV1 with hidden frames',
		file: 'a.mp4',
		encoder: 'libaom-av1',
		blind: true,
		options: ['-cpu-used', '8', '-row-mt', '0', '-threads', '1', '-lag-in-frames', '12'],
	},
	{
		proves: 'AV1',
		file: 'a.mkv',
		encoder: 'libaom-av1',
		blind: true,
		options: ['-cpu-used', '8', '-usage', 'realtime', '-row-mt', '0', '-threads', '1'],
	},
	{ proves: 'MPEG-4', file: 'a.avi', encoder: 'mpeg4', blind: true },
	{ proves: 'MPEG-4 with B-frames', file: 'a.mp4', encoder: 'mpeg4', blind: true, options: ['-bf', '2'] },
	{
		proves: 'MPEG-4 with B-frames in avi, which have no times',
		file: 'a.avi',
		encoder: 'mpeg4',
		options: ['-bf', '2'],
		jumps: false,
	},
	{ proves: 'Motion JPEG', file: 'a.avi', encoder: 'mjpeg', blind: true, options: ['-pix_fmt', 'yuvj420p'] },
	{ proves: 'Motion JPEG', file: 'a.mkv', encoder: 'mjpeg', blind: true, options: ['-pix_fmt', 'yuvj420p'] },
	{ proves: 'ProRes', file: 'a.mov', encoder: 'prores', blind: true },
	{
		proves: 'VP8, whose hidden frames are packets',
		file: 'a.webm',
		encoder: 'libvpx',
		options: ['-deadline', 'good', '-cpu-used', '8', '-auto-alt-ref', '1', '-lag-in-frames', '16'],
		jumps: false,
	},
	{
		proves: 'uneven times on a coarse clock',
		file: 'a.mkv',
		encoder: 'libx264',
		make: (path) => {
			const uneven = ['-vf', "select='not(mod(n,3))+not(mod(n,5))'", ...passthrough];
			return ffmpeg(...testPicture('96x64', 30, 257), ...uneven, ...x264, ...bFrames, path);
		},
	},
	{
		proves: 'uneven times on a fine clock',
		file: 'a.mp4',
		encoder: 'libx264',
		make: (path) => {
			const jitter = ['-vf', 'settb=1/90000,setpts=N*3003+mod(N*N*37\\,1201)', ...passthrough];
			const clock = ['-enc_time_base', '1:90000', '-video_track_timescale', '90000'];
			return ffmpeg(...testPicture('96x64', 30, FRAMES), ...jitter, ...clock, ...x264, ...bFrames, path);
		},
	},
	{
		proves: 'a start that is not zero',
		file: 'a.mkv',
		encoder: 'libx264',
		options: [...bFrames, '-output_ts_offset', '12.5'],
	},
	{
		proves: 'an edit list hides frames at the start',
		file: 'a.mp4',
		encoder: 'libx264',
		make: async (path, at) => {
			await ffmpeg(...testPicture('96x64', 25, FRAMES + 8), ...x264, ...bFrames, at('whole.mp4'));
			await ffmpeg('-ss', '0.32', '-i', at('whole.mp4'), '-c', 'copy', path);
		},
	},
	{
		proves: 'a turned picture',
		file: 'a.mp4',
		encoder: 'libx264',
		make: async (path, at) => {
			await ffmpeg(...testPicture('96x64', 25, FRAMES), ...x264, at('plain.mp4'));
			const copy = ['-i', at('plain.mp4'), '-c', 'copy', '-metadata:s:v:0', 'rotate=90', path];
			await ffmpeg('-display_rotation', '90', ...copy).catch(() => ffmpeg(...copy));
		},
	},
	{
		proves: 'sound beside it, of other packets and times',
		file: 'a.mp4',
		encoder: 'libx264',
		make: (path) => {
			const sound = ['-f', 'lavfi', '-i', 'sine=d=4.8', '-c:a', 'aac'];
			return ffmpeg(...testPicture('96x64', 25, FRAMES), ...sound, ...x264, ...bFrames, path);
		},
	},
	{
		proves: 'one key frame alone',
		file: 'a.mp4',
		encoder: 'libx264',
		options: ['-g', '1000'],
		jumps: false,
	},
];

describe('a range far into a file is what decoding from the start gives there', () => {
	for (const row of rows) {
		it.skipIf(!encoders.has(row.encoder))(`${row.proves} (${row.encoder} to ${row.file})`, () =>
			withFolder(async (folder) => {
				const path = join(folder, row.file);
				if (row.make) await row.make(path, (name) => join(folder, name));
				else {
					const codec = row.encoder === 'libx264' ? x264 : ['-c:v', row.encoder, '-g', '10'];
					await ffmpeg(...testPicture('96x64', 25, FRAMES), ...codec, ...(row.options ?? []), path);
				}
				const video = await probeVideo(path);
				const whole = (await read(video)).frames;
				expect(whole).toHaveLength(FRAMES);
				const rising = (i: number) => whole[i]!.timeSeconds;
				const readings: { range: FrameRange; startAfterFrame?: number; picks: number[] }[] = [
					{ range: { from: { frame: 87 }, to: { frame: 89 }, every: 1 }, picks: [87, 88, 89] },
					{ range: { from: { frame: 90 }, to: null, every: 9 }, picks: [90, 99, 108, 117] },
					{
						range: { from: { seconds: rising(83) }, to: { seconds: rising(86) }, every: 1 },
						picks: [83, 84, 85, 86],
					},
					{
						range: { from: { frame: 4 }, to: { frame: 100 }, every: 7 },
						startAfterFrame: 85,
						picks: [88, 95],
					},
					{
						range: { from: { seconds: rising(3) }, to: { seconds: rising(99) }, every: 6 },
						startAfterFrame: 87,
						picks: [93, 99],
					},
				];
				for (const { picks, ...options } of readings) {
					const before = options.startAfterFrame ?? picks[0]! - 1;
					const known = row.blind ? [{ frame: before, seconds: rising(before) }] : [];
					if (row.blind) {
						expect((await read(video, options)).frames).toEqual(picks.map((i) => whole[i]));
						expect(decodings.at(-1)!.jumps).toBe(false);
					}
					decodings.splice(0);
					const { frames, summary } = await read(video, { ...options, known });
					expect(frames).toEqual(picks.map((i) => whole[i]));
					const end = options.range.to === null ? FRAMES : picks.at(-1)! + 1;
					expect(summary.framesDecoded).toBeGreaterThanOrEqual(end);
					expect(summary).toMatchObject({ framesRead: picks.length, framesLost: 0, warnings: [] });
					// Two groups lie before a range, and as many again where ffmpeg lands further back.
					if (row.jumps ?? true) {
						expect(decodings).toHaveLength(1);
						expect(decodings[0]!.jumps).toBe(true);
						if (options.range.to === null) expect(decodings[0]!.frames).toBeLessThanOrEqual(75);
					} else expect(decodings.at(-1)!.jumps).toBe(false);
				}
			}),
		);
	}
});

describe('where packets do not tell the frames, decoding begins at the start', () => {
	const far: FrameRange = { from: { frame: 90 }, to: { frame: 93 }, every: 1 };

	/** Noise over a part of the file, which need not be what is read. */
	async function spoil(path: string, from: number, to: number): Promise<void> {
		const bytes = await readFile(path);
		for (let i = Math.floor(bytes.length * from); i < bytes.length * to; i++) bytes[i] = (i * 37) & 255;
		await writeFile(path, bytes);
	}

	it.each([
		{ name: 'a.mp4', codec: [...x264, '-movflags', '+faststart'] },
		{ name: 'a.mkv', codec: x264 },
		{ name: 'a.mkv', codec: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'] },
	])('damage in $name before the range', ({ name, codec }) =>
		withFolder(async (folder) => {
			const path = join(folder, name);
			await ffmpeg(...testPicture('160x96', 25, FRAMES), ...codec, path);
			await spoil(path, 0.3, 0.36);
			const video = await probeVideo(path);
			const whole = (await read(video)).frames;
			expect(whole.length).toBeLessThan(FRAMES);
			const { frames } = await read(video, { range: far });
			expect(frames).toEqual(whole.slice(90, 94));
		}),
	);

	it('damage between the key frame and the range', () =>
		withFolder(async (folder) => {
			const path = join(folder, 'a.avi');
			await ffmpeg(...testPicture('160x96', 25, FRAMES), '-c:v', 'mpeg4', '-g', '10', path);
			await spoil(path, 0.7, 0.74);
			const video = await probeVideo(path);
			const whole = (await read(video)).frames;
			expect(whole.length).toBeLessThan(FRAMES);
			const known = [{ frame: 89, seconds: 89 / 25 }]; // from when the file was whole
			expect((await read(video, { range: far, known })).frames).toEqual(whole.slice(90, 94));
			expect(decodings.map((decoding) => decoding.jumps)).toContain(true);
		}));

	it('frames that were known before and say otherwise', () =>
		withFolder(async (folder) => {
			const path = join(folder, 'a.mp4');
			await ffmpeg(...testPicture('96x64', 25, FRAMES), ...x264, path);
			const video = await probeVideo(path);
			const reading = async (known: ReadOptions['known']) => {
				decodings.splice(0);
				const { frames } = await read(video, { range: far, ...(known && { known }) });
				expect(frames.map((frame) => frame.index)).toEqual([90, 91, 92, 93]);
				return decodings.map((decoding) => decoding.jumps);
			};
			expect(await reading([{ frame: 10, seconds: 0.4 }])).toEqual([true]);
			expect(await reading([{ frame: 9, seconds: 0.4 }])).toEqual([false]);
			expect(await reading([{ frame: 100, seconds: 0.4 }])).toEqual([true]); // not needed to reach the range
		}));

	it('a range behind the end is refused as ever', () =>
		withFolder(async (folder) => {
			const path = join(folder, 'a.mp4');
			await ffmpeg(...testPicture('96x64', 25, FRAMES), ...x264, path);
			const video = await probeVideo(path);
			const range: FrameRange = { from: { frame: FRAMES }, to: null, every: 1 };
			await expect(read(video, { range })).rejects.toMatchObject({ code: 'bad-range' });
		}));
});
