import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AnalysisExchange } from '../analysis/protocol.ts';
import { WarmWorker } from '../analysis/warm-worker.ts';
import { type ErrorCode, errorToData, UserFacingError } from '../domain/errors.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { BatchFolder } from './batch-folder.ts';
import { DENSE } from './configuration.fixture.ts';
import { LocalQueue } from './local-queue.ts';
import { planJobs } from './plan.ts';
import { workOff } from './work.ts';

let root: string;
let folder: BatchFolder;

beforeEach(async () => {
	root = mkdtempSync(join(tmpdir(), 'sparsight-work-'));
	folder = new BatchFolder(join(root, 'batch'));
	const files = ['a.mp4', 'b.mp4'].map((name) => join(root, name));
	for (const file of files) writeFileSync(file, file);
	await folder.add(await planJobs(files, [DENSE]));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A process whose every run fails in the same way. */
function failing(code: ErrorCode): WorkerProcess<AnalysisExchange> {
	const listeners: Parameters<WorkerProcess<AnalysisExchange>['onReport']>[0][] = [];
	const error = errorToData(new UserFacingError(code, 'runs/x: it does not go on.'));
	return {
		pid: 1,
		post: () => setImmediate(() => listeners.forEach((hear) => hear({ type: 'failed', error }))),
		onReport: (listener) => void listeners.push(listener),
		onStderr: () => undefined,
		onExit: () => undefined,
		kill: () => undefined,
	};
}

const work = (code: ErrorCode, mayRead?: (path: string) => Promise<void>) =>
	workOff(
		new LocalQueue(folder),
		{
			worker: new WarmWorker(() => failing(code)),
			choice: { choose: () => Promise.resolve({ execution: null, afterLoss: false }) },
			findModel: (model) => Promise.resolve(model),
			cacheFolder: null,
			...(mayRead && { mayRead }),
		},
		{},
		new AbortController().signal,
		{ lookMilliseconds: 1 },
	);
const states = async () => (await folder.states()).map(({ state }) => state.state);

it('goes on past what fails', async () => {
	await work('decode-failed');
	expect(await states()).toEqual(['failed', 'failed']);
});

it('stops where the disk is full, with its sentence, and fails no job', async () => {
	await expect(work('disk-full')).rejects.toMatchObject({ code: 'disk-full', message: /does not go on/ });
	expect(await states()).toEqual(['waiting', 'waiting']);
});

it('fails what may not be read any more, and the rest goes on', async () => {
	const refused: string[] = [];
	await work('decode-failed', (path) => {
		refused.push(path);
		return Promise.reject(new UserFacingError('file-unreadable', `${path}: no.`));
	});
	expect(refused).toHaveLength(2);
	const errors = [...(await folder.outcomes()).values()].map((ended) => 'error' in ended && ended.error.code);
	expect(errors).toEqual(['file-unreadable', 'file-unreadable']);
});
