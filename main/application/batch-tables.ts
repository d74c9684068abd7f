import type { BatchObjects } from '../../preload/batch-contract.ts';
import type { BatchFolder } from '../batch/batch-folder.ts';
import { objectsOfRun } from '../batch/objects.ts';
import { summaryPath, writeTables } from '../batch/table.ts';
import { errorToData, UserFacingError } from '../domain/errors.ts';
import { RecentMap } from '../domain/recent-map.ts';
import { clockOfFile } from '../domain/recording-clock.ts';
import { readHeader } from '../results/header.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import type { Exports } from './exports.ts';
import { stateOfRun } from './file-states.ts';
import type { Shell } from './shell.ts';
import type { VideoNotes } from './video-notes.ts';

type BatchTablesDependencies = {
	/** The batch of the page. */
	jobs: BatchFolder;
	notes: VideoNotes;
	exports: Exports;
	shell: Shell;
};

/** Jobs whose objects are kept: a table that is shown again need not be computed again. */
const MOST_KEPT = 256;

/** One table over all files of the page's batch. */
export class BatchTables {
	readonly #deps: BatchTablesDependencies;
	/** By job. `state` is that of the run and of what a person added. */
	readonly #kept = new RecentMap<string, { state: string; answer: BatchObjects }>(MOST_KEPT);

	constructor(dependencies: BatchTablesDependencies) {
		this.#deps = dependencies;
	}

	/** The objects of a job that is done. Throws `run-unreadable` where its run can't be read. */
	async objects(jobId: string): Promise<BatchObjects> {
		const { jobs, notes } = this.#deps;
		const job = (await jobs.jobs()).find(({ id }) => id === jobId);
		if (!job || (await jobs.outcome(jobId))?.state !== 'done')
			throw new UserFacingError('bad-argument', `A job that is done was expected (got the id ${jobId}).`);
		const folder = jobs.runFolder(job);
		const { videoIdentity, video } = await readHeader(folder);
		const state = `${await stateOfRun(folder)}, ${await notes.stateOf(videoIdentity, folder)}`;
		const kept = this.#kept.get(jobId);
		if (kept?.state === state) return kept.answer;
		const drawn = await notes.zones(videoIdentity).catch((error: unknown) => errorToData(error));
		const [zones, zonesProblem] = drawn && 'code' in drawn ? [null, drawn] : [drawn, null];
		const answer: BatchObjects = {
			objects: await objectsOfRun(await openRun(folder), zones),
			clock: (await notes.clock(videoIdentity)) ?? clockOfFile(video),
			startSeconds: video.startSeconds,
			zonesProblem,
		};
		this.#kept.set(jobId, { state, answer });
		return answer;
	}

	/** Asks where to write every detection of all jobs, and begins. Null if the user cancels. */
	async save(format: 'csv' | 'jsonl'): Promise<{ exportId: string; name: string } | null> {
		const { jobs, notes, exports, shell } = this.#deps;
		const path = await shell.chooseExportTarget(`batch.${format}`, format);
		if (path === null) return null;
		const cancelled = new AbortController();
		return exports.begin(path, summaryPath(path), (onProgress) => ({
			written: writeTables(jobs, path, {
				zonesOf: ({ header }: StoredRun) => notes.zones(header.videoIdentity),
				clockOf: async ({ header }) => (await notes.clock(header.videoIdentity)) ?? undefined,
				onProgress,
				signal: cancelled.signal,
			}).then(() => undefined),
			cancel: () => cancelled.abort(),
		}));
	}
}
