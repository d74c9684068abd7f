import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserFacingError } from '../domain/errors.ts';
import { openRun } from '../results/stored-run.ts';
import {
	framesStored,
	makeClip,
	openBench,
	resultsOf,
	sparsight,
	startSparsight,
	until,
} from './cli.fixture.ts';
import { exitCodeOf } from './exit-codes.ts';
import { failureOf } from './interruption.ts';

/** Enough for several stored batches, so that every interruption comes in the middle. */
const FRAMES = 200;

const bench = openBench();
const analyze = (out: string) => [
	'analyze',
	'clip.mp4',
	'--mode',
	'token-cache',
	'--threads',
	'1',
	'--out',
	out,
];

beforeAll(async () => {
	makeClip(join(bench.folder, 'clip.mp4'), FRAMES);
	expect(await sparsight(bench.folder, analyze('straight'))).toMatchObject({ code: 0 });
});

afterAll(bench.close);

async function expectSameAsStraight(out: string) {
	const resumed = await sparsight(bench.folder, [...analyze(out), '--resume', '--json']);
	expect(resumed.code).toBe(0);
	expect(JSON.parse(resumed.stdout)).toMatchObject({ state: 'complete', frames: FRAMES });
	expect(await resultsOf(join(bench.folder, out))).toEqual(await resultsOf(join(bench.folder, 'straight')));
}

describe('analyze, interrupted', () => {
	it.each(['SIGINT', 'SIGTERM'] as const)(
		'%s once: ends in order, resumable, and says how',
		async (signal) => {
			const out = `once-${signal}`;
			const { child, ended } = startSparsight(bench.folder, [...analyze(out), '--json']);
			await framesStored(join(bench.folder, out));
			child.kill(signal);
			const { code, stdout, stderr } = await ended;
			expect(code).toBe(130);
			expect(stderr).toContain('repeat the command with --resume to go on');
			const run = JSON.parse(stdout);
			expect(run.state).toBe('cancelled');
			expect(run.frames).toBeGreaterThan(0);
			expect(run.frames).toBeLessThan(FRAMES);
			await expectSameAsStraight(out);
		},
	);

	it('SIGINT twice: ends at once, and what was stored can be gone on with', async () => {
		const { child, ended } = startSparsight(bench.folder, analyze('twice'));
		await framesStored(join(bench.folder, 'twice'));
		child.kill('SIGINT');
		child.kill('SIGINT');
		// One is enough when both arrive as one.
		const again = setInterval(() => child.kill('SIGINT'), 5);
		expect((await ended).code).toBe(130);
		clearInterval(again);
		await expectSameAsStraight('twice');
	});

	it('kill -9 of the worker: says so, and what was stored can be gone on with', async () => {
		const { ended, stderr } = startSparsight(bench.folder, [...analyze('killed'), '--json', '--verbose']);
		await framesStored(join(bench.folder, 'killed'));
		await until(() => /worker process \d+/.test(stderr()));
		process.kill(Number(/worker process (\d+)/.exec(stderr())?.[1]), 'SIGKILL');
		const { code, stdout } = await ended;
		expect(code).toBe(5);
		expect(JSON.parse(stdout)).toEqual({
			error: {
				code: 'worker-died',
				message: 'The analysis process ended by signal SIGKILL before its run was done.',
				remedy: expect.stringContaining('--resume'),
			},
		});
		const left = await openRun(join(bench.folder, 'killed'));
		expect(left.frameCount).toBeGreaterThan(0);
		expect([...left.results()]).toHaveLength(left.frameCount);
		await expectSameAsStraight('killed');
	});

	it('kill -9 after an earlier stop: goes on from the snapshot that the stop left, not from the beginning', async () => {
		const out = 'snapshot';
		const folder = join(bench.folder, out);
		const first = startSparsight(bench.folder, analyze(out));
		await framesStored(folder);
		first.child.kill('SIGINT');
		expect((await first.ended).code).toBe(130);
		const stopped = (await openRun(folder)).frameCount;

		const second = startSparsight(bench.folder, [...analyze(out), '--resume', '--verbose']);
		while ((await openRun(folder)).frameCount <= stopped)
			await new Promise((resolve) => setTimeout(resolve, 20));
		process.kill(Number(/worker process (\d+)/.exec(second.stderr())?.[1]), 'SIGKILL');
		expect((await second.ended).code).toBe(5);
		expect((await openRun(folder)).frameCount).toBeGreaterThan(stopped);

		const third = await sparsight(bench.folder, [...analyze(out), '--resume']);
		expect(third.stderr).toContain(`going on after ${stopped} stored frames`);
		expect(third.code).toBe(0);
		expect(await resultsOf(folder)).toEqual(await resultsOf(join(bench.folder, 'straight')));
	});

	it('kill -9 of the command line: its worker notices, stores what it has and ends', async () => {
		const { child, ended, stderr } = startSparsight(bench.folder, [...analyze('orphan'), '--verbose']);
		await framesStored(join(bench.folder, 'orphan'));
		const worker = Number(/worker process (\d+)/.exec(stderr())?.[1]);
		child.kill('SIGKILL');
		await ended;
		await until(() => !existsSync(`/proc/${worker}`) && !alive(worker));
		expect((await openRun(join(bench.folder, 'orphan'))).status.state).toBe('cancelled');
		await expectSameAsStraight('orphan');
	});
});

function alive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}

describe('a command that fails', () => {
	const ofChild = new Error('Command failed: ffmpeg -hide_banner -encoders');
	it.each<[when: string, error: Error, signal: AbortSignal, code: number]>([
		['as Ctrl+C ended its ffmpeg: interrupted', ofChild, AbortSignal.abort(), 130],
		['by itself: as it says', ofChild, new AbortController().signal, 1],
		['by a full disk, then interrupted', new UserFacingError('disk-full', 'x'), AbortSignal.abort(), 4],
	])('%s', (_, error, signal, code) => {
		expect(exitCodeOf(failureOf(error, { signal }))).toBe(code);
	});
});
