import { writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BatchConfiguration, BatchList } from '../../preload/batch-contract.ts';
import { makeClip, makeFolders, openPageSide, type PageSide } from './application.fixture.ts';

const folders = makeFolders();
const long = join(folders.base, 'long.mp4');
const awake: boolean[] = [];
const shell = {
	chooseVideos: () => Promise.resolve([long]),
	chooseFolder: () => Promise.resolve(folders.base),
	keepAwake: (on: boolean) => void awake.push(on),
};
const DENSE: BatchConfiguration = { modelId: 'lookout', mode: 'dense', settings: {} };
const REDUCED = { ...DENSE, mode: 'token-cache' };
const LONG = 40;

let page: PageSide;
beforeAll(async () => {
	makeClip(join(folders.base, 'a.mp4'), 3);
	makeClip(long, LONG);
	writeFileSync(join(folders.base, 'broken.mp4'), 'no video');
	page = await openPageSide(folders, shell);
});
afterAll(async () => {
	await page.application.close();
	folders.remove();
});

const lines = ({ jobs }: BatchList) => jobs.map(({ video, mode, state }) => `${video.name} ${mode} ${state}`);

it('has the files of a folder in all configurations, in the order that is wanted', async () => {
	const videos = await page.ask('batch.chooseFolder', {});
	const videoIds = videos.map(({ videoId }) => videoId);
	const added = await page.ask('batch.add', { videoIds, configurations: [DENSE, REDUCED] });
	expect(added.jobs).toHaveLength(6);
	expect(await page.ask('batch.add', { videoIds, configurations: [DENSE] })).toEqual(added); // nothing twice
	const broken = videos.find(({ name }) => name === 'broken.mp4')!;
	writeFileSync(join(broken.folder, broken.name), 'another one that is no video');
	const again = { videoIds: [broken.videoId], configurations: [REDUCED] };
	await expect(page.ask('batch.add', again)).rejects.toMatchObject({
		message: expect.stringContaining('another one than was added'),
	});
	writeFileSync(join(broken.folder, broken.name), 'no video');
	const twice = added.jobs.filter(({ video, mode }) => mode === 'token-cache' && video.name !== 'a.mp4');
	const fewer = await page.ask('batch.remove', { jobIds: twice.map(({ jobId }) => jobId) });
	const moved = await page.ask('batch.move', { jobId: fewer.jobs.at(-2)!.jobId, to: 0 });
	expect(lines(moved)).toEqual([
		'long.mp4 dense waiting',
		'a.mp4 dense waiting',
		'broken.mp4 dense waiting',
		'a.mp4 token-cache waiting',
	]);
	expect(moved.phase).toBe('stopped');
});

it('refuses a mode, a setting and a model that are none', async () => {
	const { videoId } = (await page.ask('video.choose', {}))[0]!;
	for (const [change, code] of [
		[{ mode: 'nonsense' }, 'unknown-mode'],
		[{ settings: { nonsense: 1 } }, 'unknown-setting'],
		[{ modelId: 'nonsense' }, 'model-not-found'],
	] as const) {
		const configurations = [{ ...DENSE, ...change }];
		await expect(page.ask('batch.add', { videoIds: [videoId], configurations })).rejects.toMatchObject({
			code,
		});
	}
});

it('gives way to a run that a person starts, and goes on in the next start of the application', async () => {
	await page.ask('batch.run', { running: true });
	await page.hear('batch.progress');
	const { videoId } = (await page.ask('video.choose', {}))[0]!;
	const range = { from: { frame: 0 }, to: { frame: 1 }, every: 1 };
	const run = await page.ask('analysis.start', { videoId, ...DENSE, range });
	expect(run.waiting).toBe(true);
	await page.hear('batch.phase', ({ phase }) => phase === 'giving-way');
	const since = page.events.length;
	expect((await page.ended(run.runId)).error).toBeNull();
	await page.hear('batch.progress', undefined, since);
	await page.application.close();

	page = await openPageSide(folders, shell);
	await page.hear('batch.phase', ({ phase }) => phase === 'stopped');
	const list = await page.ask('batch.get', {});
	expect(lines(list)).toEqual([
		'long.mp4 dense done',
		'a.mp4 dense done',
		'broken.mp4 dense failed',
		'a.mp4 token-cache done',
	]);
	expect(list.jobs[0]!.framesDone).toBe(LONG);
	expect(list.jobs[2]!.error).toMatchObject({ code: 'not-a-video' });
	expect(awake).toEqual([true, false, true, false]);
});

it('puts runs where an opened video finds them, and keeps them when the list is cleared', async () => {
	const list = await page.ask('batch.get', {});
	const { jobId, video, runId } = list.jobs[0]!;
	const { runs } = await page.ask('video.open', { videoId: video.videoId });
	const found = runs.find((entry) => entry.runId === runId);
	expect(found).toMatchObject({
		mode: 'dense',
		active: false,
		status: { state: 'complete', framesStored: LONG },
	});
	const left = await page.ask('batch.remove', { jobIds: list.jobs.map((job) => job.jobId) });
	expect(left.jobs).toEqual([]);
	expect(jobId).toMatch(/^[0-9a-f]{16}$/);
	expect((await page.ask('run.open', { runId: runId! })).frameCount).toBe(LONG);
	for (const name of await readdir(folders.runs, { recursive: true })) expect(name).not.toMatch(/attempt/);
});
