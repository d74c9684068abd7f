import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { serveFiles } from '../models/file-server.fixture.ts';
import { safetensorsOfCase } from '../weights/parity-case.fixture.ts';
import { makeClip, makeFolders, openPageSide, type PageSide } from './application.fixture.ts';

// A small RetinaNet under the name of a large one: the catalogue states no hash of it.
const ID = 'retinanet-shvit-s4';
const FILE = `${ID}.pth`;

let weights: Buffer;
let folders: ReturnType<typeof makeFolders>;
let server: Awaited<ReturnType<typeof serveFiles>>;
let page: PageSide;
let chosen: string | null = null;

beforeAll(async () => (weights = await safetensorsOfCase('shvit/retinanet')));
beforeEach(async () => {
	folders = makeFolders();
	server = await serveFiles(new Map([[`${ID}/${FILE}`, weights]]));
	vi.stubEnv('SPARSIGHT_MIRROR', server.address);
	page = await openPageSide(folders, {
		chooseModel: () => Promise.resolve(chosen),
		droppedPath: (token) => (token === 'drop-1' ? chosen : null),
	});
});
afterEach(async () => {
	vi.unstubAllEnvs();
	await page.application.close();
	await server.close();
	folders.remove();
});
afterAll(() => vi.unstubAllEnvs());

const listed = async (id: string) =>
	(await page.ask('models.list', {})).find(({ modelId }) => modelId === id);
const ended = (since = 0) => page.hear('model.ended', ({ modelId }) => modelId === ID, since);

describe('the models of the page', () => {
	it('are told with their cards, licences and what the others need', async () => {
		expect(await listed('lookout')).toMatchObject({
			state: 'installed',
			source: 'shipped',
			published: { licence: { spdx: 'MIT' } },
			card: { modes: expect.arrayContaining(['dense']), denseMacs: expect.any(Number) },
			problem: null,
		});
		expect(await listed('d-fine-n')).toMatchObject({ state: 'available', card: null, progress: null });
		expect(JSON.stringify(await page.ask('models.list', {}))).not.toContain(folders.base);
	});

	it('are got, can be run from then on, are verified and removed', async () => {
		await page.ask('models.get', { modelId: ID });
		expect(await ended()).toMatchObject({ error: null });
		const { models } = await page.hear('models');
		expect(models.map(({ id }) => id)).toContain(ID);
		expect(await listed(ID)).toMatchObject({ source: 'installed', card: { family: 'shvit' } });
		expect(await page.ask('models.verify', { modelId: ID })).toMatchObject({ state: 'sound' });
		writeFileSync(join(folders.models, ID, FILE), 'changed');
		expect(await page.ask('models.verify', { modelId: ID })).toMatchObject({ state: 'damaged' });
		await page.ask('models.remove', { modelId: ID });
		expect(await listed(ID)).toMatchObject({ state: 'available' });
		expect(readdirSync(folders.models)).toEqual([]);
	});

	it('are cancelled in the middle and gone on with', async () => {
		server.behaviour.stallsAfter = 100_000;
		await page.ask('models.get', { modelId: ID });
		await page.hear('model.progress', ({ progress }) => progress.bytes >= 100_000);
		await expect(page.ask('models.get', { modelId: ID })).rejects.toMatchObject({ code: 'bad-argument' });
		await page.ask('models.cancel', { modelId: ID });
		expect((await ended()).error).toMatchObject({ code: 'cancelled' });
		expect(await listed(ID)).toMatchObject({ state: 'available', loadedBytes: expect.any(Number) });
		delete server.behaviour.stallsAfter;
		const since = page.events.length;
		await page.ask('models.get', { modelId: ID });
		expect(await ended(since)).toMatchObject({ error: null });
		expect(server.asked.at(-1)?.range).toBe('bytes=100000-');
	});

	it('are added by dialog and by drop, and refused where they do not open', async () => {
		chosen = null;
		expect(await page.ask('models.choose', {})).toBeNull();
		chosen = join(folders.base, 'mine.safetensors');
		writeFileSync(chosen, weights);
		expect(await page.ask('models.adopt', { dropToken: 'drop-1' })).toEqual({ modelId: 'mine' });
		chosen = join(folders.base, 'broken.pth');
		writeFileSync(chosen, 'no weights');
		await expect(page.ask('models.choose', {})).rejects.toMatchObject({ code: 'model-unreadable' });
		await expect(page.ask('models.adopt', { dropToken: 'drop-2' })).rejects.toMatchObject({
			code: 'file-not-found',
		});
		expect(readdirSync(folders.models)).toEqual(['mine']);
	});

	it('are found in a named folder of the web host, but not behind a link that leads out of it', async () => {
		const root = join(folders.base, 'root');
		mkdirSync(root);
		writeFileSync(join(root, 'mine.safetensors'), weights);
		const web = await openPageSide(folders, {
			host: 'web',
			browseRoots: [root],
			mayOpenPath: (path) => Promise.resolve(path.startsWith(root) && !path.endsWith('.names')),
		});
		const { folderId } = (await web.ask('video.browse', { folderId: null })).folders[0]!;
		const { models } = await web.ask('video.browse', { folderId });
		expect(models.map(({ name }) => name)).toEqual(['mine.safetensors']);
		const { fileId } = models[0]!;
		writeFileSync(join(root, 'mine.names'), 'stands for a link');
		await expect(web.ask('models.add', { fileId })).rejects.toMatchObject({ code: 'file-unreadable' });
		await web.application.close();
	});

	it('are measured on a video, and what was measured is remembered', async () => {
		const clip = join(folders.base, 'clip.mp4');
		makeClip(clip, 5);
		const video = await openPageSide(folders, { chooseVideos: () => Promise.resolve([clip]) });
		const [entry] = await video.ask('video.choose', {});
		const measuring = video.ask('models.measure', {
			modelId: 'lookout',
			mode: 'dense',
			videoId: entry!.videoId,
		});
		const [speed] = await measuring;
		expect(speed).toMatchObject({
			mode: 'dense',
			provider: 'cpu',
			frames: 4,
			size: { width: 160, height: 120 },
		});
		expect(speed!.milliseconds).toBeGreaterThan(0);
		expect(await listed('lookout')).toMatchObject({ speeds: [speed] });
		expect(readdirSync(folders.cache).filter((name) => name.startsWith('measure-'))).toEqual([]);
		expect(existsSync(folders.runs)).toBe(false);
		await video.application.close();
	});
});
