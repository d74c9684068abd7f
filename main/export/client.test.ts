import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { scriptedWorker } from '../process/scripted-worker.fixture.ts';
import { startExport } from './client.ts';
import { writePartialFirst } from './partial-file.ts';
import type { ExportExchange, ExportJob } from './protocol.ts';
import { inTemporaryFolder } from './run.fixture.ts';

afterEach(() => vi.useRealTimers());

/** An export that has half of its file, over an older one; its process is this one, as far as names go. */
async function withHalf(
	test: (begun: {
		running: ReturnType<typeof startExport>;
		heard: number[][];
		said: ReturnType<typeof scriptedWorker<ExportExchange>>['said'];
		requests: string[];
		kills: () => number;
		expectNothingLeft: () => void;
		out: string;
	}) => Promise<void>,
): Promise<void> {
	await inTemporaryFolder(async (folder) => {
		const out = join(folder, 'clip.mp4');
		writeFileSync(out, 'older');
		let half = '';
		await writePartialFirst(out, [], (partial) => {
			half = partial;
			return Promise.reject(new Error('only its name is wanted'));
		}).catch(() => undefined);
		mkdirSync(dirname(half));
		writeFileSync(half, 'half');
		const { worker, requests, said } = scriptedWorker<ExportExchange>(process.pid);
		const kill = vi.spyOn(worker, 'kill');
		const heard: number[][] = [];
		const job: ExportJob = { format: 'video', runs: [], out, range: null, settings: {} };
		await test({
			running: startExport(job, worker, (...counts) => heard.push(counts)),
			heard,
			said,
			get requests() {
				return requests.map(({ type }) => type);
			},
			kills: () => kill.mock.calls.length,
			expectNothingLeft() {
				expect(existsSync(dirname(half))).toBe(false);
				expect(readFileSync(out, 'utf8')).toBe('older');
			},
			out,
		});
	});
}

describe('an export in another process', () => {
	it('tells how far it is, and resolves with its end', () =>
		withHalf(async ({ running, heard, said }) => {
			said.report({ type: 'progress', done: 1, total: 3 });
			said.report({ type: 'progress', done: 3, total: 3 });
			said.report({ type: 'finished', outcome: null });
			said.exit(0, null);
			await running.written;
			expect(heard).toEqual([
				[1, 3],
				[3, 3],
			]);
		}));

	it('gives a failure of the process as the error that it was', () =>
		withHalf(async ({ running, said, expectNothingLeft }) => {
			const error = { code: 'disk-full', message: 'No.', remedy: 'Free some space.', stack: null } as const;
			said.report({ type: 'failed', error });
			await expect(running.written).rejects.toMatchObject({
				code: 'disk-full',
				message: 'No.',
				remedy: 'Free some space.',
			});
			expectNothingLeft();
		}));

	it.each([
		['a kill', null, 'SIGKILL', 'by signal SIGKILL'],
		['a crash', null, 'SIGSEGV', 'by signal SIGSEGV'],
		['an early end', 3, null, 'with exit code 3'],
	])('tells %s in one sentence, with the last words as the cause', async (_, code, signal, how) => {
		await withHalf(async ({ running, said, expectNothingLeft, out }) => {
			said.stderr('out of memory\n');
			said.exit(code, signal);
			await expect(running.written).rejects.toMatchObject({
				code: 'export-died',
				message: `${out}: the export process ended ${how} before the file was whole; nothing was left behind.`,
				remedy: 'Export again.',
				cause: { message: 'out of memory' },
			});
			expectNothingLeft();
		});
	});

	it('is asked to stop, once it is cancelled, and ended where it does not', () =>
		withHalf(async (begun) => {
			vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
			begun.running.cancel();
			begun.running.cancel();
			expect(begun.requests).toEqual(['start', 'cancel']);
			expect(begun.kills()).toBe(0);
			vi.advanceTimersByTime(60_000);
			expect(begun.kills()).toBe(1);
			await expect(begun.running.written).rejects.toMatchObject({ code: 'cancelled' });
			begun.expectNothingLeft();
		}));

	it('is left in peace when it has ended: its number may be another process by then', () =>
		withHalf(async (begun) => {
			vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
			begun.running.cancel();
			begun.said.report({ type: 'finished', outcome: null });
			await begun.running.written;
			begun.running.cancel();
			vi.advanceTimersByTime(60_000);
			expect(begun.kills()).toBe(0);
		}));
});
