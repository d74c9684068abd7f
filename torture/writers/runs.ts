import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { BatchFolder } from '../../main/batch/batch-folder.ts';
import { pulseOf } from '../../main/batch/claims.ts';
import { DENSE } from '../../main/batch/configuration.fixture.ts';
import { LocalQueue } from '../../main/batch/local-queue.ts';
import { planJobs } from '../../main/batch/plan.ts';
import { writeTables } from '../../main/batch/table.ts';
import { errorToData } from '../../main/domain/errors.ts';
import { SampleEngine, undisturbed } from '../../main/results/endless-run.fixture.ts';
import { RUN_FILES } from '../../main/results/run-folder.ts';
import { RunWriter } from '../../main/results/run-writer.ts';
import { sampleHeader } from '../../main/results/sample-run.fixture.ts';
import { openRun } from '../../main/results/stored-run.ts';
import { framesOf } from '../programs.ts';
import { deriveFrom, storedRun, toldOf } from '../stored-run.ts';
import { nothing, type Writer } from './writer.ts';

const FRAMES = 150;

function recorder(title: string, before: number): Writer {
	return {
		title,
		prepare: async (place) => {
			if (before > 0) await record(join(place, 'run'), before, 'cancelled');
		},
		open: (place) =>
			Promise.resolve({ act: () => record(join(place, 'run'), FRAMES, 'cancelled'), close: nothing }),
		find: async (place) => {
			const macs = await storedMacs(join(place, 'run'));
			const right = undisturbed(macs.length).map(({ cost }) => cost.macs);
			if (!isDeepStrictEqual(macs, right)) throw new Error('the frames of the run are others');
			return { macs };
		},
		mayBe: isBetween,
		grows: /^run/,
	};
}

async function storedMacs(folder: string): Promise<number[]> {
	if (!existsSync(join(folder, RUN_FILES.header))) return [];
	return Array.from((await openRun(folder)).results(), ({ cost }) => cost.macs);
}

/** A run as far as it has come, with all that was there before. */
function isBetween(found: unknown, before: unknown, after: unknown): boolean {
	if (!(Array.isArray(found) && Array.isArray(before) && Array.isArray(after))) return false;
	return isDeepStrictEqual(found, after.slice(0, found.length)) && found.length >= before.length;
}

/** Stores frames up to `frames` as analysis does: also its failure. */
async function record(folder: string, frames: number, state: 'complete' | 'cancelled'): Promise<void> {
	const engine = new SampleEngine();
	let first = 0;
	let writer: RunWriter;
	try {
		writer = await RunWriter.create(folder, sampleHeader());
	} catch (error) {
		if (codeOf(error) !== 'run-exists') throw error;
		const resumed = await RunWriter.resume(folder).catch((refusal: unknown) => {
			if (codeOf(refusal) === 'resume-mismatch') return null; // it is complete
			throw refusal;
		});
		if (!resumed) return;
		({ writer } = resumed);
		engine.restoreState(resumed.state);
		first = resumed.lastFrameIndex + 1;
	}
	const end = { decode: null, wallSeconds: 1 };
	try {
		await writer.recordEvent({ frameIndex: first, settings: {} });
		for (let i = first; i < frames; i++) {
			await writer.append(engine.next(i));
			if (i % 50 === 49) await writer.snapshot(engine.saveState());
		}
		await writer.close(state, { ...end, error: null, state: engine.saveState() });
	} catch (error) {
		await writer.close('failed', { ...end, error: String(error), state: null }).catch(() => undefined);
		throw error;
	}
}

const PATIENCE_MILLISECONDS = 200;

/** Works off a job that another process had begun, and writes the table. */
const BATCH: Writer = {
	title: 'A batch: a job taken over and done, and the table',
	prepare: async (place) => {
		const batch = new BatchFolder(join(place, 'batch'));
		await batch.add(await planJobs(['/v/a.mp4', '/v/b.mp4'], [DENSE]));
		const [job] = await batch.jobs();
		await record(join(place, 'batch', `${job!.runFolder}.attempt-1`), 50, 'cancelled');
		const progress = { framesDone: 50, framesEstimated: null, framesPerSecond: 1 };
		mkdirSync(join(place, 'batch', 'claims'));
		const dead = { host: 'another', pid: 7, nonce: 'n', state: 'released', progress };
		writeFileSync(join(place, 'batch', 'claims', `${job!.id}.2.json`), JSON.stringify(dead));
		writeFileSync(join(place, 'table.csv'), 'an earlier one');
	},
	open: (place) => {
		const batch = new BatchFolder(join(place, 'batch'), pulseOf(PATIENCE_MILLISECONDS));
		return Promise.resolve({
			act: async () => {
				const queue = new LocalQueue(batch);
				for (;;) {
					const claim = await queue.next();
					if (claim) {
						try {
							const folder = await claim.begin();
							if (folder !== null) await record(folder, 60, 'complete');
							await claim.end({ state: 'done', framesStored: 60 });
						} finally {
							await claim.release();
						}
					} else if (await queue.isDone()) break;
					// A claim that could not be given back is taken for dead.
					else await sleep(PATIENCE_MILLISECONDS);
				}
				await writeTables(batch, join(place, 'table.csv'));
			},
			close: nothing,
		});
	},
	find: async (place) => {
		const batch = new BatchFolder(join(place, 'batch'), pulseOf(PATIENCE_MILLISECONDS));
		const found: Record<string, unknown> = {};
		for (const { job, state } of await batch.states()) {
			if (state.state === 'failed') throw new Error(state.error.message);
			found[job.videoPath] = state.state === 'done' ? await framesOf(batch.runFolder(job)) : 'not done';
		}
		for (const name of ['table.csv', 'table.summary.csv']) {
			const path = join(place, name);
			// Without the seconds that runs took.
			const text = existsSync(path) ? readFileSync(path, 'utf8') : null;
			found[name] = text && text.replace(/(?<=,done,60,\d+,)[\d.]+/g, '');
		}
		return found;
	},
	grows: /^batch\/(claims|outcomes|[ab]\/)|^table/,
};

/** Files beside a run that only save time. */
const DERIVED: Writer = {
	title: 'What is derived from a run (caches)',
	prepare: async (place) => void (await storedRun(place)),
	open: (place) => Promise.resolve({ act: () => deriveFrom(join(place, 'run')), close: nothing }),
	find: (place) => toldOf(join(place, 'run')),
	isCache: true,
};

function codeOf(error: unknown): string {
	return errorToData(error).code;
}

export const RUN_WRITERS: readonly Writer[] = [
	recorder('A run that is recorded', 0),
	recorder('A run that is gone on with', 120),
	DERIVED,
	BATCH,
];
