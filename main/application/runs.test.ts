import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FrameBatch } from '../analysis/frame-batch.ts';
import type { RunEntry } from '../../preload/contract.ts';
import { SELECTION_KINDS } from '../domain/tokens.ts';
import { agreement } from '../evaluation/agreement.ts';
import { RUN_FILES } from '../results/run-folder.ts';
import { openRun } from '../results/stored-run.ts';
import { makeClip, makeFolders, openPageSide, type PageSide } from './application.fixture.ts';
import { identifyVideo, identityKey } from '../video/identity.ts';

const WHOLE = { from: { frame: 0 }, to: null, every: 1 };
const FRAMES = 40;
const LONG = 300;

const folders = makeFolders();
const clip = join(folders.base, 'clip.mp4');
const long = join(folders.base, 'long.mp4');
let page: PageSide;
let videoId = '';
let longId = '';

beforeAll(async () => {
	// As large as people have to be to be found for sure.
	makeClip(clip, FRAMES, '-vf', 'scale=384:288');
	makeClip(long, LONG);
	page = await openPageSide(folders, { chooseVideos: () => Promise.resolve([clip, long]) });
	[videoId = '', longId = ''] = (await page.ask('video.choose', {})).map((entry) => entry.videoId);
});
afterAll(async () => {
	await page.application.close();
	folders.remove();
});

function start(id: string, mode: string, settings: Record<string, number | string> = {}): Promise<RunEntry> {
	return page.ask('analysis.start', { videoId: id, modelId: 'lookout', mode, settings, range: WHOLE });
}

/** The frames of a run that the page heard of while it was going. */
function heardFrames(runId: string): FrameBatch[] {
	return page.events.flatMap((event) =>
		event.type === 'analysis.frames' && event.runId === runId ? [event.batch] : [],
	);
}

async function storedRun(runId: string) {
	return openRun(join(folders.runs, identityKey(await identifyVideo(clip)), runId));
}

/** Where a run lies, whatever its video is called. */
function storeOf(runId: string): string | undefined {
	return readdirSync(folders.runs)
		.map((parent) => join(folders.runs, parent, runId))
		.find((folder) => existsSync(join(folder, RUN_FILES.header)));
}

describe('a run', () => {
	let run: RunEntry;
	beforeAll(async () => {
		run = await start(videoId, 'token-cache', { fraction: 0.2 });
		await page.ended(run.runId);
	});

	it('is told of from its opening over every frame to its end', async () => {
		expect(run).toMatchObject({ active: true, waiting: false, mode: 'token-cache', modelId: 'lookout' });
		const opened = await page.hear('analysis.opened', (event) => event.runId === run.runId);
		expect(opened.header).not.toHaveProperty('video');
		expect(opened.header.settings['fraction']).toBe(0.2);
		const ended = await page.hear('analysis.ended', (event) => event.runId === run.runId);
		expect(ended).toMatchObject({
			error: null,
			entry: { active: false, status: { state: 'complete', framesStored: FRAMES } },
		});
		expect(heardFrames(run.runId).flatMap(({ frameIndices }) => [...frameIndices])).toEqual(
			Array.from({ length: FRAMES }, (_, i) => i),
		);
		expect(page.events.some((event) => event.type === 'analysis.progress' && event.runId === run.runId)).toBe(
			true,
		);
	});

	it('answers with the same frames when it is reopened as it told of while it was going', async () => {
		const stored = await page.ask('run.frames', { runId: run.runId, from: 0, count: FRAMES });
		const heard = heardFrames(run.runId);
		for (const column of [
			'timesSeconds',
			'kinds',
			'selectedTokens',
			'macs',
			'bitmaps',
			'scores',
			'boxesXyxy',
		] as const) {
			expect([...stored[column]], column).toEqual(heard.flatMap((batch) => [...batch[column]]));
		}
		const part = await page.ask('run.frames', { runId: run.runId, from: FRAMES - 3, count: 100 });
		expect([...part.frameIndices]).toEqual([FRAMES - 3, FRAMES - 2, FRAMES - 1]);
	});

	it('gives the maps of tokens that are asked for, and says which there are', async () => {
		const { mapKinds } = await page.ask('run.open', { runId: run.runId });
		expect(mapKinds).toEqual(['relevance']);
		const stored = await storedRun(run.runId);
		const { known, values } = await page.ask('run.maps', {
			runId: run.runId,
			from: FRAMES - 2,
			count: 64,
			kind: 'relevance',
		});
		expect([...known]).toEqual([1, 1]);
		const { grid } = stored.header;
		expect(values).toHaveLength(2 * grid.rows * grid.cols);
		expect(new Set(values).size).toBeGreaterThan(10);
		expect(values.subarray(values.length / 2)).toEqual(stored.maps(FRAMES - 1)[0]!.values);
		const none = await page.ask('run.maps', { runId: run.runId, from: 0, count: 1, kind: 'blocks' });
		expect([...none.known]).toEqual([0]);
	});

	it('knows who is who, the same in the list of objects as on the boxes', async () => {
		const tracks = await page.ask('run.tracks', { runId: run.runId });
		const { offsets, identities } = await page.ask('run.identities', {
			runId: run.runId,
			from: 0,
			count: 2000,
		});
		const { detectionOffsets } = await page.ask('run.frames', { runId: run.runId, from: 0, count: 2000 });
		expect(offsets).toEqual(detectionOffsets);
		expect(tracks.framesKnown).toBe(FRAMES);
		expect(tracks.identities.length).toBeGreaterThan(0);
		tracks.identities.forEach((identity, i) => {
			const frames = Array.from({ length: FRAMES }, (_, f) => f).filter((f) =>
				identities.subarray(offsets[f], offsets[f + 1]).includes(identity),
			);
			expect(frames.length).toBe(tracks.sightings[i]);
			expect([frames[0], frames.at(-1)]).toEqual([tracks.firstFrames[i], tracks.lastFrames[i]]);
		});
		const part = await page.ask('run.identities', { runId: run.runId, from: FRAMES - 1, count: 5 });
		expect([...part.identities]).toEqual([...identities.subarray(offsets[FRAMES - 1])]);
		const none = await page.ask('run.identities', { runId: run.runId, from: 5000, count: 5 });
		expect(none.offsets).toHaveLength(1);
	});

	it('draws a timeline with the counts of what is shown', async () => {
		const timeline = await page.ask('run.timeline', { runId: run.runId, from: 0, count: 1000 });
		const stored = await storedRun(run.runId);
		expect(timeline.macs).toEqual(stored.frames.macs);
		for (let f = 0; f < FRAMES; f++) {
			const { detections, kind, cost } = stored.result(f);
			const shown = detections.scoredAtLeast(stored.header.displayThresholds);
			expect(timeline.detections[f]).toBe(shown.count);
			expect(SELECTION_KINDS[timeline.kinds[f]!]).toBe(kind);
			expect(timeline.milliseconds[f * 5 + 3]).toBe(cost.milliseconds.run);
		}
		expect(timeline.detections.some((count) => count > 0)).toBe(true);
		const shownFrom = (leastScore: number) => page.ask('run.shownCounts', { runId: run.runId, leastScore });
		expect(await shownFrom(1)).toEqual(timeline.detections);
		expect(await shownFrom(0)).toEqual(Uint32Array.from(stored.frames.detectionCount));
	});

	it('is found again by the next session, by the content of the video wherever it lies', async () => {
		const next = await openPageSide(folders, { chooseVideos: () => Promise.resolve([clip]) });
		const opened = await next.ask('run.open', { runId: run.runId });
		expect(opened).toMatchObject({ frameCount: FRAMES, entry: { runId: run.runId, active: false } });
		expect(opened.header).not.toHaveProperty('video');
		const [entry] = await next.ask('video.choose', {});
		const { runs } = await next.ask('video.open', { videoId: entry!.videoId });
		expect(runs.map(({ runId }) => runId)).toContain(run.runId);
		expect(await next.ask('run.list', { videoId: entry!.videoId })).toEqual(runs);
	});

	it('agrees with itself wholly and with a dense run as the evaluation says', async () => {
		const dense = await start(videoId, 'dense');
		await page.ended(dense.runId);
		const same = {
			runId: run.runId,
			referenceRunId: run.runId,
			truthId: null,
			truthFrom: null,
			besideIds: [],
		};
		expect(await page.ask('run.agreement', same)).toMatchObject({
			f1: 1,
			lost: 0,
			gained: 0,
			averagePrecision50: null,
		});
		const other = await page.ask('run.agreement', { ...same, referenceRunId: dense.runId });
		const expected = agreement(await storedRun(run.runId), await storedRun(dense.runId));
		expect(other).toMatchObject({ f1: expected.f1, lost: expected.lost, meanIou: expected.meanIou });
		expect(other.perFrame.f1).toEqual(expected.perFrame.f1);
		expect([...other.perFrame.gained]).toEqual([...expected.perFrame.gained]);
	});

	it('is judged by a ground-truth file that was chosen', async () => {
		const truth = join(folders.base, 'gt.txt');
		writeFileSync(truth, Array.from({ length: FRAMES }, (_, f) => `${f + 1},1,10,10,20,40,1,1,1`).join('\n'));
		const other = await openPageSide(folders, {
			chooseVideos: () => Promise.resolve([clip]),
			chooseTruth: () => Promise.resolve(truth),
		});
		const [entry] = await other.ask('video.choose', {});
		const chosen = await other.ask('truth.choose', { videoId: entry!.videoId });
		expect(chosen?.name).toBe('gt.txt');
		const input = {
			runId: run.runId,
			referenceRunId: run.runId,
			truthId: chosen!.truthId,
			truthFrom: null,
			besideIds: [run.runId],
		};
		const answer = await other.ask('run.agreement', input);
		expect(answer.averagePrecision50).toBeGreaterThanOrEqual(0);
		expect(answer.truth).toMatchObject({ framesCounted: FRAMES, framesOfTruth: FRAMES, remarks: [] });
	});

	it('gives the times of all frames to who asks for them', async () => {
		// The first answer may come before all are known; what is known then is their beginning.
		const ask = () => page.ask('video.frameTimes', { videoId });
		await expect.poll(async () => (await ask()).complete, { timeout: 30_000 }).toBe(true);
		expect((await ask()).ptsSeconds).toEqual((await storedRun(run.runId)).frames.timeSeconds);
	});

	it('is found by a recording that has grown since', async () => {
		const growing = join(folders.base, 'growing.ts');
		makeClip(growing, 3 * FRAMES);
		const whole = readFileSync(growing);
		writeFileSync(growing, whole.subarray(0, whole.length / 2));
		const other = await openPageSide(folders, { chooseVideos: () => Promise.resolve([growing]) });
		const [video] = await other.ask('video.choose', {});
		const begun = await other.ask('analysis.start', {
			videoId: video!.videoId,
			modelId: 'lookout',
			mode: 'dense',
			settings: {},
			range: { ...WHOLE, to: { frame: 5 } },
		});
		await other.hear('analysis.ended', (event) => event.runId === begun.runId);
		writeFileSync(growing, whole);
		const listed = await other.ask('run.list', { videoId: video!.videoId });
		expect(listed.map(({ runId }) => runId)).toEqual([begun.runId]);

		// One that went on into the new part has the longer file's identity, and lies where it lay.
		const header = join(storeOf(begun.runId)!, RUN_FILES.header);
		const stored = JSON.parse(readFileSync(header, 'utf8')) as object;
		writeFileSync(header, JSON.stringify({ ...stored, videoIdentity: await identifyVideo(growing) }));
		const next = await openPageSide(folders, { chooseVideos: () => Promise.resolve([growing]) });
		const [same] = await next.ask('video.choose', {});
		const again = await next.ask('run.list', { videoId: same!.videoId });
		expect(again.map(({ runId }) => runId)).toEqual([begun.runId]);
		await next.application.close();

		writeFileSync(header, JSON.stringify(stored));
		writeFileSync(growing, Buffer.concat([whole.subarray(0, 1000), whole]));
		expect(await other.ask('run.list', { videoId: video!.videoId })).toEqual([]);
		await other.application.close();
	});

	it('disappears when it is deleted', async () => {
		const doomed = await start(videoId, 'motion');
		await expect(page.ask('run.delete', { runId: doomed.runId })).rejects.toMatchObject({
			code: 'bad-argument',
		});
		await page.ended(doomed.runId);
		await page.ask('run.delete', { runId: doomed.runId });
		expect((await page.ask('run.list', { videoId })).map(({ runId }) => runId)).not.toContain(doomed.runId);
		await expect(page.ask('run.open', { runId: doomed.runId })).rejects.toMatchObject({
			code: 'run-unreadable',
		});
		expect(readdirSync(join(folders.runs, identityKey(await identifyVideo(clip)))).join()).not.toContain(
			doomed.runId,
		);
	});
});

describe('a run that never begins', () => {
	it.each([
		['an unknown mode', { mode: 'magic' }, 'unknown-mode'],
		['an unknown setting', { settings: { magic: 1 } }, 'unknown-setting'],
		['a setting out of range', { settings: { fraction: 7 } }, 'setting-out-of-range'],
		['a keep ratio above 1', { mode: 'sparse', settings: { keep: 1.01 } }, 'setting-out-of-range'],
		['a negative k', { mode: 'eventful', settings: { k: -1 } }, 'setting-out-of-range'],
		['an unknown model', { modelId: 'nobody' }, 'model-not-found'],
		['the path of a model', { modelId: '../models/lookout' }, 'model-not-found'],
	])('says why: %s', async (_, change, code) => {
		const input = { videoId, modelId: 'lookout', mode: 'token-cache', settings: {}, range: WHOLE, ...change };
		await expect(page.ask('analysis.start', input)).rejects.toMatchObject({ code });
	});

	it('tells what the worker found wrong, and leaves nothing in the list', async () => {
		const range = { from: { frame: FRAMES + 5 }, to: null, every: 1 };
		const input = { videoId, modelId: 'lookout', mode: 'dense', settings: {}, range };
		const { runId } = await page.ask('analysis.start', input);
		const { error } = await page.ended(runId);
		expect(error?.code).toBe('bad-range');
		expect((await page.ask('run.list', { videoId })).map((entry) => entry.runId)).not.toContain(runId);
	});
});

describe('a run that is going', () => {
	it('changes its live settings, refuses others, is cancelled and goes on after that', async () => {
		const { runId } = await start(longId, 'token-cache', { fraction: 0.5 });
		await page.hear('analysis.frames', (event) => event.runId === runId);
		await page.ask('analysis.change', { runId, settings: { fraction: 0.1 } });
		const changed = await page.hear('analysis.settings', (event) => event.runId === runId);
		expect(changed.event.settings).toEqual({ fraction: 0.1 });
		await page.ask('analysis.change', { runId, settings: { magic: 1 } });
		const refused = await page.hear('analysis.refused', (event) => event.runId === runId);
		expect(refused.error.code).toBe('unknown-setting');

		await page.ask('analysis.cancel', { runId });
		const cancelled = await page.hear('analysis.ended', (event) => event.runId === runId);
		expect(cancelled).toMatchObject({
			error: null,
			entry: { active: false, status: { state: 'cancelled' } },
		});
		const { framesStored } = cancelled.entry.status;
		expect(framesStored).toBeLessThan(LONG);

		const since = page.events.length;
		expect(await page.ask('analysis.resume', { runId })).toMatchObject({ runId, active: true });
		const opened = await page.hear('analysis.opened', (event) => event.runId === runId, since);
		expect(opened.framesStored).toBe(framesStored);
		await page.ask('analysis.cancel', { runId });
		await page.ended(runId, since);
		const { events } = await page.ask('run.open', { runId });
		expect(events).toEqual([changed.event]);
	});

	it('is left alone by another host that shares the folder', async () => {
		const other = await openPageSide(folders);
		const { runId } = await start(longId, 'dense');
		await page.hear('analysis.frames', (event) => event.runId === runId);
		for (const request of ['analysis.resume', 'run.delete'] as const) {
			await expect(other.ask(request, { runId })).rejects.toMatchObject({
				code: 'bad-argument',
				message: expect.stringContaining('another window'),
			});
		}
		await page.ask('analysis.cancel', { runId });
		await page.ended(runId);
		expect(await other.ask('run.delete', { runId })).toBeNull();
	});

	it('lets the next one wait for its turn', async () => {
		const first = await start(longId, 'dense');
		const second = await start(longId, 'dense');
		const third = await start(videoId, 'motion');
		expect([first, second, third].map(({ waiting }) => waiting)).toEqual([false, true, true]);
		expect((await page.ask('run.list', { videoId: longId }))[0]).toMatchObject({
			runId: second.runId,
			waiting: true,
		});

		await page.ask('analysis.cancel', { runId: second.runId });
		const unstarted = await page.hear('analysis.ended', (event) => event.runId === second.runId);
		expect(unstarted).toMatchObject({
			error: null,
			entry: { status: { state: 'cancelled', framesStored: 0 } },
		});
		await page.hear('analysis.frames', (event) => event.runId === first.runId);
		expect(heardFrames(third.runId)).toEqual([]);
		await page.ask('analysis.cancel', { runId: first.runId });
		expect((await page.ended(third.runId)).error).toBeNull();
	});

	it('whose process is killed is reported, and resumed it ends as if nothing had been', async () => {
		const { runId } = await start(longId, 'token-cache', { fraction: 0.1 });
		await page.hear('analysis.frames', (event) => event.runId === runId && event.batch.frameIndices[0]! > 60);
		process.kill(page.application.runs.workers().get(runId)!, 'SIGKILL');
		const died = await page.hear('analysis.ended', (event) => event.runId === runId);
		expect(died.error).toMatchObject({ code: 'worker-died', remedy: expect.stringContaining('resume') });
		expect(died.error?.remedy).not.toContain('--');
		expect(died.entry).toMatchObject({ active: false, status: { state: 'running' } });
		const { framesStored } = died.entry.status;
		expect(framesStored).toBeGreaterThan(0);

		const since = page.events.length;
		await page.ask('analysis.resume', { runId });
		expect((await page.ended(runId, since)).error).toBeNull();
		const again = await start(longId, 'token-cache', { fraction: 0.1 });
		expect((await page.ended(again.runId)).error).toBeNull();
		const [resumed, whole] = [
			await page.ask('run.timeline', { runId, from: 0, count: 1000 }),
			await page.ask('run.timeline', { runId: again.runId, from: 0, count: 1000 }),
		];
		expect(resumed.frameIndices).toEqual(whole.frameIndices);
		expect(resumed.selectedTokens).toEqual(whole.selectedTokens);
		expect(resumed.detections).toEqual(whole.detections);
		await expect(page.ask('analysis.resume', { runId })).rejects.toMatchObject({ code: 'bad-argument' });
	});

	it('ends in order with the application, and can be resumed', async () => {
		const other = await openPageSide(folders, { chooseVideos: () => Promise.resolve([long]) });
		const [entry] = await other.ask('video.choose', {});
		const input = { videoId: entry!.videoId, modelId: 'lookout', mode: 'dense', settings: {}, range: WHOLE };
		const { runId } = await other.ask('analysis.start', input);
		await other.hear('analysis.frames', (event) => event.runId === runId);
		await other.application.close();
		const { entry: stored } = await page.ask('run.open', { runId });
		expect(stored.status.state).toBe('cancelled');
		await expect(other.ask('analysis.start', input)).rejects.toMatchObject({ code: 'cancelled' });
	});
});
