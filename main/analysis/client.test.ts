import { describe, expect, it } from 'vitest';
import { scriptedWorker } from '../process/scripted-worker.fixture.ts';
import { startAnalysis } from './client.ts';
import type { AnalysisExchange, AnalysisJob } from './protocol.ts';

const job = { videoPath: 'clip.mp4' } as AnalysisJob;
const outcome = {
	state: 'complete',
	framesStored: 3,
	wallSeconds: 1,
	decode: null,
	peakMemoryBytes: 1,
} as const;

describe('startAnalysis', () => {
	it('sends the job first, then what is asked for, and hears every report but the last', async () => {
		const { worker, requests, said } = scriptedWorker<AnalysisExchange>();
		const heard: string[] = [];
		const analysis = startAnalysis(job, worker, ({ type }) => heard.push(type));
		analysis.changeSettings({ fraction: 0.2 });
		analysis.cancel();
		said.report({ type: 'settings-changed', event: { frameIndex: 4, settings: { fraction: 0.2 } } });
		said.report({ type: 'finished', outcome });
		said.exit(0, null);
		await expect(analysis.outcome).resolves.toEqual(outcome);
		expect(heard).toEqual(['settings-changed']);
		expect(requests.map(({ type }) => type)).toEqual(['start', 'change-settings', 'cancel']);
	});

	it('gives a failure of the worker as the error that it was', async () => {
		const { worker, said } = scriptedWorker<AnalysisExchange>();
		const analysis = startAnalysis(job, worker, () => undefined);
		const error = {
			code: 'not-a-video',
			message: 'clip.mp4: no.',
			remedy: 'Take another.',
			stack: null,
		} as const;
		said.report({ type: 'failed', error });
		said.exit(0, null);
		await expect(analysis.outcome).rejects.toMatchObject({ code: 'not-a-video', remedy: 'Take another.' });
	});

	it.each([
		['a kill', null, 'SIGKILL', 'by signal SIGKILL'],
		['a crash', null, 'SIGSEGV', 'by signal SIGSEGV'],
		['an early end', 3, null, 'with exit code 3'],
	])('tells %s of the worker, with its last words as the cause', async (_, code, signal, words) => {
		const { worker, said } = scriptedWorker<AnalysisExchange>();
		const analysis = startAnalysis(job, worker, () => undefined);
		for (let i = 0; i < 100; i++) said.stderr(`line ${i}\n`);
		said.stderr('out of memory\n');
		said.exit(code, signal);
		const error = await analysis.outcome.catch((reason: unknown) => reason);
		expect(error).toMatchObject({
			code: 'worker-died',
			message: expect.stringContaining(words),
			remedy: expect.stringContaining('resume the run'),
			cause: { message: expect.stringMatching(/^line 89\n(.*\n)*out of memory$/) },
		});
	});
});
