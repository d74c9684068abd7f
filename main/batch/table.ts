import { extname } from 'node:path';
import { csvLine } from '../export/csv-line.ts';
import { followRun } from '../export/identities.ts';
import { writePartialFirst, writeText } from '../export/partial-file.ts';
import { rounded } from '../export/score-setting.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import type { BatchFolder } from './batch-folder.ts';
import type { BatchJob, JobOutcome } from './job.ts';

/** A field; empty where there is nothing to say. */
type Field = string | number;
type Row = Record<string, Field>;

// prettier-ignore
const DETECTION_COLUMNS = [
	'file', 'run', 'frame', 'time_s', 'class', 'score', 'left_px', 'top_px', 'right_px', 'bottom_px', 'track', 'failure',
];
const SUMMARY_COLUMNS = ['file', 'run', 'state', 'frames', 'objects', 'seconds', 'gmac_per_frame', 'failure'];

/** A job in the summary of a batch. */
export type JobSummary = {
	file: string;
	run: string;
	state: 'done' | 'failed' | 'waiting';
	frames: number | null;
	/** Tracks; null where they were not followed. */
	objects: number | null;
	/** Seconds that the run took. */
	seconds: number | null;
	/** 10⁹ multiply-adds, mean of its frames. */
	gmacPerFrame: number | null;
	failure: string | null;
};

/**
 * Writes one table over all files of a batch: a row per detection that is shown, and one with the reason per job that failed. CSV, or
 * JSON lines where `path` ends with .json or .jsonl. Beside it, `summaryPath`, a row per job. Returns the summary.
 */
export async function writeTables(
	folder: BatchFolder,
	path: string,
	signal?: AbortSignal,
): Promise<JobSummary[]> {
	const isJson = /^\.jsonl?$/i.test(extname(path));
	const line = (columns: readonly string[], row: Row) =>
		isJson
			? `${JSON.stringify(Object.fromEntries(columns.flatMap((name) => (row[name] === '' ? [] : [[name, row[name]]]))))}\n`
			: csvLine(columns.map((name) => row[name] ?? ''));
	const head = (columns: readonly string[]) => (isJson ? [] : [csvLine(columns)]);
	const summaries: JobSummary[] = [];
	const jobs = await folder.jobs();
	const outcomes = await folder.outcomes();
	const sources = [...new Set(jobs.map(({ videoPath }) => videoPath))];
	await writePartialFirst(path, sources, async (partial) => {
		async function* lines(): AsyncGenerator<string> {
			yield* head(DETECTION_COLUMNS);
			for (const job of jobs) {
				const run = await runOf(folder, job, outcomes.get(job.id));
				const summary = summaryOf(job, outcomes.get(job.id), run);
				summaries.push(summary);
				if (summary.failure !== null) yield line(DETECTION_COLUMNS, failureRow(summary));
				if (!run) continue;
				const identitiesOf = await followRun(run, true, signal);
				for (let position = 0; position < run.frameCount; position++) {
					const identities = identitiesOf(position);
					for (const track of identities) summary.objects = Math.max(summary.objects ?? 0, track);
					for (const row of detectionRows(job, run, position, identities)) yield line(DETECTION_COLUMNS, row);
				}
				summary.objects ??= 0;
			}
		}
		await writeText(partial, lines(), signal);
	});
	const summaryLines = [
		...head(SUMMARY_COLUMNS),
		...summaries.map((one) => line(SUMMARY_COLUMNS, summaryRow(one))),
	];
	await writePartialFirst(summaryPath(path), sources, (partial) => writeText(partial, summaryLines, signal));
	return summaries;
}

/** `results.csv` has its summary in `results.summary.csv`. */
export function summaryPath(path: string): string {
	const extension = extname(path);
	return `${path.slice(0, path.length - extension.length)}.summary${extension}`;
}

/** The jobs of a batch, without following their objects. */
export async function summarizeBatch(folder: BatchFolder): Promise<JobSummary[]> {
	const outcomes = await folder.outcomes();
	const summaries: JobSummary[] = [];
	for (const job of await folder.jobs()) {
		const outcome = outcomes.get(job.id);
		summaries.push(summaryOf(job, outcome, await runOf(folder, job, outcome)));
	}
	return summaries;
}

function runOf(
	folder: BatchFolder,
	job: BatchJob,
	outcome: JobOutcome | undefined,
): Promise<StoredRun | null> {
	return outcome?.state === 'done' ? openRun(folder.runFolder(job)).catch(() => null) : Promise.resolve(null);
}

function summaryOf(job: BatchJob, outcome: JobOutcome | undefined, run: StoredRun | null): JobSummary {
	const figures = run?.summary();
	const unread = outcome?.state === 'done' && !run ? 'its run cannot be read' : null;
	return {
		file: job.videoPath,
		run: job.configuration.label,
		state: unread === null ? (outcome?.state ?? 'waiting') : 'failed',
		frames: figures?.frames ?? null,
		objects: null,
		seconds: figures?.wallSeconds ?? null,
		gmacPerFrame: figures?.gmacPerFrame.mean ?? null,
		failure: outcome?.state === 'failed' ? outcome.error.message : unread,
	};
}

function summaryRow({ file, run, state, frames, objects, seconds, gmacPerFrame, failure }: JobSummary): Row {
	return {
		file,
		run,
		state,
		frames: frames ?? '',
		objects: objects ?? '',
		seconds: seconds === null ? '' : rounded(seconds, 3),
		gmac_per_frame: gmacPerFrame === null ? '' : rounded(gmacPerFrame, 4),
		failure: failure ?? '',
	};
}

function failureRow({ file, run, failure }: JobSummary): Row {
	const empty = Object.fromEntries(DETECTION_COLUMNS.map((name) => [name, '']));
	return { ...empty, file, run, failure: failure ?? '' };
}

function* detectionRows(
	{ videoPath, configuration }: BatchJob,
	run: StoredRun,
	position: number,
	identities: Int32Array,
): Generator<Row> {
	const { classes } = run.header.model;
	const detections = run.detections(position).scoredAtLeast(run.header.displayThresholds);
	for (let i = 0; i < detections.count; i++) {
		const classIndex = detections.classIndices[i]!;
		const [left, top, right, bottom] = [...detections.box(i)].map((pixels) => rounded(pixels, 2));
		yield {
			file: videoPath,
			run: configuration.label,
			frame: run.frames.frameIndex[position]!,
			time_s: rounded(run.frames.timeSeconds[position]!, 6),
			class: classes[classIndex] ?? classIndex,
			score: rounded(detections.scores[i]!, 4),
			left_px: left!,
			top_px: top!,
			right_px: right!,
			bottom_px: bottom!,
			track: identities[i]! || '',
			failure: '',
		};
	}
}
