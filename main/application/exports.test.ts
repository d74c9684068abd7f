import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestInput } from '../../preload/contract.ts';
import type { ExportExchange } from '../export/protocol.ts';
import { forkWorker, type WorkerProcess } from '../process/worker-process.ts';
import { makeClip, makeFolders, openPageSide, workerEntries, type PageSide } from './application.fixture.ts';

/** Enough for what is done in the middle of an export to come in its middle. */
const FRAMES = 1500;
const ANALYSED = { from: { frame: 0 }, to: { frame: 9 }, every: 1 };

const folders = makeFolders();
const clip = join(folders.base, 'clip.mp4');
let page: PageSide;
let runId = '';
/** The processes of the exports, in the order of their beginning. */
const workers: WorkerProcess<ExportExchange>[] = [];

beforeAll(async () => {
	makeClip(clip, FRAMES);
	page = await openPageSide(folders, {
		chooseVideos: () => Promise.resolve([clip]),
		startExportWorker() {
			const worker = forkWorker<ExportExchange>(workerEntries().export);
			workers.push(worker);
			return worker;
		},
	});
	const [entry] = await page.ask('video.choose', {});
	const run = await page.ask('analysis.start', {
		videoId: entry!.videoId,
		modelId: 'lookout',
		mode: 'token-cache',
		settings: { fraction: 0.3 },
		range: ANALYSED,
	});
	runId = run.runId;
	await page.ended(runId);
});
afterAll(async () => {
	await page.application.close();
	folders.remove();
});

function input(changes: Partial<RequestInput<'export.start'>> = {}): RequestInput<'export.start'> {
	return { runIds: [runId], labels: ['a'], format: 'csv', settings: {}, range: null, ...changes };
}

/** A clip of all frames: it takes seconds. */
const CLIP = { format: 'video', range: { from: { frame: 0 }, to: null, every: 1 } };

async function begin(changes: Partial<RequestInput<'export.start'>>, on = page) {
	const begun = await on.ask('export.start', input(changes));
	if (begun === null) throw new Error('The export was not begun.');
	return begun;
}

function ended(exportId: string, on = page) {
	return on.hear('export.ended', (event) => event.exportId === exportId);
}

/** Begins a clip and waits until frames of it are written: by then, half of a file is there. */
async function beginClip() {
	const begun = await begin(CLIP);
	await page.hear('export.progress', (event) => event.exportId === begun.exportId && event.done > 0);
	return { ...begun, worker: workers.at(-1)! };
}

/** What lies in the folder of exports, hidden files too. */
function exported(): string[] {
	return readdirSync(folders.exports).sort();
}

/** Processes of ours that an export needs, by what stands on their command lines. */
function helpers(): string[] {
	const lines = execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' }).split('\n');
	return lines.filter((line) => line.includes(folders.base) && line.includes('ffmpeg'));
}

function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}

describe('an export', () => {
	it('is written where the person wants it, by a process that ends with it', async () => {
		const { exportId, name } = await begin({});
		expect(name).toBe('clip-token-cache.csv');
		expect(await ended(exportId)).toMatchObject({ error: null, downloadUrl: null });
		expect(page.application.exportFile(exportId, 'file')).toBe(join(folders.exports, 'clip-token-cache.csv'));
		expect(exported()).toEqual(['clip-token-cache.csv']);
		await expect.poll(() => isAlive(workers[0]!.pid!)).toBe(false);
	});

	it('finds the video that was moved since it was analysed', async () => {
		const moved = join(folders.base, 'moved', 'renamed.mp4');
		mkdirSync(dirname(moved));
		renameSync(clip, moved);
		const other = await openPageSide(folders, { chooseVideos: () => Promise.resolve([moved]) });
		const [entry] = await other.ask('video.choose', {});
		await other.ask('video.open', { videoId: entry!.videoId });
		const { exportId, name } = await begin({ format: 'still' }, other);
		expect(name).toBe('renamed-token-cache.png');
		const { error } = await ended(exportId, other);
		renameSync(moved, clip);
		expect(error).toBeNull();
	});

	it.each([
		['an unknown format', { format: 'magic' }, 'unknown-format'],
		['too few labels', { labels: ['a'], runIds: ['x', 'y'] }, 'bad-argument'],
		['a run that is not there', { runIds: ['nobody'] }, 'run-unreadable'],
		['an unknown setting', { settings: { magic: 1 } }, 'unknown-setting'],
	])('says what is wrong before it begins: %s', async (_, change, code) => {
		await expect(page.ask('export.start', input(change))).rejects.toMatchObject({ code });
	});

	it('says what its process found wrong, and what to do', async () => {
		const kept = join(folders.base, 'kept.mp4');
		renameSync(clip, kept);
		makeClip(clip, 1);
		const { exportId } = await begin({ format: 'still' });
		const { error } = await ended(exportId);
		renameSync(kept, clip);
		expect(error).toMatchObject({
			code: 'bad-argument',
			message: `${clip}: the video that the run analysed was expected (this is another file of that name).`,
			remedy: expect.stringContaining('Put the original back'),
		});
	});

	it('is not begun when the person changes their mind', async () => {
		const other = await openPageSide(folders, { chooseExportTarget: () => Promise.resolve(null) });
		expect(await other.ask('export.start', input())).toBeNull();
	});
});

describe.skipIf(process.platform === 'win32')('an export that does not come to its end', () => {
	const target = join(folders.exports, 'clip-token-cache.mp4');
	let before: string[];
	beforeAll(() => {
		writeFileSync(target, 'older');
		before = exported();
	});

	/** No process and no file is left of it, and what stood under its name stands. */
	async function expectNothingLeft(exportId: string, pid: number): Promise<void> {
		expect(exported()).toEqual(before);
		expect(readFileSync(target, 'utf8')).toBe('older');
		expect(page.application.exportFile(exportId, 'file')).toBeNull();
		await expect.poll(() => isAlive(pid)).toBe(false);
		await expect.poll(helpers).toEqual([]);
	}

	it('leaves nothing when it is cancelled in its middle', async () => {
		const { exportId, worker } = await beginClip();
		expect(exported()).not.toEqual(before);
		expect(helpers()).not.toEqual([]);
		await page.ask('export.cancel', { exportId });
		expect((await ended(exportId)).error?.code).toBe('cancelled');
		await expectNothingLeft(exportId, worker.pid!);
	});

	it('leaves nothing when it is cancelled before its process has begun', async () => {
		const { exportId } = await begin(CLIP);
		await page.ask('export.cancel', { exportId });
		expect((await ended(exportId)).error?.code).toBe('cancelled');
		await expectNothingLeft(exportId, workers.at(-1)!.pid!);
	});

	it('leaves nothing when its process hangs and is cancelled', async () => {
		const { exportId, worker } = await beginClip();
		process.kill(worker.pid!, 'SIGSTOP');
		await page.ask('export.cancel', { exportId });
		expect((await ended(exportId)).error).toMatchObject({
			code: 'cancelled',
			message: expect.stringContaining(target),
		});
		await expectNothingLeft(exportId, worker.pid!);
	});

	it('is one clear sentence when its process is killed, and leaves nothing', async () => {
		const { exportId, worker } = await beginClip();
		process.kill(worker.pid!, 'SIGKILL');
		expect((await ended(exportId)).error).toMatchObject({
			code: 'export-died',
			message: `${target}: the export process ended by signal SIGKILL before the file was whole; nothing was left behind.`,
			remedy: 'Export again.',
		});
		await expectNothingLeft(exportId, worker.pid!);
	});

	it('ends with the application', async () => {
		const { exportId, worker } = await beginClip();
		await page.application.close();
		expect((await ended(exportId)).error?.code).toBe('cancelled');
		await expectNothingLeft(exportId, worker.pid!);
	});
});
