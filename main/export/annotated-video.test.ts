import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadImage } from '@napi-rs/canvas';
import { describe, expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { FrameRange } from '../domain/video.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { readFrameTimes } from '../video/frame-times.ts';
import { identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';
import { ffmpeg, probeFrames } from '../video/test-videos.fixture.ts';
import { annotatedVideo } from './annotated-video.ts';
import { inTemporaryFolder, storeSampleRun, walker, type SampleRun } from './run.fixture.ts';
import { report } from './report.ts';
import { still } from './still.ts';

const ffprobe = promisify(execFile);

/** 12 frames of uneven lengths, the first at 1.5 s, with a tone; and their times. */
const TIMES = [0, 1, 2, 3, 5, 6, 10, 11, 12, 13, 15, 16].map((tick) => 1.5 + tick / 10);
const VIDEO_END = 3.2; // as long as the frame before the last

async function makeClip(path: string): Promise<void> {
	const uneven = 'setpts=round((N+gte(N\\,4)+3*gte(N\\,6)+gte(N\\,10)+15)/10/TB)';
	// prettier-ignore
	await ffmpeg(
		'-f', 'lavfi', '-i', `testsrc2=s=64x48:r=10,trim=end_frame=12,${uneven}`,
		'-f', 'lavfi', '-i', 'sine=f=440:d=1.8',
		'-filter_complex', '[1:a]asetpts=PTS+1.5/TB[a]', '-map', '0:v', '-map', '[a]',
		'-fps_mode', 'passthrough', '-copyts', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '6',
		'-pix_fmt', 'yuv420p', '-c:a', 'aac', path,
	);
}

async function runOf(folder: string, name: string, path: string, sample: SampleRun = {}): Promise<StoredRun> {
	const video = await probeVideo(path);
	const videoIdentity = await identifyVideo(path);
	return storeSampleRun(join(folder, name), {
		timeOf: (i) => TIMES[i]!,
		...sample,
		header: { video, videoIdentity, ...sample.header },
	});
}

/** The clip, made once; a test gets a copy of its own. */
let clipBytes: Buffer | null = null;

async function withClip(test: (folder: string, path: string) => Promise<void>): Promise<void> {
	await inTemporaryFolder(async (folder) => {
		const path = join(folder, 'street.mkv');
		if (clipBytes) await writeFile(path, clipBytes);
		else await makeClip(path);
		clipBytes ??= await readFile(path);
		await test(folder, path);
	});
}

async function exportClip(
	runs: StoredRun[],
	out: string,
	settings: SettingValues = {},
	range: FrameRange | null = null,
): Promise<void> {
	const labels = runs.map((run) => run.header.mode);
	await annotatedVideo.write({ runs, labels, out, range, settings: { crf: 10, ...settings } });
}

async function times(path: string): Promise<number[]> {
	return (await probeFrames(path)).map(({ seconds }) => Number(seconds.toFixed(4)));
}

const fromFirst = (indices: number[]) =>
	indices.map((i) => Number((TIMES[i]! - TIMES[indices[0]!]!).toFixed(4)));

describe('annotated video', () => {
	it('has every frame of the source at its time, with the sound, in a form that browsers play', async () => {
		await withClip(async (folder, path) => {
			const out = join(folder, 'new folder', 'clip.mp4');
			const seen: number[] = [];
			const runs = [await runOf(folder, 'run', path)];
			await annotatedVideo.write({
				runs,
				labels: ['token cache'],
				out,
				range: null,
				settings: {},
				onProgress: (done, total) => seen.push(done / total),
			});
			expect(await times(out)).toEqual(fromFirst([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
			expect(seen).toHaveLength(12);
			expect(seen.at(-1)).toBe(1);
			const entries = 'stream=codec_name,pix_fmt,width,height,start_time,duration';
			const { stdout } = await ffprobe('ffprobe', [
				'-v',
				'error',
				'-show_entries',
				entries,
				'-of',
				'json',
				out,
			]);
			const [video, audio] = JSON.parse(stdout).streams;
			expect(video).toMatchObject({ codec_name: 'h264', pix_fmt: 'yuv420p' });
			expect(audio.codec_name).toBe('aac');
			expect(Math.abs(Number(audio.duration) - (VIDEO_END - 1.5))).toBeLessThan(0.06);
			const bytes = await readFile(out);
			expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
		});
	});

	it.each<[string, FrameRange | null, SettingValues, SampleRun, number[]]>([
		['a range of frames', { from: { frame: 4 }, to: { frame: 6 }, every: 1 }, {}, {}, [4, 5, 6]],
		['a range in seconds', { from: { seconds: 2.0 }, to: { seconds: 2.55 }, every: 1 }, {}, {}, [4, 5, 6]],
		['every third of a range', { from: { frame: 1 }, to: null, every: 3 }, {}, {}, [1, 4, 7, 10]],
		['frames between analysed ones', null, {}, { every: 5 }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
		['only analysed ones', null, { between: 'skip' }, { every: 5 }, [0, 5, 10]],
		['as far as a cancelled run came', null, {}, { frames: 7, state: 'cancelled' }, [0, 1, 2, 3, 4, 5, 6]],
		[
			'what lies behind a run that was cancelled',
			{ from: { frame: 5 }, to: null, every: 1 },
			{},
			{ frames: 7, state: 'cancelled' },
			[5, 6, 7, 8, 9, 10, 11],
		],
	])('shows %s', async (_what, range, settings, sample, expected) => {
		await withClip(async (folder, path) => {
			const out = join(folder, 'clip.mp4');
			await exportClip([await runOf(folder, 'run', path, sample)], out, { sound: false, ...settings }, range);
			expect(await times(out)).toEqual(fromFirst(expected));
		});
	});

	it.each([2, 3, 4])('puts %i runs side by side', async (count) => {
		await withClip(async (folder, path) => {
			const modes = ['dense', 'token-cache', 'sparse', 'motion'].slice(0, count);
			const runs = [];
			for (const mode of modes) runs.push(await runOf(folder, mode, path, { mode }));
			const out = join(folder, 'clip.mp4');
			await exportClip(runs, out);
			const [frame] = await probeFrames(out);
			expect(frame!.width).toBeGreaterThanOrEqual(128);
			expect(frame!.height).toBeGreaterThanOrEqual(count > 2 ? 96 : 48);
			expect(await times(out)).toHaveLength(12);
		});
	});

	it('scales large pictures down', async () => {
		await withClip(async (folder, path) => {
			const out = join(folder, 'clip.mp4');
			const big = join(folder, 'big.mp4');
			await ffmpeg('-i', path, '-an', '-vf', 'scale=640:480', '-copyts', '-fps_mode', 'passthrough', big);
			await exportClip([await runOf(folder, 'run', big)], out, { maxPaneWidth: 320, strip: false });
			expect((await probeFrames(out))[0]!.width).toBe(320);
		});
	});

	it('scales what is larger than encoders take, and says so', async () => {
		await withClip(async (folder) => {
			const tall = join(folder, 'tall.mkv');
			await ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=64x16400:r=25:d=0.1', '-c:v', 'ffv1', tall);
			const run = await runOf(folder, 'run', tall, { frames: 2 });
			const out = join(folder, 'clip.mp4');
			const remarks: string[] = [];
			const request = { runs: [run], labels: ['run'], out, range: null, settings: {} };
			await annotatedVideo.write({ ...request, onRemark: (remark) => remarks.push(remark) });
			expect((await probeFrames(out))[0]!.height).toBeLessThanOrEqual(16384);
			expect(remarks).toEqual([
				expect.stringMatching(/^the pictures are 6\d × 16\d{3} pixels, not 64 × 16400, for H\.264/),
			]);
		});
	});

	it.each([
		['cancelled half-way', 3, 'cancelled'],
		['cancelled before the first frame', 0, 'cancelled'],
	])('leaves nothing behind and the older file alone when %s', async (_what, after, code) => {
		await withClip(async (folder, path) => {
			const run = await runOf(folder, 'run', path);
			const out = join(folder, 'clip.mp4');
			await writeFile(out, 'older');
			const abort = new AbortController();
			if (after === 0) abort.abort();
			const writing = annotatedVideo.write({
				runs: [run],
				labels: [''],
				out,
				range: null,
				settings: {},
				signal: abort.signal,
				onProgress: (done) => done === after && abort.abort(),
			});
			await expect(writing).rejects.toMatchObject({ code });
			expect(await readFile(out, 'utf8')).toBe('older');
			expect((await readdir(folder)).sort()).toEqual(['clip.mp4', 'run', 'street.mkv']);
		});
	});

	it('shows what was analysed of a recording that has grown since, without frames that had wrong numbers', async () => {
		await withClip(async (folder, path) => {
			const { ptsSeconds: times } = await readFrameTimes(await probeVideo(path), undefined);
			const cut = { frames: 7, timeOf: (i: number) => times[i === 6 ? 8 : i]! };
			const whole = await readFile(path);
			await writeFile(path, whole.subarray(0, Math.floor(0.6 * whole.length)));
			const run = await runOf(folder, 'run', path, cut);
			await writeFile(path, whole);
			const out = join(folder, 'clip.mp4');
			await exportClip([run], out);
			expect((await readFrameTimes(await probeVideo(out), undefined)).ptsSeconds).toHaveLength(6);
		});
	});

	it('refuses the source as target, another video under the name, runs of two videos, too many runs', async () => {
		await withClip(async (folder, path) => {
			const run = await runOf(folder, 'run', path);
			const wrongEdges = { fileBytes: 1, edgesSha256: 'f'.repeat(64) };
			const other = await runOf(folder, 'other', path, { header: { videoIdentity: wrongEdges } });
			const out = join(folder, 'clip.mp4');
			const refusal = (code: string, part: string) => ({ code, message: expect.stringContaining(part) });
			await expect(exportClip([run], path)).rejects.toMatchObject(refusal('bad-argument', 'source video'));
			await expect(exportClip([other], out)).rejects.toMatchObject(refusal('bad-argument', 'another file'));
			await expect(exportClip([run, other], out)).rejects.toMatchObject(
				refusal('bad-argument', 'same video'),
			);
			const five = [run, run, run, run, run];
			await expect(exportClip(five, out)).rejects.toMatchObject(refusal('bad-argument', 'got 5'));
			const empty = { from: { frame: 50 }, to: null, every: 1 };
			await expect(exportClip([run], out, {}, empty)).rejects.toMatchObject({ code: 'bad-range' });
			expect((await readdir(folder)).sort()).toEqual(['other', 'run', 'street.mkv']);
		});
	});
});

describe('still', () => {
	it.each<[string, FrameRange | null]>([
		['the first analysed frame', null],
		['a frame by its index', { from: { frame: 7 }, to: null, every: 1 }],
		['a frame by its time', { from: { seconds: 2.3 }, to: null, every: 1 }],
	])('writes %s as a PNG', async (_what, range) => {
		await withClip(async (folder, path) => {
			const run = await runOf(folder, 'run', path);
			const out = join(folder, 'still.png');
			await still.write({ runs: [run, run], labels: ['a', 'b'], out, range, settings: { heat: 'history' } });
			const { width, height } = await loadImage(await readFile(out));
			expect(width).toBeGreaterThanOrEqual(128);
			expect(height).toBeGreaterThan(48);
		});
	});

	it('says when there is no such frame', async () => {
		await withClip(async (folder, path) => {
			const run = await runOf(folder, 'run', path);
			const range = { from: { frame: 99 }, to: null, every: 1 };
			const writing = still.write({
				runs: [run],
				labels: ['a'],
				out: join(folder, 'a.png'),
				range,
				settings: {},
			});
			await expect(writing).rejects.toMatchObject({ code: 'bad-range' });
		});
	});
});

describe('the pictures of a report', () => {
	it('show where runs agree least, and a contact sheet; none where they are not wanted', async () => {
		await withClip(async (folder, path) => {
			const dense = await runOf(folder, 'dense', path, { mode: 'dense' });
			const lost = { detectionsOf: (i: number) => (i === 5 ? Detections.none : walker(i)) };
			const reduced = await runOf(folder, 'reduced', path, lost);
			const out = join(folder, 'report.html');
			const request = { runs: [dense, reduced], labels: ['dense', 'reduced'], out, range: null };
			await report.write({ ...request, settings: {} });
			const text = await readFile(out, 'utf8');
			const captions = [...text.matchAll(/<img[^>]*alt="([^"]*)"/g)].map(([, caption]) => caption!);
			expect(captions[0]).toMatch(/^frame 5, .*: agreement F1 0\.000, 1 lost, 0 gained$/);
			expect(captions.slice(1).map((caption) => caption.split(',')[0])).toEqual(
				TIMES.map((_, i) => `frame ${i}`),
			);
			expect(text.match(/src="data:image\/webp;base64,/g)).toHaveLength(13);

			await report.write({ ...request, settings: { pictures: false } });
			expect(await readFile(out, 'utf8')).not.toContain('<img');
		});
	});
});
