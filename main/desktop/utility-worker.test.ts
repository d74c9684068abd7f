import { beforeEach, describe, expect, it, vi } from 'vitest';
import { startAnalysis } from '../analysis/client.ts';
import type { AnalysisExchange, AnalysisJob, WorkerNews } from '../analysis/protocol.ts';
import { utilityProcess } from './electron.fixture.ts';
import { envelop } from '../process/protocol.ts';
import { utilityWorker, WORKER_NAMES } from './utility-worker.ts';

vi.mock('electron', () => import('./electron.fixture.ts'));

beforeEach(() => (utilityProcess.forked.length = 0));

const JOB = { videoPath: '/video.mp4' } as AnalysisJob;
const OUTCOME = { state: 'complete', framesStored: 3 } as const;

function start() {
	const reports: WorkerNews[] = [];
	const worker = utilityWorker<AnalysisExchange>('/app/worker.js', WORKER_NAMES.analysis);
	const analysis = startAnalysis(JOB, worker, (report) => reports.push(report));
	const { child, entry, options } = utilityProcess.forked[0]!;
	return { analysis, reports, child, entry, options };
}

describe('a worker in a utility process', () => {
	it('is started from the file of the worker, under a name that people know', () => {
		const { entry, options, child } = start();
		expect(entry).toBe('/app/worker.js');
		expect(options['serviceName']).toBe('Sparsight analysis');
		expect(child.posted).toEqual([envelop({ type: 'start', job: JOB })]);
	});

	it('tells how it goes, and takes requests', () => {
		const { analysis, reports, child } = start();
		const report = { type: 'settings-refused', error: { code: 'bad-argument' } };
		child.emit('message', envelop(report));
		child.emit('message', { type: 'settings-refused' });
		expect(reports).toEqual([report]);
		analysis.cancel();
		expect(child.posted.at(-1)).toEqual(envelop({ type: 'cancel' }));
	});

	it('is ended when its last report has come, and not before', async () => {
		const { analysis, child } = start();
		child.emit('message', envelop({ type: 'progress' }));
		expect(child.killed).toBe(false);
		child.emit('message', envelop({ type: 'finished', outcome: OUTCOME }));
		expect(child.killed).toBe(true);
		child.emit('exit', 15);
		child.stderr.emit('close');
		await expect(analysis.outcome).resolves.toEqual(OUTCOME);
	});

	it('that dies is reported with its last words, though they come after its end', async () => {
		const { analysis, child } = start();
		child.emit('exit', 134);
		child.stderr.emit('data', 'terminate called after throwing\n');
		child.stderr.emit('close');
		const error = await analysis.outcome.catch((reason: unknown) => reason);
		expect(error).toMatchObject({
			code: 'worker-died',
			cause: { message: 'terminate called after throwing' },
		});
	});

	it('is known by its number when Electron has forgotten that', () => {
		const worker = utilityWorker('/app/export-worker.js', WORKER_NAMES.export);
		const { child, options } = utilityProcess.forked[0]!;
		expect([worker.pid, options['serviceName']]).toEqual([undefined, 'Sparsight export']);
		child.pid = 4321;
		child.emit('spawn');
		child.pid = undefined;
		child.emit('exit', 0);
		expect(worker.pid).toBe(4321);
	});

	it('is killed even before it has a process', () => {
		const { analysis, child } = start();
		analysis.kill();
		expect(child.killed).toBe(true);
	});
});
