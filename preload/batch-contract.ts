import { z } from 'zod';
import type { RunObjects } from '../main/batch/objects.ts';
import type { ErrorData } from '../main/domain/errors.ts';
import type { RecordingClock } from '../main/domain/recording-clock.ts';
import type { SettingValues } from '../main/domain/settings-table.ts';
import type { VideoEntry } from './video-entry.ts';

const id = z.string().regex(/^[a-z0-9-]{1,64}$/);
/** More than a folder is listed with. */
const MOST_AT_ONCE = 5000;

const configuration = z.strictObject({
	modelId: z.string().max(64),
	mode: z.string().max(64),
	settings: z.record(z.string().max(64), z.union([z.number(), z.string().max(256), z.boolean()])),
});
/** How files are analysed. */
export type BatchConfiguration = { modelId: string; mode: string; settings: SettingValues };

/** Requests about many files that are analysed one after another. */
export const batchRequestSchemas = {
	'batch.get': z.strictObject({}),
	/** Desktop: shows the system's dialog; the videos in the folder, and below it. Empty if the user cancels. */
	'batch.chooseFolder': z.strictObject({}),
	/** Desktop: files and folders that were dropped on the page. */
	'batch.adopt': z.strictObject({ dropTokens: z.array(z.string().max(64)).min(1).max(256) }),
	/** Web host: the videos in a folder that a browse found, and below it. */
	'batch.folder': z.strictObject({ folderId: id }),
	/** Adds each file in each configuration at the end; what is there already is not added again. */
	'batch.add': z.strictObject({
		videoIds: z.array(id).min(1).max(MOST_AT_ONCE),
		configurations: z.array(configuration).min(1).max(16),
	}),
	/** Moves a job to a place in the list, counted without it. */
	'batch.move': z.strictObject({ jobId: id, to: z.number().int().min(0) }),
	/** Takes jobs out of the list; finished runs stay stored. */
	'batch.remove': z.strictObject({ jobIds: z.array(id).min(1).max(MOST_AT_ONCE) }),
	/** Begins or goes on, or pauses; a host that is started anew goes on. */
	'batch.run': z.strictObject({ running: z.boolean() }),
	/** Jobs that failed wait again. */
	'batch.retry': z.strictObject({}),
	/** The objects of a job that is done, after a person's edits. */
	'batch.objects': z.strictObject({ jobId: id }),
	/** Writes every detection of all jobs, and a summary beside it; `export` events follow. Null if the user cancels. */
	'batch.saveTable': z.strictObject({ format: z.enum(['csv', 'jsonl']) }),
} as const;

export type BatchJobState = {
	state: 'waiting' | 'running' | 'done' | 'failed';
	framesDone: number;
	framesEstimated: number | null;
	framesPerSecond: number;
	/** Why it failed. */
	error: ErrorData | null;
	/** The stored run of a job that is done. */
	runId: string | null;
};

/** One file in one configuration. */
export type BatchEntry = BatchConfiguration & { jobId: string; video: VideoEntry } & BatchJobState;

export type BatchPhase = {
	/** `giving-way`: a run that a person started goes first. */
	phase: 'stopped' | 'running' | 'giving-way';
	/** Why the batch stopped by itself. */
	error: ErrorData | null;
};

export type BatchList = BatchPhase & { jobs: BatchEntry[] };

/** The objects of a job, and what else is known of its video. */
export type BatchObjects = {
	objects: RunObjects;
	/** When the video was recorded; null where nobody knows. */
	clock: RecordingClock | null;
	/** In the file's own clock. */
	startSeconds: number;
	/** Why its zones are left out. */
	zonesProblem: ErrorData | null;
};

export type BatchAnswers = {
	'batch.get': BatchList;
	'batch.chooseFolder': VideoEntry[];
	'batch.adopt': VideoEntry[];
	'batch.folder': VideoEntry[];
	'batch.add': BatchList;
	'batch.move': BatchList;
	'batch.remove': BatchList;
	'batch.run': null;
	'batch.retry': BatchList;
	'batch.objects': BatchObjects;
	'batch.saveTable': { exportId: string; name: string } | null;
};

export type BatchEvent =
	| ({ type: 'batch.phase' } & BatchPhase)
	| { type: 'batch.job'; jobId: string; state: BatchJobState }
	/** Frames done, frames estimated, frames per second: at most twice a second. */
	| { type: 'batch.progress'; jobId: string; progress: [number, number | null, number] }
	/** The list is another one: another page changed it. */
	| { type: 'batch.list' };
