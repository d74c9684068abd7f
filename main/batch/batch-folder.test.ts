import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleHeader } from '../results/sample-run.fixture.ts';
import { identifyVideo } from '../video/identity.ts';
import { BatchFolder } from './batch-folder.ts';
import { pulseOf } from './claims.ts';
import { DENSE } from './configuration.fixture.ts';
import type { BatchJob, Configuration } from './job.ts';
import { LocalQueue } from './local-queue.ts';
import { filesOf, planJobs, replacedFiles } from './plan.ts';

vi.mock('../video/identity.ts', { spy: true });

let root: string;
let folder: BatchFolder;

const REDUCED: Configuration = { ...DENSE, label: 'token-cache', mode: 'token-cache' };
const FAILURE = { code: 'not-a-video', message: 'no.', remedy: null, stack: null } as const;

beforeEach(async () => {
	root = mkdtempSync(join(tmpdir(), 'sparsight-batch-'));
	folder = new BatchFolder(join(root, 'batch'));
	await folder.add(await planJobs(['/v/a.mp4', '/v/b.mp4'], [DENSE, REDUCED]));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const namesOf = (jobs: readonly BatchJob[]) => jobs.map(({ runFolder }) => runFolder);

/** What a claim finds of the attempt before. */
async function put(claimed: { begin(): Promise<string | null> }, text: string): Promise<string> {
	const place = (await claimed.begin())!;
	mkdirSync(place, { recursive: true });
	writeFileSync(join(place, 'run.json'), text);
	return place;
}

describe('what is wanted', () => {
	it('has each file in each configuration, configuration by configuration, and nothing twice', async () => {
		await folder.add(await planJobs(['/v/b.mp4', '/w/b.mp4'], [DENSE], await folder.jobs()));
		expect(namesOf(await folder.jobs())).toEqual([
			'a/dense',
			'b/dense',
			'a/token-cache',
			'b/token-cache',
			'b-2/dense',
		]);
	});

	it('is of one content: a file that was replaced since is told, one that has grown is not', async () => {
		const names = ['same.mp4', 'grown.mp4', 'other.mp4', 'gone.mp4'];
		const files = names.map((name) => join(root, name));
		for (const file of files) writeFileSync(file, 'a recording');
		const known = await planJobs(files, [DENSE]);
		writeFileSync(files[1]!, 'a recording that goes on');
		writeFileSync(files[2]!, 'b recording');
		rmSync(files[3]!);
		expect([...(await replacedFiles([...files, join(root, 'new.mp4')], known))]).toEqual([files[2]]);
	});

	it('is one job where a configuration comes twice, whatever its label', async () => {
		const again = { ...DENSE, label: 'dense-2' };
		expect(namesOf(await planJobs(['/v/a.mp4'], [DENSE, again]))).toEqual(['a/dense']);
	});

	it('looks once at each new file and not at known ones, whatever is wanted of them', async () => {
		const looks = vi.mocked(identifyVideo);
		const [known, fresh] = [join(root, 'known.mp4'), join(root, 'new.mp4')];
		for (const file of [known, fresh]) writeFileSync(file, 'a recording');
		const before = await planJobs([known], [DENSE]);
		looks.mockClear();
		expect(await planJobs([known], [DENSE], before)).toEqual(before);
		expect(await replacedFiles([fresh], before)).toEqual(new Set());
		await planJobs([fresh], [DENSE, REDUCED], before);
		expect(looks.mock.calls).toEqual([[fresh]]);
	});

	it('keeps a folder for each: another model under the same label gets another one', async () => {
		const other = { ...DENSE, model: 'other' };
		expect(namesOf(await planJobs(['/v/a.mp4'], [other], await folder.jobs()))).toEqual(['a-2/dense']);
	});

	it('takes videos out of folders by their names, and files as they are named', async () => {
		mkdirSync(join(root, 'in', 'deep'), { recursive: true });
		for (const name of ['10.mp4', '9.MOV', 'notes.txt', '.hidden.mp4', 'deep/x.webm'])
			writeFileSync(join(root, 'in', name), '');
		expect(await filesOf([join(root, 'in'), join(root, 'in', 'notes.txt'), join(root, 'gone.mp4')])).toEqual(
			['9.MOV', '10.mp4', 'deep/x.webm', 'notes.txt', '../gone.mp4'].map((name) => join(root, 'in', name)),
		);
		expect(await filesOf([join(root, 'in')], join(root, 'in', 'deep'))).toEqual(
			['9.MOV', '10.mp4'].map((name) => join(root, 'in', name)),
		);
		mkdirSync(join(root, 'empty'));
		await expect(filesOf([join(root, 'empty')])).rejects.toMatchObject({ code: 'file-not-found' });
	});

	it('is read again only once somebody has changed it', async () => {
		const before = await folder.jobs();
		expect(await folder.jobs()).toBe(before);
		await new BatchFolder(folder.path).change((jobs) => [...jobs].reverse());
		expect(await folder.jobs()).toEqual([...before].reverse());
	});

	it('refuses a damaged list', async () => {
		writeFileSync(join(folder.path, 'batch.json'), '{"jobs": 3}');
		await expect(folder.jobs()).rejects.toMatchObject({ code: 'file-unreadable' });
	});
});

describe('claims', () => {
	it('give each job to one of many who ask at once', async () => {
		const queues = Array.from({ length: 8 }, () => new LocalQueue(new BatchFolder(folder.path)));
		const claims = (await Promise.all(queues.map((queue) => queue.next()))).filter((claim) => claim !== null);
		const ids = claims.map(({ job }) => job.id);
		expect(new Set(ids).size).toBe(ids.length);
		for (const claim of claims) await claim.release();
	});

	it('follow the order that is wanted', async () => {
		await folder.change((jobs) => [...jobs].reverse());
		const claim = await new LocalQueue(folder).next();
		expect(claim!.job.runFolder).toBe('b/token-cache');
		await claim!.release();
	});

	it.each([
		['released in order: the folder goes on as it is', true],
		['silent for too long: the next one works in a copy', false],
	])('%s', async (_, inOrder) => {
		const [job] = await folder.jobs();
		const first = (await folder.claim(job!))!;
		const before = await put(first, 'begun');
		const impatient = new BatchFolder(folder.path, pulseOf(1000));
		if (inOrder) await first.release();
		else {
			expect(await impatient.claim(job!)).toBeNull();
			const claims = join(folder.path, 'claims');
			for (const name of readdirSync(claims)) utimesSync(join(claims, name), 0, 0);
		}
		const second = (await impatient.claim(job!))!;
		const after = (await second.begin())!;
		expect(after).not.toBe(before);
		expect([existsSync(before), existsSync(join(after, 'run.json'))]).toEqual([false, true]);
		await second.release();
		await first.release();
	});

	it('tell a holder that it was succeeded, and its result is not taken', async () => {
		vi.useFakeTimers({ toFake: ['setInterval'] });
		try {
			const [job] = await folder.jobs();
			const slow = (await folder.claim(job!))!;
			await put(slow, 'slow');
			const claims = join(folder.path, 'claims');
			for (const name of readdirSync(claims)) utimesSync(join(claims, name), 0, 0);
			const next = (await folder.claim(job!))!;
			await next.begin();
			await slow.end({ state: 'done', framesStored: 1 });
			expect(slow.lost.aborted).toBe(true);
			expect(await folder.outcome(job!.id)).toBeNull();
			expect(existsSync(folder.runFolder(job!))).toBe(false);
			await next.release();
		} finally {
			vi.useRealTimers();
		}
	});
});

describe('ends', () => {
	it('give a finished run its place once, and it is never begun again', async () => {
		const [job] = await folder.jobs();
		const claim = (await folder.claim(job!))!;
		await put(claim, JSON.stringify(sampleHeader()));
		await claim.end({ state: 'done', framesStored: 7 });
		expect(await folder.outcome(job!.id)).toEqual({ state: 'done', framesStored: 7 });
		expect(readdirSync(join(folder.path, 'a'))).toEqual(['dense']);
		expect(await folder.claim(job!)).toBeNull();
		rmSync(join(folder.path, 'outcomes'), { recursive: true }); // killed before it was noted
		const again = (await new BatchFolder(folder.path).claim(job!))!;
		expect(await again.begin()).toBeNull();
		await again.release();
	});

	it('that cannot be noted leave the job open, for the same process as well', async () => {
		const [job] = await folder.jobs();
		const claim = (await folder.claim(job!))!;
		await put(claim, JSON.stringify(sampleHeader()));
		writeFileSync(join(folder.path, 'outcomes'), 'in the way');
		await expect(claim.end({ state: 'done', framesStored: 7 })).rejects.toThrow('outcomes');
		rmSync(join(folder.path, 'outcomes'));
		const again = (await folder.claim(job!))!;
		expect(await again.begin()).toBeNull(); // its run has its place
		await again.end({ state: 'done', framesStored: 0 });
		expect(await folder.stateOf(job!.id)).toMatchObject({ state: 'done' });
	});

	it('note failures, which are tried again when somebody asks', async () => {
		const queue = new LocalQueue(folder);
		for (let claim = await queue.next(); claim; claim = await queue.next())
			await claim.end({ state: 'failed', error: FAILURE });
		expect(await queue.isDone()).toBe(true);
		expect((await folder.states()).map(({ state }) => state.state)).toEqual(Array(4).fill('failed'));
		await folder.retryFailed();
		expect(await queue.isDone()).toBe(false);
		expect((await queue.next())!.job.runFolder).toBe('a/dense');
	});
});
