import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleHeader } from '../results/sample-run.fixture.ts';
import { BatchFolder } from './batch-folder.ts';
import { pulseOf } from './claims.ts';
import { DENSE } from './configuration.fixture.ts';
import { planJobs } from './plan.ts';
import type { Claim } from './queue.ts';
import { nameOfRedis, RedisQueue } from './redis-queue.ts';
import { NO_REDIS, RedisServer } from './redis-server.fixture.ts';

it.each(['http://host', 'nonsense', 'redis:'])('refuses %s as an address', (address) => {
	expect(() => nameOfRedis(address)).toThrow(/--queue must be an address of Redis such as redis:/);
});

describe.skipIf(NO_REDIS !== null)(`through Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
	let root: string;
	let folder: BatchFolder;
	let redis: RedisServer;
	let queues: RedisQueue[];
	let notes: string[];

	beforeEach(async () => {
		root = mkdtempSync(join(tmpdir(), 'sparsight-queue-'));
		folder = new BatchFolder(join(root, 'batch'));
		await folder.add(await planJobs(['/v/a.mp4', '/v/b.mp4'], [DENSE]));
		redis = await RedisServer.start();
		[queues, notes] = [[], []];
	});
	afterEach(async () => {
		for (const queue of queues) await queue.close();
		await redis.close();
		rmSync(root, { recursive: true, force: true });
	});

	async function open(runs: string | null = null): Promise<RedisQueue> {
		const options = { runs, pulse: pulseOf(2000), note: (line: string) => notes.push(line) };
		const queue = await RedisQueue.open(redis.address(), {
			...options,
			signal: new AbortController().signal,
		});
		queues.push(queue);
		return queue;
	}

	async function finish(claim: Claim): Promise<void> {
		const place = (await claim.begin())!;
		mkdirSync(place, { recursive: true });
		writeFileSync(join(place, 'run.json'), JSON.stringify(sampleHeader()));
		await claim.end({ state: 'done', framesStored: 1 });
	}

	it('refuses a wrong password, and prints none', async () => {
		const locked = await RedisServer.start('--requirepass', 'right');
		try {
			const options = { note: (line: string) => notes.push(line), signal: new AbortController().signal };
			const refused = RedisQueue.open(locked.address(':topsecret'), options);
			await expect(refused).rejects.toThrow(/^(?!.*topsecret).*refuses the user or the password/);
			expect(notes.join()).not.toContain('topsecret');
		} finally {
			await locked.close();
		}
	});

	it('gives each job to one, waits for Redis that went, and loses nothing', async () => {
		const [one, other] = [await open(), await open()];
		await one.put(folder);
		const claims = [await one.next(), await other.next()];
		expect(claims.map((claim) => claim!.job.runFolder).sort()).toEqual(['a/dense', 'b/dense']);
		await redis.kill();
		await expect.poll(() => notes.filter((line) => line.includes('does not answer')).length).toBe(2);
		const ended = finish(claims[0]!); // what is done is kept in the folder, whether Redis is there or not
		await claims[1]!.release();
		await redis.start();
		await ended;
		const late = await open();
		await late.put(folder);
		const again = await late.next();
		expect(again!.job.id).toBe(claims[1]!.job.id);
		await finish(again!);
		expect(await late.next()).toBeNull();
		expect((await folder.states()).map(({ state }) => state.state)).toEqual(['done', 'done']);
	});

	it.each([
		['batch', null],
		['..', null],
		['/srv/..', '/srv'],
	])('refuses %s as the folder of a batch (--runs %s)', async (named, runs) => {
		const queue = await open(runs);
		const posing = { path: named, id: () => folder.id(), open: () => folder.open() };
		await queue.put(posing as BatchFolder);
		expect(await queue.next()).toBeNull();
		expect(notes.join()).toContain("the whole path of a batch's folder was expected");
	});

	it('leaves a folder that is none here to others, and makes none', async () => {
		const queue = await open(join(root, 'elsewhere'));
		await queue.put(folder);
		expect(await queue.next()).toBeNull();
		expect(notes.join()).toContain('the folder of a batch was expected here');
		expect(existsSync(join(root, 'elsewhere'))).toBe(false);
	});

	it('refuses a run that would lie outside of its folder', async () => {
		await folder.change((jobs) => jobs.map((job) => ({ ...job, runFolder: join(root, 'outside') })));
		const queue = await open();
		await queue.put(folder);
		expect(await queue.next()).toBeNull();
		expect(notes.join()).toContain('was refused');
		expect(readFileSync(join(folder.path, 'batch.json'), 'utf8')).toContain('outside');
	});
});
