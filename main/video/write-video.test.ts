import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readFrameTimes } from './frame-times.ts';
import { probeVideo } from './probe.ts';
import { readFrames } from './read-frames.ts';
import {
	ffmpeg,
	ffmpegChildren,
	microseconds,
	probeFrames,
	unscaled,
	withFolder,
} from './test-videos.fixture.ts';
import type { WriteOptions } from './write-video.ts';
import { isCutOff, openVideoWriter, writeFailure } from './write-video.ts';
import { WHOLE_VIDEO } from '../domain/video.ts';

const run = promisify(execFile);
const TICK = 1 / 90_000;
const size = { width: 32, height: 16 };

async function writeVideo(
	options: Partial<WriteOptions> & { path: string; timesSeconds: Float64Array },
): Promise<void> {
	const { width, height } = options.size ?? size;
	const writer = await openVideoWriter({ size, endSeconds: null, audioFrom: null, ...options });
	const frame = new Uint8Array(4 * width * height);
	for (let i = 0; i < options.timesSeconds.length; i++) {
		frame.fill((i * 40) & 255);
		await writer.write(frame);
	}
	await writer.finish();
}

function times(count: number, at: (i: number) => number): Float64Array {
	return Float64Array.from({ length: count }, (_, i) => at(i));
}

// Uneven like a phone's camera: 60 frames a second, some late, some missing.
function jittery(count: number): Float64Array {
	let now = 3.25;
	return times(count, (i) => (now += ((i * 7919) % 11 === 0 ? 3 : 1) / 60 + ((i * 104729) % 97) * 1e-5));
}

describe('each frame keeps its distance to the first one within a tick of 1/90000 s', () => {
	it.each([
		{ proves: 'a steady 25', timesSeconds: times(50, (i) => i / 25) },
		{ proves: '29.97', timesSeconds: times(300, (i) => (i * 1001) / 30_000) },
		{ proves: 'a start far from zero', timesSeconds: times(30, (i) => 7200.04 + i / 25) },
		{
			proves: 'a clock of milliseconds',
			timesSeconds: times(200, (i) => Math.round((i * 1000) / 29.97) / 1000),
		},
		{ proves: '2000 uneven frames', timesSeconds: jittery(2000) },
		{ proves: 'a single frame', timesSeconds: times(1, () => 5) },
	])('$proves', ({ timesSeconds }) =>
		withFolder(async (folder) => {
			const path = join(folder, 'out.mp4');
			await writeVideo({ path, timesSeconds });
			const written = await probeFrames(path);
			expect(written).toHaveLength(timesSeconds.length);
			written.forEach(({ seconds }, i) => {
				const off = Math.abs(seconds - (timesSeconds[i]! - timesSeconds[0]!));
				expect(off, `frame ${i} is ${off} s off`).toBeLessThanOrEqual(TICK + 1e-6);
			});
			expect(await readdir(folder)).toEqual(['out.mp4']);
		}),
	);

	it('frames with equal times are set one tick apart, so that none is lost', () =>
		withFolder(async (folder) => {
			const path = join(folder, 'out.mp4');
			await writeVideo({ path, timesSeconds: Float64Array.of(0, 0.04, 0.04, 0.08) });
			const written = (await probeFrames(path)).map((frame) => frame.seconds);
			expect(written).toEqual(microseconds([0, 0.04, 0.04 + TICK, 0.08]));
		}));

	it.each([
		{ endSeconds: 1.5, lasts: 0.5 },
		{ endSeconds: null, lasts: 0.5 },
	])('with its end at $endSeconds the file lasts $lasts s', ({ endSeconds, lasts }) =>
		withFolder(async (folder) => {
			const path = join(folder, 'out.mp4');
			await writeVideo({ path, timesSeconds: Float64Array.of(1, 1.25), endSeconds });
			const { durationSeconds } = await probeVideo(path);
			expect(durationSeconds).toBeCloseTo(lasts, 3);
		}),
	);
});

describe('the file is one that browsers play', () => {
	it('H.264 High, yuv420p, bt709, index before the data; odd sides padded; colours kept', () =>
		withFolder(async (folder) => {
			const path = join(folder, '-odd: 100%.mp4');
			const odd = { width: 33, height: 17 };
			const red = new Uint8Array(4 * 33 * 17).map((_, i) => [200, 40, 60, 255][i % 4]!);
			const options = { path, size: odd, timesSeconds: Float64Array.of(0), endSeconds: 0.1, audioFrom: null };
			const writer = await openVideoWriter({ ...options, crf: 5 });
			await writer.write(red);
			await writer.finish();

			const video = await probeVideo(path);
			expect(video).toMatchObject({
				codec: 'h264',
				pixelFormat: 'yuv420p',
				codedSize: { width: 34, height: 18 },
			});
			const entries = 'stream=color_space,color_range,profile';
			const { stdout } = await run('ffprobe', [
				'-v',
				'error',
				'-show_entries',
				entries,
				'-of',
				'json',
				`file:${path}`,
			]);
			expect(JSON.parse(stdout)).toMatchObject({
				streams: [{ color_space: 'bt709', color_range: 'tv', profile: 'High' }],
			});
			const trace = await run('ffprobe', ['-v', 'trace', `file:${path}`], { maxBuffer: 1 << 26 });
			expect(trace.stderr.indexOf("type:'moov'")).toBeLessThan(trace.stderr.indexOf("type:'mdat'"));
			expect(trace.stderr).toContain("type:'mdat'");

			const read = { range: WHOLE_VIDEO, letterbox: unscaled(video.displaySize), format: 'rgb24' } as const;
			for await (const frame of readFrames(video, read)) {
				[200, 40, 60].forEach((value, channel) => {
					expect(Math.abs(frame.pixels[channel]! - value), `channel ${channel}`).toBeLessThan(6);
				});
			}
		}));
});

describe('the sound of the span, in step with the pictures', () => {
	// The source beeps from 2.0 s to 2.2 s of its own clock, which starts at 10 s in the second row.
	it.each([
		{ proves: 'a span inside', offset: 0, from: 1, to: 3, beep: 1 },
		{ proves: 'a clock that starts at 10 s', offset: 10, from: 11.5, to: 13, beep: 0.5 },
		{ proves: 'a span that begins in the beep', offset: 0, from: 2.1, to: 3, beep: 0 },
		{
			proves: 'a span far into the file, reached by a jump',
			offset: 0,
			from: 9.5,
			to: 11,
			beep: 0.5,
			late: 8,
		},
	])('$proves', ({ offset, from, to, beep, late = 0 }) =>
		withFolder(async (folder) => {
			const source = join(folder, 'source.mkv');
			const start = 2 + late;
			const tone = `aevalsrc='if(between(t,${start},${start + 0.2}),sin(2*PI*1000*t),0)':s=48000:d=${start + 2}`;
			const picture = ['-f', 'lavfi', '-i', `color=s=32x16:r=25:d=${start + 2}`];
			const codecs = ['-c:v', 'mpeg4', '-c:a', 'pcm_s16le', '-output_ts_offset', String(offset)];
			await ffmpeg(...picture, '-f', 'lavfi', '-i', tone, ...codecs, source);

			const path = join(folder, 'out.mp4');
			const timesSeconds = times(Math.round((to - from) * 25), (i) => from + i / 25);
			const audioFrom = { path: source, fromSeconds: from, toSeconds: to };
			await writeVideo({ path, timesSeconds, endSeconds: to, audioFrom });

			const decode = [
				'-v',
				'error',
				'-i',
				path,
				'-map',
				'0:a:0',
				'-ac',
				'1',
				'-ar',
				'8000',
				'-f',
				's16le',
				'-',
			];
			const { stdout } = await run('ffmpeg', decode, { encoding: 'buffer', maxBuffer: 1 << 26 });
			const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1);
			const onset = samples.findIndex((sample) => Math.abs(sample) > 4000) / 8000;
			expect(Math.abs(onset - beep), `the beep is at ${onset} s`).toBeLessThan(0.012);
			expect(samples.length / 8000).toBeCloseTo(to - from, 1);
			expect(await probeFrames(path)).toHaveLength(timesSeconds.length);
		}),
	);

	it('a source without sound gives a silent file', () =>
		withFolder(async (folder) => {
			const source = join(folder, 'source.mp4');
			await writeVideo({ path: source, timesSeconds: times(5, (i) => i / 25) });
			const path = join(folder, 'out.mp4');
			const audioFrom = { path: source, fromSeconds: 0, toSeconds: 0.2 };
			await writeVideo({ path, timesSeconds: times(5, (i) => i / 25), audioFrom });
			expect(await probeVideo(path)).toMatchObject({ hasAudio: false, estimatedFrames: 5 });
		}));
});

describe('what was not finished leaves nothing behind', () => {
	it('abort ends ffmpeg and removes the file in the making', () =>
		withFolder(async (folder) => {
			const options = { path: join(folder, 'out.mp4'), size, endSeconds: null, audioFrom: null };
			const writer = await openVideoWriter({ ...options, timesSeconds: times(9, (i) => i) });
			await writer.write(new Uint8Array(4 * size.width * size.height));
			expect(await ffmpegChildren()).toHaveLength(1);
			await writer.abort();
			expect(await ffmpegChildren()).toEqual([]);
			expect(await readdir(folder)).toEqual([]);
		}));

	it('the signal does the same, and the next write says so', () =>
		withFolder(async (folder) => {
			const control = new AbortController();
			const options = { path: join(folder, 'out.mp4'), size, endSeconds: null, audioFrom: null };
			const timesSeconds = times(5000, (i) => i);
			const writer = await openVideoWriter({ ...options, timesSeconds, signal: control.signal });
			control.abort();
			const writeAll = async () => {
				for (let i = 0; i < timesSeconds.length; i++)
					await writer.write(new Uint8Array(4 * size.width * size.height));
			};
			await expect(writeAll()).rejects.toMatchObject({ code: 'cancelled' });
			expect(await ffmpegChildren()).toEqual([]);
			expect(await readdir(folder)).toEqual([]);
		}));

	it('an older file of that name stays until the new one is whole', () =>
		withFolder(async (folder) => {
			const path = join(folder, 'out.mp4');
			await writeVideo({ path, timesSeconds: times(5, (i) => i / 25) });
			const writer = await openVideoWriter({
				path,
				size,
				endSeconds: null,
				audioFrom: null,
				timesSeconds: times(9, (i) => i),
			});
			await writer.abort();
			expect((await readFrameTimes(await probeVideo(path))).ptsSeconds).toHaveLength(5);
		}));
});

describe('a place that cannot be written to', () => {
	const timesSeconds = Float64Array.of(0);

	it.each([
		['a folder that is not there', (folder: string) => join(folder, 'none', 'out.mp4')],
		['a folder in the place of the file', (folder: string) => join(folder, 'taken')],
		['a file in the place of the folder', (folder: string) => join(folder, 'file', 'out.mp4')],
	])('%s', (_, place) =>
		withFolder(async (folder) => {
			await mkdir(join(folder, 'taken'));
			await writeFile(join(folder, 'file'), 'x');
			const path = place(folder);
			const opening = openVideoWriter({ path, size, timesSeconds, endSeconds: null, audioFrom: null });
			await expect(opening).rejects.toMatchObject({
				code: 'output-not-writable',
				message: expect.stringContaining(path) as string,
			});
		}),
	);

	it.each([
		[
			'disk-full',
			[
				'[out#0/mp4 @ 0x1] [error] Error muxing a packet',
				'av_interleaved_write_frame(): No space left on device',
			],
		],
		['output-not-writable', ['file:/x/.out.mp4.1.partial: Permission denied']],
		['output-not-writable', ['file:/x/.out.mp4.1.partial: Read-only file system']],
		['ffmpeg-failed', ['[libx264 @ 0x1] [error] broken ffmpeg default settings detected']],
	])("ffmpeg's own words become %s", (code, lines) => {
		const error = writeFailure('/x/out.mp4', lines, new Error('the command line'));
		expect(error).toMatchObject({ code, message: expect.stringContaining('/x/out.mp4') as string });
		expect(error.message).not.toContain('command line');
		expect(String(error.cause)).toContain('command line');
	});

	it('a file whose end was not written is told of in the log alone', () => {
		const last = '[error] Error writing trailer of file:/x/.out.mp4.1.partial: No space left on device';
		expect(isCutOff(['[info] video:20kB', last, '[info] done'])).toBe(true);
		expect(isCutOff(['[info] video:20kB', '[warning] Last message repeated 1 times'])).toBe(false);
	});
});
