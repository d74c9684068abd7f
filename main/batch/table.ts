import { extname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isInside } from '../counting/geometry.ts';
import { fitZones } from '../counting/zone-file.ts';
import { inOrder } from '../domain/run.ts';
import { distinctNames } from '../domain/run-names.ts';
import type { RecordingClock } from '../domain/recording-clock.ts';
import { errorToData } from '../domain/errors.ts';
import { anchorOf, type ZoneSet } from '../domain/zones.ts';
import { csvLine } from '../export/csv-line.ts';
import { followRun } from '../export/identities.ts';
import { writePartialFirst, writeText } from '../export/partial-file.ts';
import { rounded } from '../export/score-setting.ts';
import { timeOfDayOf } from '../export/times-of-day.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import type { BatchFolder } from './batch-folder.ts';
import type { BatchJob, JobOutcome } from './job.ts';

/** A field; empty where there is nothing to say. */
type Field = string | number;
type Row = Record<string, Field>;

// prettier-ignore
const DETECTION_COLUMNS = [
	'file', 'run', 'frame', 'time_s', 'recorded_at', 'class', 'score', 'left_px', 'top_px', 'right_px', 'bottom_px', 'track',
	'failure',
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

export type TableOptions = {
	/**
	 * Adds a column with the names of the zones in which an object's anchor lies: gives those of a run, null for none. What it throws
	 * is the run's failure in the summary.
	 */
	zonesOf?: ((run: StoredRun) => ZoneSet | null | Promise<ZoneSet | null>) | null;
	/** When a run's video was recorded, as a person stated it; undefined = as its file says. */
	clockOf?: (run: StoredRun) => Promise<RecordingClock | undefined>;
	/** Frames done, of how many in all files. */
	onProgress?: (done: number, total: number) => void;
	signal?: AbortSignal;
};

/** Frames between two words on progress. */
const FRAMES_PER_WORD = 256;

/** Gives the zones of one file for each run's picture; it throws for pictures of another shape. `place` names the file. */
export function sameZones(drawn: ZoneSet, place: string): (run: StoredRun) => ZoneSet {
	return (run) => fitZones(drawn, run.header.video.displaySize, place).zones;
}

/**
 * Writes one table over all files of a batch: a row per detection that is shown, and one with the reason per job that failed. CSV, or
 * JSON lines where `path` ends with .json or .jsonl. Beside it, `summaryPath`, a row per job. Returns the summary.
 */
export async function writeTables(
	folder: BatchFolder,
	path: string,
	{ zonesOf = null, clockOf, onProgress, signal }: TableOptions = {},
): Promise<JobSummary[]> {
	const columns = zonesOf === null ? DETECTION_COLUMNS : DETECTION_COLUMNS.toSpliced(-1, 0, 'zones');
	const isJson = /^\.jsonl?$/i.test(extname(path));
	const line = (columns: readonly string[], row: Row) =>
		isJson
			? `${JSON.stringify(Object.fromEntries(columns.flatMap((name) => (row[name] === '' ? [] : [[name, row[name]]]))))}\n`
			: csvLine(columns.map((name) => row[name] ?? ''));
	const head = (columns: readonly string[]) => (isJson ? [] : [csvLine(columns)]);
	const summaries: JobSummary[] = [];
	const jobs = distinctlyNamed(await folder.jobs());
	const outcomes = await folder.outcomes();
	let framesLeft = 0;
	for (const { id } of jobs) framesLeft += framesOf(outcomes.get(id));
	const total = framesLeft;
	const sources = [...new Set(jobs.map(({ videoPath }) => videoPath))];
	await writePartialFirst(path, sources, async (partial) => {
		async function* lines(): AsyncGenerator<string> {
			yield* head(columns);
			for (const job of jobs) {
				const run = await runOf(folder, job, outcomes.get(job.id));
				const summary = summaryOf(job, outcomes.get(job.id), run);
				summaries.push(summary);
				if (summary.failure !== null) yield line(columns, failureRow(summary));
				if (!run) continue;
				const zones = zonesOf && (await zonesOrFailure(run, zonesOf, summary));
				const rowsOf = detectionRows(job, run, zones, await clockOf?.(run));
				const { identitiesOf, count } = await followRun(run, true, signal);
				summary.objects = count;
				for (let position = 0; position < run.frameCount; position++) {
					for (const row of rowsOf(position, identitiesOf(position))) yield line(columns, row);
					if (position % FRAMES_PER_WORD > 0) continue;
					onProgress?.(total - framesLeft + position, total);
					await nextTurn();
				}
				framesLeft -= framesOf(outcomes.get(job.id));
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
	for (const job of distinctlyNamed(await folder.jobs())) {
		const outcome = outcomes.get(job.id);
		summaries.push(summaryOf(job, outcome, await runOf(folder, job, outcome)));
	}
	return summaries;
}

/** The page names configurations by their mode alone: where several share a name, it gets what they differ in. */
function distinctlyNamed(jobs: readonly BatchJob[]): BatchJob[] {
	const keyOf = ({ configuration: { label, model, settings } }: BatchJob) =>
		JSON.stringify([label, model, settings], inOrder);
	const ways = new Map(jobs.map((job) => [keyOf(job), job.configuration]));
	const titles = Array.from(ways.values(), ({ label, model, settings }) => ({
		title: label,
		settings: { model, ...settings },
	}));
	const names = distinctNames(titles, (_, name, value) => `${name}=${value}`);
	const labels = new Map(Array.from(ways.keys(), (key, i) => [key, names[i]!]));
	return jobs.map((job) => ({
		...job,
		configuration: { ...job.configuration, label: labels.get(keyOf(job))! },
	}));
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
	const empty = Object.fromEntries([...DETECTION_COLUMNS, 'zones'].map((name) => [name, '']));
	return { ...empty, file, run, failure: failure ?? '' };
}

function framesOf(outcome: JobOutcome | undefined): number {
	return outcome?.state === 'done' ? outcome.framesStored : 0;
}

/** Null where they can't be had, which its summary then says. */
async function zonesOrFailure(
	run: StoredRun,
	zonesOf: (run: StoredRun) => ZoneSet | null | Promise<ZoneSet | null>,
	summary: JobSummary,
): Promise<ZoneSet | null> {
	try {
		return await zonesOf(run);
	} catch (error) {
		summary.failure = errorToData(error).message;
		return null;
	}
}

/** Gives the rows of a frame of a run. */
function detectionRows(
	{ videoPath, configuration }: BatchJob,
	run: StoredRun,
	zones: ZoneSet | null,
	clock: RecordingClock | undefined,
): (position: number, identities: Int32Array) => Generator<Row> {
	const { classes } = run.header.model;
	const timeOfDay = timeOfDayOf(run, clock);
	const polygons = (zones?.zones ?? []).map(({ name, points }) => ({ name, corners: points.flat() }));
	return function* (position, identities) {
		const detections = run.detections(position).scoredAtLeast(run.header.displayThresholds);
		const seconds = run.frames.timeSeconds[position]!;
		for (let i = 0; i < detections.count; i++) {
			const classIndex = detections.classIndices[i]!;
			const [left, top, right, bottom] = detections.box(i);
			const [x, y] = anchorOf([left, top, right, bottom], zones?.anchor ?? 'bottom');
			const inside = polygons.filter(({ corners }) => isInside(corners, x, y)).map(({ name }) => name);
			yield {
				file: videoPath,
				run: configuration.label,
				frame: run.frames.frameIndex[position]!,
				time_s: rounded(seconds, 6),
				recorded_at: timeOfDay?.(seconds) ?? '',
				class: classes[classIndex] ?? classIndex,
				score: rounded(detections.scores[i]!, 4),
				left_px: rounded(left, 2),
				top_px: rounded(top, 2),
				right_px: rounded(right, 2),
				bottom_px: rounded(bottom, 2),
				track: identities[i]! || '',
				zones: inside.join('; '),
				failure: '',
			};
		}
	};
}
