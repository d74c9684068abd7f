import { describe, expect, it, vi } from 'vitest';
import type { ErrorCode } from '../domain/errors.ts';
import { type Execution, ON_CPU } from '../domain/execution.ts';
import type { RunHeader } from '../domain/run.ts';
import { scriptedWorker } from '../process/scripted-worker.fixture.ts';
import { startLastingAnalysis } from './device-loss.ts';
import type { AnalysisExchange, AnalysisJob, AnalysisNews, AnalysisOutcome } from './protocol.ts';

const ON_DEVICE: Execution = { provider: 'webgpu', attention: 'plain', precision: 'float32' };
const JOB = { videoPath: 'clip.mp4', start: 'create', execution: ON_DEVICE } as AnalysisJob;
const OUTCOME: AnalysisOutcome = {
	state: 'complete',
	framesStored: 3,
	wallSeconds: 1,
	decode: null,
	peakMemoryBytes: 1,
};

/** A run whose workers a test ends one after another. */
function start(job: AnalysisJob = JOB, patienceMilliseconds?: number) {
	const workers: ReturnType<typeof scriptedWorker<AnalysisExchange>>[] = [];
	const news: AnalysisNews[] = [];
	const startWorker = () => {
		workers.push(scriptedWorker<AnalysisExchange>(workers.length));
		return workers.at(-1)!.worker;
	};
	const analysis = startLastingAnalysis(
		job,
		startWorker,
		(one) => news.push(one),
		undefined,
		patienceMilliseconds,
	);
	const opened = (execution = ON_DEVICE) =>
		workers.at(-1)!.said.report({
			type: 'opened',
			header: {} as RunHeader,
			execution,
			framesStored: 0,
			remarks: [],
		});
	return { analysis, workers, news, opened };
}

const fail = (code: ErrorCode) =>
	({ type: 'failed', error: { code, message: 'It broke.', remedy: null, stack: null } }) as const;

/** Lets the loss of a worker be heard. */
const heard = () => new Promise((resolve) => setImmediate(resolve));

describe('a worker on a device', () => {
	it.each<[string, (said: ReturnType<typeof scriptedWorker<AnalysisExchange>>['said']) => void]>([
		['dies by a signal', ({ exit }) => exit(null, 'SIGSEGV')],
		['ends with an exit code', ({ exit }) => exit(134, null)],
		['says that the device is lost', ({ report }) => report(fail('device-lost'))],
		['can’t load a graph', ({ report }) => report(fail('model-unreadable'))],
	])('that %s is followed by one on the CPU, which goes on', async (_, end) => {
		const { analysis, workers, news, opened } = start();
		opened();
		end(workers[0]!.said);
		await heard();
		expect(news.at(-1)).toMatchObject({ type: 'device-lost', provider: 'webgpu' });
		expect(workers[1]!.requests).toEqual([
			{ type: 'start', job: { ...JOB, start: 'ensure', execution: ON_CPU, afterLoss: true } },
		]);
		expect(analysis.pid).toBe(1);
		workers[1]!.said.report({ type: 'finished', outcome: OUTCOME });
		await expect(analysis.outcome).resolves.toEqual(OUTCOME);
	});

	it('that says nothing for too long is followed by one on the CPU', async () => {
		const { analysis, workers, news, opened } = start(JOB, 30);
		opened();
		await vi.waitFor(() => expect(workers).toHaveLength(2));
		const reason = 'it said nothing for 0.03 seconds';
		expect(news.at(-1)).toEqual({ type: 'device-lost', provider: 'webgpu', reason });
		opened(ON_CPU);
		await new Promise((resolve) => setTimeout(resolve, 60)); // on the CPU, nothing hurries it
		workers[1]!.said.report({ type: 'finished', outcome: OUTCOME });
		await expect(analysis.outcome).resolves.toEqual(OUTCOME);
		expect(workers).toHaveLength(2);
	});

	it('that waits for frames, but lives, is waited for', async () => {
		const { analysis, workers, news, opened } = start(JOB, 60);
		opened();
		for (let i = 0; i < 8; i++) {
			await new Promise((resolve) => setTimeout(resolve, 15));
			workers[0]!.said.report({ type: 'alive' });
		}
		workers[0]!.said.report({ type: 'finished', outcome: OUTCOME });
		await expect(analysis.outcome).resolves.toEqual(OUTCOME);
		expect(news.map(({ type }) => type)).toEqual(['opened']);
	});

	it('that dies before it opened the run is followed by one that begins as the first did', async () => {
		const { workers } = start();
		workers[0]!.said.exit(null, 'SIGABRT');
		await heard();
		expect(workers[1]!.requests[0]).toMatchObject({ job: { start: 'create', execution: ON_CPU } });
	});

	it('that a run went on with is known from what it opened', async () => {
		const { workers, opened } = start({ ...JOB, start: 'continue', execution: null });
		opened();
		workers[0]!.said.exit(null, 'SIGKILL');
		await heard();
		expect(workers).toHaveLength(2);
	});

	it('hands on what was asked for and not answered', async () => {
		const { analysis, workers, opened } = start();
		opened();
		analysis.changeSettings({ fraction: 0.2 });
		analysis.changeSettings({ fraction: 0.3 });
		const event = { frameIndex: 4, settings: { fraction: 0.2 } };
		workers[0]!.said.report({ type: 'settings-changed', event });
		analysis.cancel();
		workers[0]!.said.exit(null, 'SIGKILL');
		await heard();
		expect(workers[1]!.requests.slice(1)).toEqual([
			{ type: 'change-settings', settings: { fraction: 0.3 } },
			{ type: 'cancel' },
		]);
	});
});

describe('the end of a worker is the end of the run', () => {
	it.each<[string, Partial<AnalysisJob>, (run: ReturnType<typeof start>) => void, ErrorCode]>([
		[
			'on the CPU',
			{ execution: ON_CPU },
			({ workers }) => workers[0]!.said.exit(null, 'SIGSEGV'),
			'worker-died',
		],
		[
			'where no device was asked for',
			{ execution: null },
			({ workers }) => workers[0]!.said.exit(1, null),
			'worker-died',
		],
		['that the host killed', {}, ({ analysis }) => analysis.kill(), 'worker-died'],
		['for bad input', {}, ({ workers }) => workers[0]!.said.report(fail('not-a-video')), 'not-a-video'],
		['for a full disk', {}, ({ workers }) => workers[0]!.said.report(fail('disk-full')), 'disk-full'],
	])('%s', async (_, changes, end, code) => {
		const run = start({ ...JOB, ...changes });
		end(run);
		await expect(run.analysis.outcome).rejects.toMatchObject({ code });
		expect(run.workers).toHaveLength(1);
	});

	it('when the CPU fails as well', async () => {
		const { analysis, workers, opened } = start();
		opened();
		workers[0]!.said.exit(null, 'SIGSEGV');
		await heard();
		opened(ON_CPU);
		workers[1]!.said.exit(null, 'SIGKILL');
		await expect(analysis.outcome).rejects.toMatchObject({
			code: 'worker-died',
			message: expect.stringContaining('SIGKILL'),
		});
		expect(workers).toHaveLength(2);
	});
});
