import type { Command } from 'commander';
import { basename, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorData, errorFromData, errorToData, UserFacingError } from '../domain/errors.ts';
import { unusedRemark } from '../domain/settings-table.ts';
import { BatchFolder } from '../batch/batch-folder.ts';
import type { Configuration } from '../batch/job.ts';
import { LocalQueue } from '../batch/local-queue.ts';
import { filesOf, planJobs, replacedFile, replacedFiles } from '../batch/plan.ts';
import { type JobSummary, sameZones, summarizeBatch, summaryPath, writeTables } from '../batch/table.ts';
import { workOff } from '../batch/work.ts';
import { findModel, listModels } from '../models/catalog.ts';
import { collect } from './analyze.ts';
import { labelRuns, parseInteger, parseRange, parseRunSpec, type RunSpec } from './arguments.ts';
import { type BatchDisplay, showBatch } from './batch-display.ts';
import { harmlessLine } from './console.ts';
import { readZones } from './count.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { addRunOptions, type AnalysisOptions, checkedNumbers, defaultOut, type Session } from './options.ts';
import { openQueue, parsePatience, PATIENCE_OPTION, QUEUE_OPTION } from './queue-option.ts';
import { formatTable, type TextColumn } from './text-table.ts';
import { openWork } from './work.ts';

type Options = Omit<AnalysisOptions, 'overwrite' | 'resume'> & {
	run: string[];
	out?: string;
	jobs: string;
	table?: string;
	zones?: string;
	queue?: string;
	patience: string;
};

/** Between two looks at a batch that others work at. */
const LOOK_MILLISECONDS = 1000;

export function defineBatch(command: Command): Command {
	return addRunOptions(command)
		.description('analyse many videos, each in one or more ways; run again, it goes on where it stopped')
		.argument('<videos...>', 'files, or folders of them')
		.option(
			'--run <mode:name=value,…@model>',
			'how each file is analysed, as in "compare"; may come more than once',
			collect,
			[],
		)
		.option(
			'--out <folder>',
			'folder of the batch and its runs (default: named after the first file or folder)',
		)
		.option('--jobs <n>', 'runs at the same time; more than one disturb each other’s measured times', '1')
		.option(
			'--table <file>',
			'one table over all files: .csv, or JSON lines as .json; a summary lies beside it',
		)
		.option('--zones <file>', 'adds a column to the table: the zones in which an object is, as of "count"')
		.option(...QUEUE_OPTION)
		.option(...PATIENCE_OPTION);
}

export async function batchCommand(named: string[], options: Options, session: Session): Promise<number> {
	const { console, interruption } = session;
	const workers = parseInteger(options.jobs, '--jobs', 1, 64);
	const configurations = await configurationsOf(options, (remark) => console.note(remark));
	if (options.zones !== undefined && options.table === undefined) {
		throw new UserFacingError('bad-argument', '--zones adds a column to a table: --table is needed as well.');
	}
	const zonesOf =
		options.zones === undefined ? null : sameZones(await readZones(options.zones), options.zones);
	const pulse = parsePatience(options.patience);
	const folder = new BatchFolder(resolve(options.out ?? defaultOut(named[0]!, 'batch')), pulse);
	const files = await filesOf(named, folder.path);
	const known = await folder.jobs();
	const replaced = await replacedFiles(files, known);
	const same = files.filter((file) => !replaced.has(file));
	await folder.add(await planJobs(same, configurations, known));
	await folder.retryFailed();

	const jobs = await folder.jobs();
	const before = await folder.outcomes();
	if (before.size > 0) console.note(`${before.size} of ${jobs.length} jobs are done already.`);
	const display = showBatch({ total: jobs.length, ended: before.size });
	try {
		if (options.queue === undefined) await workHere(folder, workers, display, session);
		else await workElsewhere(folder, options.queue, display, session);
	} finally {
		display.stop();
	}

	const summaries =
		options.table === undefined
			? await summarizeBatch(folder)
			: await writeTables(folder, resolve(options.table), { zonesOf });
	const failures = [
		...(await failuresOf(folder)),
		...Array.from(replaced, (file) => failureOf(file, null, errorToData(replacedFile(file)))),
		...summaries.filter(({ state }) => state === 'done').flatMap(tableFailure),
	];
	const count = summaries.filter(({ state }) => state === 'done').length;
	console.result(
		{ outPath: folder.path, done: count, jobs: summaries, failures: failures.map(({ data }) => data) },
		`${formatTable(COLUMNS, distinctFiles(summaries))}${failures.map(({ text }) => text).join('')}${resultPaths(folder, options)}`,
	);
	if (summaries.some(({ state }) => state === 'waiting')) {
		console.note(
			options.queue === undefined
				? 'Interrupted; repeat the command to go on.'
				: 'Interrupted; workers go on: repeat the command to gather what they have done.',
		);
		if (interruption.signal.aborted) return EXIT.interrupted;
	}
	return failures.length > 0 ? failures[0]!.exitCode : EXIT.ok;
}

async function configurationsOf(options: Options, note: (remark: string) => void): Promise<Configuration[]> {
	const specs = (options.run.length > 0 ? options.run : ['token-cache']).map(parseRunSpec);
	for (const { mode, settings, text } of specs) {
		const remark = unusedRemark(mode.settings, settings, `--run ${text}`);
		if (remark) note(remark);
	}
	const labels = labelRuns(specs);
	const common = { range: parseRange(options), provider: options.provider, ...checkedNumbers(options) };
	return Promise.all(
		specs.map(async ({ mode, settings, model, precision }: RunSpec, i) => ({
			label: labels[i]!,
			model: await modelWord(model ?? options.model),
			mode: mode.id,
			settings,
			precision: precision ?? options.precision ?? null,
			...common,
		})),
	);
}

/** A model by its id, where it has one, so that another machine finds its own; else by its whole path. */
async function modelWord(idOrPath: string): Promise<string> {
	const path = await findModel(idOrPath);
	return (await listModels()).some(({ id }) => id === idOrPath) ? idOrPath : path;
}

/** Does the jobs in workers of this process. */
async function workHere(
	folder: BatchFolder,
	workers: number,
	display: BatchDisplay,
	{ console, interruption }: Session,
): Promise<void> {
	const works = Array.from({ length: workers }, () => openWork(display, console));
	interruption.beforeExit(() => works.forEach(({ worker }) => worker.close()));
	// What ends one of them, as a full disk does, ends the others in order.
	const failed = new AbortController();
	const stop = AbortSignal.any([interruption.signal, failed.signal]);
	const ended = works.map(({ dependencies, listener }) =>
		workOff(new LocalQueue(folder), dependencies, listener, stop).catch((error: unknown) => {
			failed.abort();
			throw error;
		}),
	);
	await Promise.allSettled(ended);
	for (const { worker } of works) worker.close();
	await Promise.all(ended);
}

/** Puts the jobs into a queue for workers elsewhere, and waits until they have done them. */
async function workElsewhere(
	folder: BatchFolder,
	address: string,
	display: BatchDisplay,
	{ interruption }: Session,
): Promise<void> {
	const { signal } = interruption;
	const queue = await openQueue(address, { note: (line) => display.note(line), signal });
	try {
		const told = new Set((await folder.outcomes()).keys());
		while (!signal.aborted) {
			await queue.put(folder);
			for (const { job, state } of await folder.states()) {
				if (state.state === 'running') display.progress(job, state.progress);
				if ((state.state !== 'done' && state.state !== 'failed') || told.has(job.id)) continue;
				told.add(job.id);
				display.ended(job, state);
			}
			if ((await folder.jobs()).every(({ id }) => told.has(id))) return;
			await sleep(LOOK_MILLISECONDS, undefined, { signal }).catch(() => undefined);
		}
	} finally {
		await queue.close();
	}
}

type Failure = { text: string; data: object; exitCode: number };

async function failuresOf(folder: BatchFolder): Promise<Failure[]> {
	const outcomes = await folder.outcomes();
	return (await folder.jobs()).flatMap(({ id, videoPath, configuration }) => {
		const outcome = outcomes.get(id);
		return outcome?.state === 'failed' ? [failureOf(videoPath, configuration.label, outcome.error)] : [];
	});
}

/** Zones that do not fit the picture of a file: its run is done, and its rows in the table lack them. */
function tableFailure({ file, run, failure }: JobSummary): Failure[] {
	if (failure === null) return [];
	return [failureOf(file, run, errorToData(new UserFacingError('zones-unreadable', failure)))];
}

/** `run` is null for what is wrong with a file in all of its runs. */
function failureOf(file: string, run: string | null, error: ErrorData): Failure {
	const { code, message, remedy } = error;
	const title = harmlessLine(run === null ? basename(file) : `${basename(file)} ${run}`);
	return {
		text: `${title}: ${message}\n${remedy === null ? '' : `  ${remedy}\n`}`,
		data: { file, run, code, message, remedy },
		exitCode: exitCodeOf(code === 'internal' ? new Error(message) : errorFromData(error)),
	};
}

function resultPaths(folder: BatchFolder, { table }: Options): string {
	const paths = table === undefined ? [] : [resolve(table), summaryPath(resolve(table))];
	return [...paths, folder.path].map((path) => `${path}\n`).join('');
}

/** Files by their names; those of one name in several folders by their paths. */
export function distinctFiles<T extends { file: string }>(summaries: readonly T[]): T[] {
	const names = [...new Set(summaries.map(({ file }) => file))].map((file) => basename(file));
	const isOnce = (name: string) => names.indexOf(name) === names.lastIndexOf(name);
	return summaries.map((one) => ({
		...one,
		file: isOnce(basename(one.file)) ? basename(one.file) : one.file,
	}));
}

const COLUMNS: readonly TextColumn<JobSummary>[] = [
	{ title: 'file', align: 'left', cell: ({ file }) => file },
	{ title: 'run', align: 'left', cell: ({ run }) => run },
	{ title: 'state', align: 'left', cell: ({ state }) => state },
	{ title: 'frames', align: 'right', cell: ({ frames }) => frames?.toString() ?? '' },
	{ title: 'objects', align: 'right', cell: ({ objects }) => objects?.toString() ?? '' },
	{ title: 'seconds', align: 'right', cell: ({ seconds }) => seconds?.toFixed(1) ?? '' },
	{ title: 'GMAC/frame', align: 'right', cell: ({ gmacPerFrame }) => gmacPerFrame?.toFixed(2) ?? '' },
];
