import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DecodeSummary, VideoInfo } from '../domain/video.ts';
import { WHOLE_VIDEO } from '../domain/video.ts';
import { readFrameTimes } from './frame-times.ts';
import { probeVideo } from './probe.ts';
import { readFrames } from './read-frames.ts';
import {
	availableEncoders,
	ffmpeg,
	microseconds,
	probeFrames,
	testPicture,
	unscaled,
	withFolder,
} from './test-videos.fixture.ts';

const encoders = await availableEncoders();

type Row = {
	proves: string;
	file: string;
	encoder: string;
	/** Makes the file; `at` gives paths in a folder for what has to be made on the way. */
	make: (path: string, at: (name: string) => string) => Promise<void>;
	info?: Partial<VideoInfo>;
	/** How many frames decode; by default what was put in. */
	frames: number;
};

const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-threads', '1'];
const plain = (encoder: string, ...options: string[]) => ({
	encoder,
	frames: 24,
	make: (path: string) => ffmpeg(...testPicture('96x64', 25, 24), '-c:v', encoder, ...options, path),
});

const rows: Row[] = [
	{
		proves: 'H.264 in mp4',
		file: 'a.mp4',
		...plain('libx264', '-pix_fmt', 'yuv420p'),
		info: { codec: 'h264' },
	},
	{
		proves: 'H.264 with B-frames comes out in order of presentation',
		file: 'a.mp4',
		...plain('libx264', '-bf', '3', '-b_strategy', '0', '-g', '12', '-pix_fmt', 'yuv420p'),
	},
	{ proves: 'H.264 in mkv, times in milliseconds', file: 'a.mkv', ...plain('libx264', '-bf', '2') },
	{ proves: 'H.264 in mov', file: 'a.mov', ...plain('libx264') },
	{ proves: 'H.264 4:4:4 with 10 bits', file: 'a.mkv', ...plain('libx264', '-pix_fmt', 'yuv444p10le') },
	{
		proves: 'HEVC in mp4',
		file: 'a.mp4',
		...plain('libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:pools=1'),
		info: { codec: 'hevc' },
	},
	{
		proves: 'VP9 in webm, hidden frames not counted',
		file: 'a.webm',
		...plain(
			'libvpx-vp9',
			'-deadline',
			'good',
			'-cpu-used',
			'8',
			'-auto-alt-ref',
			'1',
			'-lag-in-frames',
			'16',
		),
		info: { codec: 'vp9' },
	},
	{
		proves: 'AV1 in mkv',
		file: 'a.mkv',
		...plain('libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-row-mt', '0', '-threads', '1'),
		info: { codec: 'av1' },
	},
	{ proves: 'MPEG-4 in avi', file: 'a.avi', ...plain('mpeg4'), info: { codec: 'mpeg4', container: 'avi' } },
	{
		proves: 'MPEG-4 with B-frames in avi, times in decoding order in the file',
		file: 'a.avi',
		...plain('mpeg4', '-bf', '2'),
	},
	{
		proves: 'packed B-frames, two pictures in one packet',
		file: 'a.avi',
		encoder: 'mpeg4',
		frames: 24,
		make: async (path, at) => {
			await ffmpeg(...testPicture('96x64', 25, 24), '-c:v', 'mpeg4', '-bf', '1', at('plain.avi'));
			await ffmpeg('-i', at('plain.avi'), '-c', 'copy', '-vtag', 'DIVX', path);
		},
	},
	{ proves: 'MS-MPEG-4 in avi', file: 'a.avi', ...plain('msmpeg4'), info: { codec: 'msmpeg4v3' } },
	{
		proves: 'Motion JPEG in avi',
		file: 'a.avi',
		...plain('mjpeg', '-pix_fmt', 'yuvj420p'),
		info: { codec: 'mjpeg' },
	},
	{ proves: 'ProRes in mov', file: 'a.mov', ...plain('prores'), info: { codec: 'prores' } },
	{
		proves: 'variable rate in mkv: each frame once, at its own time',
		file: 'a.mkv',
		encoder: 'libx264',
		frames: 22,
		make: (path) => {
			const uneven = ['-vf', "select='not(mod(n,3))+not(mod(n,5))'", '-fps_mode', 'passthrough'];
			return ffmpeg(...testPicture('96x64', 30, 47), ...uneven, ...x264, path);
		},
	},
	{
		proves: 'variable rate in mp4 with jitter on a fine clock',
		file: 'a.mp4',
		encoder: 'libx264',
		frames: 30,
		make: (path) => {
			const jitter = ['-vf', 'settb=1/90000,setpts=N*3003+mod(N*N*37\\,1201)', '-fps_mode', 'passthrough'];
			// prettier-ignore
			return ffmpeg(
				...testPicture('96x64', 30, 30),
				...jitter,
				'-enc_time_base', '1:90000', '-video_track_timescale', '90000',
				...x264,
				path,
			);
		},
	},
	{
		proves: '29.97 frames a second are not rounded',
		file: 'a.mp4',
		encoder: 'libx264',
		frames: 30,
		make: (path) => ffmpeg(...testPicture('96x64', '30000/1001', 30), ...x264, path),
		info: { nominalFramesPerSecond: 30000 / 1001 },
	},
	{
		proves: 'a start that is not zero is kept',
		file: 'a.mkv',
		encoder: 'libx264',
		frames: 20,
		make: (path) => ffmpeg(...testPicture('96x64', 25, 20), ...x264, '-output_ts_offset', '12.5', path),
		info: { startSeconds: 12.5 },
	},
	{
		proves: 'a transport stream starts where its clock stands',
		file: 'a.ts',
		encoder: 'libx264',
		frames: 20,
		make: (path) => ffmpeg(...testPicture('96x64', 25, 20), ...x264, path),
	},
	{
		proves: 'an edit list hides frames that the file still counts',
		file: 'a.mp4',
		encoder: 'libx264',
		frames: 32, // the cut starts in the middle of a group of 20
		make: async (path, at) => {
			await ffmpeg(...testPicture('96x64', 25, 40), ...x264, '-g', '20', at('whole.mp4'));
			await ffmpeg('-ss', '0.32', '-i', at('whole.mp4'), '-c', 'copy', path);
		},
		info: { estimatedFrames: 40 },
	},
	{
		proves: 'wide pixels widen the picture',
		file: 'a.mp4',
		encoder: 'libx264',
		frames: 5,
		make: (path) => ffmpeg(...testPicture('90x64', 25, 5), '-vf', 'setsar=16/15', ...x264, path),
		info: { sampleAspectRatio: 16 / 15, displaySize: { width: 96, height: 64 } },
	},
	{
		proves: 'tall pixels heighten it, also when turned',
		file: 'a.mkv',
		encoder: 'libx264',
		frames: 5,
		make: (path) => ffmpeg(...testPicture('96x64', 25, 5), '-vf', 'setsar=1/2', ...x264, path),
		info: { sampleAspectRatio: 0.5, displaySize: { width: 96, height: 128 } },
	},
	{
		proves: 'odd sizes',
		file: 'a.mkv',
		encoder: 'libx264',
		frames: 5,
		make: (path) =>
			ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=97x63:r=25:d=0.2', ...x264, '-pix_fmt', 'yuv444p', path),
		info: { displaySize: { width: 97, height: 63 } },
	},
	{
		proves: 'sound is seen and does not disturb',
		file: 'a.mp4',
		encoder: 'libx264',
		frames: 10,
		make: (path) =>
			ffmpeg(
				...testPicture('96x64', 25, 10),
				'-f',
				'lavfi',
				'-i',
				'sine=d=0.4',
				...x264,
				'-c:a',
				'aac',
				path,
			),
		info: { hasAudio: true },
	},
	{
		proves: 'a picture that changes its size half way keeps its count and times',
		file: 'a.ts',
		encoder: 'libx264',
		frames: 20,
		make: async (path, at) => {
			await ffmpeg(...testPicture('96x64', 25, 10), ...x264, '-f', 'mpegts', at('one.ts'));
			const later = ['-output_ts_offset', '0.4'];
			await ffmpeg(...testPicture('128x96', 25, 10), ...x264, ...later, '-f', 'mpegts', at('two.ts'));
			await ffmpeg('-i', `concat:${at('one.ts')}|${at('two.ts')}`, '-c', 'copy', '-f', 'mpegts', path);
		},
	},
];

describe('every frame once, with its index and its own time, as ffprobe reads them', () => {
	for (const row of rows) {
		it.skipIf(!encoders.has(row.encoder))(`${row.proves} (${row.encoder} to ${row.file})`, () =>
			withFolder(async (folder) => {
				const path = join(folder, row.file);
				await row.make(path, (name) => join(folder, name));
				const expected = (await probeFrames(path)).map((frame) => frame.seconds);
				// An avi with B-frames says no time for its last picture.
				if (Number.isNaN(expected.at(-1)))
					expected[expected.length - 1] = microseconds([expected.at(-2)! + 0.04])[0]!;
				expect(expected).toHaveLength(row.frames);

				const video = await probeVideo(path);
				expect(video).toMatchObject(row.info ?? {});
				const { ptsSeconds } = await readFrameTimes(video);
				expect(microseconds(ptsSeconds)).toEqual(expected);

				const read = await readAll(video);
				expect(microseconds(read.times)).toEqual(expected);
				expect(read.indices).toEqual(expected.map((_, i) => i));
				expect(read.summary).toEqual({
					framesRead: row.frames,
					framesDecoded: row.frames,
					framesLost: 0,
					warnings: [],
					clockRestarts: [],
					hardware: null,
				});
			}),
		);
	}
});

describe('a turn for display is applied to the pixels, and the probe tells the same turn', () => {
	// Files are marked by a tag up to ffmpeg 5 and by an option from 6 on, which count the other way round; so the
	// mark says which turn was meant, and the corner where the red box ends up says which one it is.
	it.each([90, 180, 270])('marked with %d degrees', (mark) =>
		withFolder(async (folder) => {
			const [plain, path] = [join(folder, 'plain.mp4'), join(folder, 'turned.mp4')];
			const boxed = 'color=blue:s=96x64:r=25:d=0.2,drawbox=0:0:32:20:red:fill';
			await ffmpeg('-f', 'lavfi', '-i', boxed, ...x264, plain);
			const copy = ['-i', plain, '-c', 'copy', '-metadata:s:v:0', `rotate=${mark}`, path];
			await ffmpeg('-display_rotation', String(mark), ...copy).catch(() => ffmpeg(...copy));

			const video = await probeVideo(path);
			expect(video.codedSize).toEqual({ width: 96, height: 64 });
			const { width, height } = video.displaySize;
			expect([width, height]).toEqual(mark === 180 ? [96, 64] : [64, 96]);
			const options = {
				range: WHOLE_VIDEO,
				letterbox: unscaled(video.displaySize),
				format: 'rgb24',
			} as const;
			for await (const { pixels } of readFrames(video, options)) {
				const isRed = (x: number, y: number) => pixels[3 * (y * width + x)]! > 200;
				const corners = [
					isRed(2, 2),
					isRed(width - 3, 2),
					isRed(width - 3, height - 3),
					isRed(2, height - 3),
				];
				expect(corners).toEqual([0, 90, 180, 270].map((turn) => turn === video.rotationDegrees));
				expect(video.rotationDegrees).not.toBe(0);
			}
		}),
	);
});

async function readAll(
	video: VideoInfo,
): Promise<{ times: number[]; indices: number[]; summary: DecodeSummary }> {
	const size = video.displaySize;
	const frames = readFrames(video, { range: WHOLE_VIDEO, letterbox: unscaled(size), format: 'rgb24' });
	const times: number[] = [];
	const indices: number[] = [];
	for (;;) {
		const next = await frames.next();
		if (next.done) return { times, indices, summary: next.value };
		expect(next.value.pixels).toHaveLength(3 * size.width * size.height);
		times.push(next.value.timeSeconds);
		indices.push(next.value.index);
	}
}
