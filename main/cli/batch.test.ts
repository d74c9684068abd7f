import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BatchFolder } from '../batch/batch-folder.ts';
import { NO_REDIS, RedisServer } from '../batch/redis-server.fixture.ts';
import { makeClip, openBench, resultsOf, sparsight, startSparsight, until } from './cli.fixture.ts';

let bench: ReturnType<typeof openBench>;

beforeAll(() => {
	bench = openBench();
	mkdirSync(join(bench.folder, 'clips'));
	makeClip(join(bench.folder, 'clips', 'one.mp4'), 8);
	makeClip(join(bench.folder, 'clips', 'two.mp4'), 12);
	makeClip(join(bench.folder, 'long.mp4'), 250);
	writeFileSync(join(bench.folder, 'clips', 'broken.mp4'), 'no video');
});
afterAll(() => bench.close());

const words = (out: string, ...more: string[]) => ['batch', ...more, '--threads', '1', '--out', out];
const statesOf = async (out: string) =>
	(await new BatchFolder(join(bench.folder, out)).states()).map(({ job, state }) => [
		job.runFolder,
		state.state,
	]);
const rowsOf = (path: string) =>
	readFileSync(join(bench.folder, path), 'utf8')
		.trimEnd()
		.split('\r\n')
		.map((line) => line.split(','));

it('goes on past what fails, says why at the end, and writes one table over all files', async () => {
	const whole = [
		[0, 0],
		[160, 0],
		[160, 121],
		[0, 121],
	];
	const zones = { zones: [{ id: 'a', name: 'square', points: whole }], lines: [] };
	const drawn = { format: 'sparsight-zones', version: 1, pictureSize: { width: 160, height: 120 }, ...zones };
	writeFileSync(
		join(bench.folder, 'zones.json'),
		JSON.stringify({ ...drawn, anchor: 'centre', hysteresis: 0 }),
	);
	const table = ['--table', 'all.csv', '--zones', 'zones.json'];
	const { code, stdout, stderr } = await sparsight(
		bench.folder,
		words('all', 'clips', 'gone.mp4', '--run', 'dense', ...table),
	);
	expect(code).toBe(3);
	expect(stderr).toMatch(/one\.mp4 dense: 8 frames/);
	expect(stdout).toMatch(/broken\.mp4 dense: .*ffmpeg knows no such format\.\n/);
	expect(stdout).toMatch(/gone\.mp4 dense: .*gone\.mp4: no such file or folder\.\n/);
	expect(await statesOf('all')).toEqual([
		['broken/dense', 'failed'],
		['one/dense', 'done'],
		['two/dense', 'done'],
		['gone/dense', 'failed'],
	]);
	const [head, ...rows] = rowsOf('all.csv');
	expect(head!.slice(0, 6)).toEqual(['file', 'run', 'frame', 'time_s', 'recorded_at', 'class']);
	expect(new Set(rows.map(([file]) => file!.split('/').at(-1)))).toEqual(
		new Set(['broken.mp4', 'one.mp4', 'two.mp4', 'gone.mp4']),
	);
	expect(head!.slice(-2)).toEqual(['zones', 'failure']);
	const found = rows.filter(([, , frame]) => frame !== '');
	expect(new Set(found.map((row) => row.at(-2)))).toEqual(new Set(['square']));
	const summary = rowsOf('all.summary.csv').slice(1);
	expect(summary.map(([, , state, frames]) => [state, frames])).toEqual([
		['failed', ''],
		['done', '8'],
		['done', '12'],
		['failed', ''],
	]);
	expect(summary[3]!.at(-1)).toMatch(/no such file/);
});

it('does each job once when two begin the same batch at the same time', async () => {
	const both = words('both', 'clips/one.mp4', 'clips/two.mp4', '--run', 'dense', '--run', 'token-cache');
	const ended = await Promise.all([sparsight(bench.folder, both), sparsight(bench.folder, both)]);
	expect(ended.map(({ code }) => code)).toEqual([0, 0]);
	const lines = ended.map(({ stderr }) => stderr.match(/: \d+ frames$/gm)?.length ?? 0);
	expect(lines[0]! + lines[1]!).toBe(4);
});

it('ends in order at Ctrl+C, and goes on where it stopped', async () => {
	const all = words('resumed', 'long.mp4', '--patience', '1');
	const first = startSparsight(bench.folder, all);
	const batch = new BatchFolder(join(bench.folder, 'resumed'));
	const hasBegun = async () =>
		(await batch.states()).some(({ state }) => state.state === 'running' && state.progress.framesDone > 0);
	while (!(await hasBegun())) await sleep(20);
	first.child.kill('SIGINT');
	expect((await first.ended).code).toBe(130);
	const { code, stderr } = await sparsight(bench.folder, all);
	expect(code).toBe(0);
	expect(stderr).toMatch(/going on after \d+ stored frames/);
	const [job] = await batch.jobs();
	expect(await resultsOf(batch.runFolder(job!))).toHaveLength(250);
});

describe.skipIf(NO_REDIS !== null)(`through Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
	it.each([
		['http://host', 2, /--queue must be an address of Redis such as redis:\/\/host:6379 \(got http\)/],
		['nonsense', 2, /--queue must be an address of Redis/],
	])('refuses %s as an address', async (address, exitCode, message) => {
		const { code, stderr } = await sparsight(bench.folder, ['worker', '--queue', address]);
		expect(code).toBe(exitCode);
		expect(stderr).toMatch(message);
	});

	it('refuses a wrong password, and prints none', async () => {
		const redis = await RedisServer.start('--requirepass', 'right');
		try {
			const wrong = await sparsight(bench.folder, ['worker', '--queue', redis.address(':topsecret')]);
			expect(wrong.code).toBe(2);
			expect(wrong.stderr).toMatch(/refuses the user or the password/);
			expect(wrong.stderr + wrong.stdout).not.toContain('topsecret');
		} finally {
			await redis.close();
		}
	});

	it('waits for Redis that went, and loses nothing', async () => {
		const redis = await RedisServer.start();
		const queue = ['--queue', redis.address(), '--patience', '2'];
		const workers = [1, 2].map(() => startSparsight(bench.folder, ['worker', ...queue]));
		try {
			await until(() => workers.every(({ stderr }) => stderr().includes('Waiting for jobs')));
			const batch = startSparsight(bench.folder, words('far', 'clips/one.mp4', 'long.mp4', ...queue));
			await until(() => workers.some(({ stderr }) => stderr().includes('one.mp4 token-cache: 8 frames')));
			await redis.kill();
			await until(() => workers.every(({ stderr }) => stderr().includes('does not answer: waiting for it')));
			await redis.start();
			expect((await batch.ended).code).toBe(0);
			expect(await statesOf('far')).toEqual([
				['one/token-cache', 'done'],
				['long/token-cache', 'done'],
			]);
			const ends = workers.map(({ stderr }) => stderr().match(/: \d+ frames$/gm)?.length ?? 0);
			expect(ends[0]! + ends[1]!).toBe(2);
		} finally {
			for (const { child } of workers) child.kill('SIGINT');
			expect(await Promise.all(workers.map(async ({ ended }) => (await ended).code))).toEqual([0, 0]);
			await redis.close();
		}
	});
});
