import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeClip, makeFolders, openPageSide, type PageSide } from './application.fixture.ts';
import { isInside } from './browse.ts';

const folders = makeFolders();
let clip = '';
let page: PageSide;

beforeAll(async () => {
	clip = join(folders.base, 'clip.mp4');
	makeClip(clip, 3);
	page = await openPageSide(folders, { chooseVideos: () => Promise.resolve([clip]) });
});
afterAll(async () => {
	await page.application.close();
	folders.remove();
});

describe('what the page may not ask', () => {
	const start = { videoId: 'a', modelId: 'lookout', mode: 'dense', settings: {} };
	const whole = { from: { frame: 0 }, to: null, every: 1 };
	it.each([
		['a request that does not exist', 'files.read', { path: '/etc/passwd' }],
		['the name of something every object has', 'toString', {}],
		['no input', 'video.open', undefined],
		['a path for an id', 'video.open', { videoId: '../../etc/passwd' }],
		['an id with a dot', 'run.open', { runId: '..' }],
		['an id that is a number', 'video.open', { videoId: 7 }],
		['an id without end', 'video.open', { videoId: 'a'.repeat(65) }],
		['a key too many', 'video.open', { videoId: 'a', path: '/etc/passwd' }],
		['more frames than fit', 'run.frames', { runId: 'a', from: 0, count: 2001 }],
		['a negative position', 'run.frames', { runId: 'a', from: -1, count: 1 }],
		['a range of nothing', 'analysis.start', { ...start, range: { ...whole, every: 0 } }],
		['a range from nowhere', 'analysis.start', { ...start, range: { ...whole, from: {} } }],
		['settings that are no values', 'analysis.start', { ...start, settings: { a: [] }, range: whole }],
		['five runs in one export', 'export.start', { runIds: Array(5).fill('a'), labels: ['a'] }],
		['an unknown preference', 'preferences.change', { telemetry: true }],
		['a preference out of range', 'preferences.change', { heatOpacity: 2 }],
	])('%s', async (_, name, input) => {
		const reply = await page.application.request(name, input);
		expect(reply).toMatchObject({ error: { code: 'bad-argument' } });
	});

	it.each([
		['a video that nobody opened', 'video.open', { videoId: 'nobody' }, 'file-not-found'],
		['a run that nobody stored', 'run.open', { runId: 'nobody' }, 'run-unreadable'],
		['a run that is not going', 'analysis.cancel', { runId: 'nobody' }, 'bad-argument'],
		['a folder that was not listed', 'video.browse', { folderId: 'nobody' }, 'file-not-found'],
		['a drop that never was', 'video.adopt', { dropToken: 'nobody' }, 'file-not-found'],
		['an export that never began', 'export.cancel', { exportId: 'nobody' }, 'bad-argument'],
	])('%s', async (_, name, input, code) => {
		expect(await page.application.request(name, input)).toMatchObject({ error: { code } });
	});
});

describe('a video', () => {
	it('opens by its id, without its path, and stands in the recent list of the next session', async () => {
		const [entry] = await page.ask('video.choose', {});
		const opened = await page.ask('video.open', { videoId: entry!.videoId });
		expect(opened).toMatchObject({ name: 'clip.mp4', proxyUrl: null, runs: [] });
		expect(opened.info.displaySize).toEqual({ width: 160, height: 120 });
		expect(opened.info).not.toHaveProperty('path');
		expect(opened.mediaUrl).toBe(`media:source/${entry!.videoId}`);

		const next = await openPageSide(folders);
		const { recent } = await next.ask('app.describe', {});
		expect(recent).toEqual([{ ...entry, exists: true }]);
		await next.ask('video.forget', { videoId: entry!.videoId });
		expect((await next.ask('app.describe', {})).recent).toEqual([]);
	});

	it('of the recent list has no id where this host may not open it', async () => {
		const [entry] = await page.ask('video.choose', {});
		await page.ask('video.open', { videoId: entry!.videoId });
		const next = await openPageSide(folders, { mayOpenPath: () => Promise.resolve(false) });
		expect((await next.ask('app.describe', {})).recent).toEqual([]);
		await expect(next.ask('video.open', { videoId: entry!.videoId })).rejects.toMatchObject({
			code: 'file-not-found',
		});
	});

	it('that is none says what it is', async () => {
		const text = join(folders.base, 'notes.mp4');
		writeFileSync(text, 'not a video');
		const other = await openPageSide(folders, { chooseVideos: () => Promise.resolve([text]) });
		const [entry] = await other.ask('video.choose', {});
		await expect(other.ask('video.open', { videoId: entry!.videoId })).rejects.toMatchObject({
			code: 'not-a-video',
		});
	});
});

describe('what the application tells of itself', () => {
	it('names models, modes and exports with their settings', async () => {
		const about = await page.ask('app.describe', {});
		expect(about.host).toBe('desktop');
		expect(about.models.map(({ id }) => id)).toContain('lookout');
		expect(about.modes.map(({ id }) => id)).toEqual(expect.arrayContaining(['dense', 'token-cache']));
		expect(about.modes.find(({ id }) => id === about.preferences.mode)).toBeDefined();
		expect(about.exports.find(({ id }) => id === 'csv')).toMatchObject({ fileExtension: 'csv' });
		expect(about.sample).toMatchObject({ name: 'plaza.mp4', exists: true });
	});
});

describe('preferences', () => {
	it('hold for the next session; those of a damaged file that can be read are kept', async () => {
		await page.ask('preferences.change', { theme: 'dark', heatOpacity: 0.25 });
		await page.ask('preferences.change', { heatMap: 'off' });
		const path = join(folders.settings, 'preferences.json');
		const stored = JSON.parse(readFileSync(path, 'utf8')) as object;
		writeFileSync(path, JSON.stringify({ ...stored, theme: 'purple', another: 1 }));
		const { preferences } = await (await openPageSide(folders)).ask('app.describe', {});
		expect(preferences).toMatchObject({ theme: 'system', heatOpacity: 0.25, heatMap: 'off' });
		expect(preferences).not.toHaveProperty('another');
	});

	it.each([
		['a folder that this host may not use', '/somewhere', false],
		['a folder relative to nobody knows what', 'runs', true],
	])('refuse %s', async (_, runsFolder, allowed) => {
		const other = await openPageSide(folders, { mayOpenPath: () => Promise.resolve(allowed) });
		await expect(other.ask('preferences.change', { runsFolder })).rejects.toMatchObject({
			code: 'bad-argument',
		});
		expect((await other.ask('app.describe', {})).preferences.runsFolder).toBeNull();
	});
});

describe('browsing', () => {
	const root = join(folders.base, 'root');
	const outside = join(folders.base, 'outside');

	beforeAll(() => {
		for (const folder of [join(root, 'inner'), join(root, '.hidden'), outside])
			mkdirSync(folder, { recursive: true });
		for (const file of ['b10.MP4', 'b9.mkv', 'notes.md', 'gt.txt', '.secret.mp4'])
			writeFileSync(join(root, file), '');
		writeFileSync(join(outside, 'private.mp4'), '');
		symlinkSync(outside, join(root, 'way-out'));
		symlinkSync(join(outside, 'private.mp4'), join(root, 'private.mp4'));
		symlinkSync(join(root, 'b9.mkv'), join(root, 'inner', 'again.mkv'));
		symlinkSync(join(outside, 'nothing'), join(root, 'dangling.mp4'));
	});

	it('shows folders, videos and truth below the named folder, and nothing a link would lead out to', async () => {
		const web = await openPageSide(folders, {
			browseRoots: [root],
			mayOpenPath: (path) => isInside(path, [root]),
		});
		const top = await web.ask('video.browse', { folderId: null });
		expect(top).toMatchObject({ parentId: null, folders: [{ name: 'root' }], videos: [] });
		const listing = await web.ask('video.browse', { folderId: top.folders[0]!.folderId });
		expect(listing.parentId).toBeNull();
		expect(listing.folders.map(({ name }) => name)).toEqual(['inner']);
		expect(listing.videos.map(({ name }) => name)).toEqual(['b9.mkv', 'b10.MP4']);
		expect(listing.truths.map(({ name }) => name)).toEqual(['gt.txt']);
		const inner = await web.ask('video.browse', { folderId: listing.folders[0]!.folderId });
		expect(inner.parentId).toBe(listing.folderId);
		expect(inner.videos.map(({ name }) => name)).toEqual(['again.mkv']);
	});

	it.each([
		['the folder itself', '.', true],
		['a file in it', 'b9.mkv', true],
		['one that is not there yet', 'new/deep', true],
		['a link to a folder outside', 'way-out', false],
		['a file behind that link', 'way-out/private.mp4', false],
		['a file to be made behind that link', 'way-out/new.mp4', false],
		['a link that leads nowhere yet', 'dangling.mp4', false],
		['steps upwards', 'inner/../../outside/private.mp4', false],
		['a folder whose name begins the same', '../root2', false],
	])('isInside: %s', async (_, path, inside) => {
		expect(await isInside(`${root}/${path}`, [root])).toBe(inside);
	});
});
