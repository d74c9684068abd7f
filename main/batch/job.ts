import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PRECISIONS } from '../domain/execution.ts';
import type { ErrorData } from '../domain/errors.ts';
import { inOrder } from '../domain/run.ts';

const position = z.union([z.object({ frame: z.int() }), z.object({ seconds: z.number() })]);

/** How files are analysed: all of a job but its file. */
export const configurationSchema = z.object({
	/** Its name among those of the batch, fit for a folder's name. */
	label: z.string().regex(/^[\w.-]{1,100}$/),
	/** The id of a model, which each machine finds for itself, or a path. */
	model: z.string(),
	mode: z.string(),
	/** Settings that differ from the mode's defaults. */
	settings: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
	range: z.object({ from: position, to: position.nullable(), every: z.int().positive() }),
	/** `auto`, or an execution provider. */
	provider: z.string(),
	precision: z.enum(PRECISIONS).nullable(),
	threads: z.int().positive().nullable(),
	maxSide: z.int().positive().nullable(),
	scoreThreshold: z.number().nullable(),
});
export type Configuration = z.infer<typeof configurationSchema>;

export const jobSchema = z.object({
	/** Of what is wanted: the same file in the same configuration has the same id. */
	id: z.string().regex(/^[0-9a-f]{16}$/),
	/** Absolute. */
	videoPath: z.string(),
	/** What the file was when it was added; null where it could not be read. */
	identity: z.object({ fileBytes: z.number(), edgesSha256: z.string() }).nullable(),
	configuration: configurationSchema,
	/** Folder of the finished run: absolute, or from the batch's folder on. */
	runFolder: z.string(),
});
/** One file in one configuration. */
export type BatchJob = z.infer<typeof jobSchema>;

/** The id of a job, by all that its result depends on. */
export function jobId(videoPath: string, { label, ...configuration }: Configuration): string {
	const words = JSON.stringify([videoPath, configuration], inOrder);
	return createHash('sha256').update(words).digest('hex').slice(0, 16);
}

/** How far a run has come. */
export type JobProgress = { framesDone: number; framesEstimated: number | null; framesPerSecond: number };

/** How a job ended. */
export type JobOutcome = { state: 'done'; framesStored: number } | { state: 'failed'; error: ErrorData };

/** Where a job stands; `worker` is who runs it, as host:process. */
export type JobState =
	| { state: 'waiting'; progress: JobProgress | null }
	| { state: 'running'; worker: string; progress: JobProgress }
	| JobOutcome;
