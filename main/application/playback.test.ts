import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identifyVideo, identityKey } from '../video/identity.ts';
import {
	ffmpeg,
	ffprobe,
	makeClip,
	makeFolders,
	openPageSide,
	type PageSide,
} from './application.fixture.ts';
import { touch, trimFolder } from '../process/cache-folder.ts';
import { proxySize } from './playback-proxy.ts';

const folders = makeFolders();
const times = join(folders.cache, 'frame-times');
const copies = join(folders.cache, 'playback');

// Moving pictures whose frames differ; msmpeg4v3 in AVI is what no browser decodes.
const SOURCE = ['-f', 'lavfi', '-i', 'testsrc2=s=321x240:r=25,trim=end_frame=40'];
const CASES: [name: string, words: string[]][] = [
	['MS MPEG-4 in AVI', [...SOURCE, '-c:v', 'msmpeg4', 'old.avi']],
	['ProRes in MOV', [...SOURCE, '-c:v', 'prores_ks', '-profile:v', '0', 'edit.mov']],
	// Every third frame is left out, and the first one is not at zero.
	[
		'uneven times that do not begin at zero',
		[
			...SOURCE,
			'-vf',
			"select='mod(n,3)',setpts=PTS+1.5/TB",
			'-fps_mode',
			'vfr',
			'-c:v',
			'mpeg4',
			'-bf',
			'2',
			'uneven.mkv',
		],
	],
];

let page: PageSide;
const ids = new Map<string, { videoId: string; path: string }>();

beforeAll(async () => {
	const paths = CASES.map(([, words]) => {
		const path = join(folders.base, words.at(-1)!);
		ffmpeg(...words.slice(0, -1), path);
		return path;
	});
	page = await openPageSide(folders, { chooseVideos: () => Promise.resolve(paths) });
	const entries = await page.ask('video.choose', {});
	entries.forEach(({ videoId }, i) => ids.set(CASES[i]![0], { videoId, path: paths[i]! }));
});
afterAll(async () => {
	await page.application.close();
	folders.remove();
});

/** Times and kinds of all decoded frames, as ffprobe tells them. */
function probe(path: string): { seconds: number; kind: string; size: string }[] {
	const entries = 'frame=best_effort_timestamp_time,pict_type,width,height';
	const { frames } = ffprobe('-select_streams', 'v', '-show_entries', entries, path) as {
		frames: { best_effort_timestamp_time: string; pict_type: string; width: number; height: number }[];
	};
	return frames.map((frame) => ({
		seconds: Number(frame.best_effort_timestamp_time),
		kind: frame.pict_type,
		size: `${frame.width}x${frame.height}`,
	}));
}

/** What two videos show, as mean colour of 8 × 8 fields per frame: enough to tell frames apart, blind to coding. */
function look(path: string): Buffer {
	const filter = 'format=rgb24,scale=8:8:flags=area';
	return ffmpeg('-i', path, '-fps_mode', 'passthrough', '-vf', filter, '-f', 'rawvideo', '-');
}

describe.each(CASES.map(([name]) => name))('a copy of %s', (name) => {
	it('holds every frame, at its own time, and can be stepped through', async () => {
		const { videoId, path } = ids.get(name)!;
		expect(await page.application.mediaFile(videoId, 'proxy')).toBeNull();
		expect(await page.ask('video.prepareProxy', { videoId })).toEqual({ proxyUrl: null });
		const made = await page.hear(
			'proxy',
			(event) => event.videoId === videoId && (event.proxyUrl ?? event.error) !== null,
		);
		expect(made).toMatchObject({ error: null, proxyUrl: `media:proxy/${videoId}` });
		expect(made.done).toBe(made.total);

		const copy = (await page.application.mediaFile(videoId, 'proxy'))!;
		const [source, frames] = [probe(path), probe(copy)];
		expect(frames).toHaveLength(source.length);
		for (const [i, { seconds, size }] of frames.entries()) {
			expect(seconds).toBeCloseTo(source[i]!.seconds - source[0]!.seconds, 4);
			expect(size).toBe('320x240');
		}
		expect(frames.map(({ kind }) => kind).join('')).toMatch(/^(IP{0,11})+$/);
		const [seen, wanted] = [look(copy), look(path)];
		const difference = wanted.reduce((sum, value, i) => sum + Math.abs(value - seen[i]!), 0) / wanted.length;
		expect(difference).toBeLessThan(3);
		expect(seen.length).toBe(3 * 64 * source.length);
	});

	it('is there at once when it is asked for again, also by the next session', async () => {
		const { videoId, path } = ids.get(name)!;
		expect(await page.ask('video.prepareProxy', { videoId })).toEqual({ proxyUrl: `media:proxy/${videoId}` });
		const next = await openPageSide(folders, { chooseVideos: () => Promise.resolve([path]) });
		const [entry] = await next.ask('video.choose', {});
		expect((await next.ask('video.open', { videoId: entry!.videoId })).proxyUrl).not.toBeNull();
	});
});

describe('making a copy', () => {
	it('can be given up, and leaves nothing', async () => {
		const path = join(folders.base, 'larger.avi');
		ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=640x480:r=25,trim=end_frame=400', '-c:v', 'msmpeg4', path);
		const other = await openPageSide(folders, { chooseVideos: () => Promise.resolve([path]) });
		const [{ videoId } = { videoId: '' }] = await other.ask('video.choose', {});
		await other.ask('video.prepareProxy', { videoId });
		await other.hear('proxy', (event) => event.done > 0);
		await other.ask('video.cancelProxy', { videoId });
		const ended = await other.hear('proxy', (event) => event.error !== null);
		expect(ended.error?.code).toBe('cancelled');
		const key = identityKey(await identifyVideo(path));
		expect(readdirSync(copies).filter((file) => file.includes(key))).toEqual([]);
		await other.application.close();
	});

	it.each([
		['a small picture as it is', { width: 320, height: 240 }, { width: 320, height: 240 }],
		['odd sides to even ones', { width: 321, height: 241 }, { width: 322, height: 242 }],
		['full HD smaller', { width: 1920, height: 1080 }, { width: 1280, height: 720 }],
		['upright pictures by their height', { width: 1080, height: 1920 }, { width: 720, height: 1280 }],
		['a line to something that can be coded', { width: 4000, height: 1 }, { width: 1280, height: 2 }],
	])('takes %s', (_, displaySize, size) => {
		expect(proxySize({ displaySize })).toEqual(size);
	});
});

describe('the times of all frames', () => {
	it.each(CASES.map(([name]) => name))('are those that decoding tells: %s', async (name) => {
		const { videoId, path } = ids.get(name)!;
		const next = await openPageSide(folders, { chooseVideos: () => Promise.resolve([path]) });
		const [entry] = await next.ask('video.choose', {});
		await next.ask('video.frameTimes', { videoId: entry!.videoId });
		await next.hear('frameTimes', (event) => event.complete);
		const { ptsSeconds, complete } = await next.ask('video.frameTimes', { videoId: entry!.videoId });
		expect(complete).toBe(true);
		expect([...ptsSeconds].map((time) => time.toFixed(5))).toEqual(
			probe(path).map(({ seconds }) => seconds.toFixed(5)),
		);
		expect(videoId).not.toBe('');
	});

	it('wait while an analysis measures its own times, and come after it', async () => {
		const path = join(folders.base, 'waiting.mp4');
		makeClip(path, 60);
		const next = await openPageSide(folders, { chooseVideos: () => Promise.resolve([path]) });
		const [{ videoId } = { videoId: '' }] = await next.ask('video.choose', {});
		const range = { from: { frame: 0 }, to: { frame: 30 }, every: 1 };
		const input = { videoId, modelId: 'lookout', mode: 'dense', settings: {}, range };
		const { runId } = await next.ask('analysis.start', input);
		expect(await next.ask('video.frameTimes', { videoId })).toMatchObject({ complete: false });
		await next.ended(runId);
		await next.hear('frameTimes', (event) => event.complete);
		const types = next.events.map(({ type }) => type);
		expect(types.indexOf('frameTimes')).toBeGreaterThan(types.indexOf('analysis.ended'));
		expect((await next.ask('video.frameTimes', { videoId })).ptsSeconds).toHaveLength(60);
		await next.application.close();
	});

	it('give way to an analysis that begins while they are read', async () => {
		const path = join(folders.base, 'interrupted.mp4');
		makeClip(path, 3000);
		const next = await openPageSide(folders, { chooseVideos: () => Promise.resolve([path]) });
		const [{ videoId } = { videoId: '' }] = await next.ask('video.choose', {});
		await next.ask('video.frameTimes', { videoId });
		const range = { from: { frame: 0 }, to: { frame: 5 }, every: 1 };
		const input = { videoId, modelId: 'lookout', mode: 'dense', settings: {}, range };
		await next.ask('analysis.start', input);
		await next.hear('frameTimes', (event) => event.complete);
		expect((await next.ask('video.frameTimes', { videoId })).ptsSeconds).toHaveLength(3000);
		await next.application.close();
	});

	it('are decoded once: the next session takes them from the disk', async () => {
		const { path } = ids.get('MS MPEG-4 in AVI')!;
		const key = identityKey(await identifyVideo(path));
		const file = join(
			times,
			readdirSync(times).find((name) => name.startsWith(key))!,
		);
		const changed = new Float64Array(new Uint8Array(readFileSync(file)).buffer).map((time) => time + 100);
		writeFileSync(file, new Uint8Array(changed.buffer));
		const next = await openPageSide(folders, { chooseVideos: () => Promise.resolve([path]) });
		const [entry] = await next.ask('video.choose', {});
		const ask = () => next.ask('video.frameTimes', { videoId: entry!.videoId });
		await expect.poll(async () => (await ask()).complete, { timeout: 30_000 }).toBe(true);
		expect((await ask()).ptsSeconds).toEqual(changed);
	});
});

it('a cache forgets what was not of use for longest, but never what is new', async () => {
	const folder = folders.exports;
	const place = (name: string) => join(folder, name);
	for (const name of ['a', 'b', 'c', 'd']) writeFileSync(place(name), Buffer.alloc(100));
	for (const name of ['b', 'c', 'a']) {
		await touch(place(name));
		const { mtimeMs } = statSync(place(name));
		while (Date.now() <= mtimeMs + 1);
	}
	await trimFolder(folder, 250, new Set([place('d')]));
	expect(readdirSync(folder).sort()).toEqual(['a', 'd']);
});
