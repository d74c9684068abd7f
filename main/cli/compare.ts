import type { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { writePartialFirst } from '../export/partial-file.ts';
import { unusedRemark } from '../domain/settings-table.ts';
import { readGroundTruth } from '../evaluation/ground-truth/index.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import { collect } from './analyze.ts';
import { labelRuns, parseRunSpec } from './arguments.ts';
import { comparisonText, compareRuns } from './compared-run.ts';
import { specJob, withDense } from './run-jobs.ts';
import { describeRun } from './describe-run.ts';
import { EXIT } from './exit-codes.ts';
import {
	addAnalysisOptions,
	commonJob,
	defaultOut,
	truthOptions,
	TRUTH_FROM,
	type AnalysisOptions,
	type Session,
} from './options.ts';
import { record, removeRun } from './recording.ts';

type Options = AnalysisOptions & { run: string[]; truth?: string; truthFrom?: string; out?: string };

export function defineCompare(command: Command): Command {
	return addAnalysisOptions(command)
		.description('analyse a video in several ways, one after another, and set them side by side')
		.argument('<video>', 'any file that ffmpeg reads')
		.option(
			'--run <mode:name=value,…@model>',
			'a run to compare, with precision=int8 among its settings or @ and a model where it has another one; may come more than once',
			collect,
			[],
		)
		.option(
			'--truth <file>',
			'ground truth (MOT or VisDrone text, COCO JSON or a VOC XML) to measure average precision against',
		)
		.option(...TRUTH_FROM)
		.option('--out <folder>', 'folder of the runs (default: named after the video)');
}

export async function compareCommand(video: string, options: Options, session: Session): Promise<number> {
	const { console, interruption } = session;
	if (options.overwrite && options.resume) {
		throw new UserFacingError('bad-argument', '--overwrite and --resume exclude each other (got both).');
	}
	const common = await commonJob(video, options);
	const specs = await withDense(options.run.map(parseRunSpec), common.modelPath);
	const labels = labelRuns(specs);
	for (const { mode, settings, text } of specs) {
		const remark = unusedRemark(mode.settings, settings, `--run ${text}`);
		if (remark) console.note(remark);
	}
	const out = resolve(options.out ?? defaultOut(video, 'comparison'));
	const truth = options.truth === undefined ? null : readGroundTruth(options.truth, truthOptions(options));

	const runs: StoredRun[] = [];
	for (const [i, spec] of specs.entries()) {
		const label = labels[i]!;
		const runFolder = join(out, label);
		if (options.overwrite) await removeRun(runFolder);
		const start = options.resume ? 'ensure' : 'create';
		const job = { ...specJob(spec, common), runFolder, start } as const;
		// Never two at once: each is timed with the machine for itself.
		const { state } = await record(job, options.provider, label, console, interruption);
		runs.push(await openRun(runFolder));
		if (state === 'complete') continue;
		console.result({ video, outPath: out, state, runs: runs.map(describeRun) }, `${out}\n`);
		console.note('Interrupted; repeat the command with --resume to go on.');
		return EXIT.interrupted;
	}

	const compared = compareRuns(runs, labels, truth);
	const comparison = { video: runs[0]!.header.video.path, outPath: out, state: 'complete', runs: compared };
	const text = `${JSON.stringify(comparison, null, '\t')}\n`;
	await writePartialFirst(join(out, 'comparison.json'), [], (partial) => writeFile(partial, text));
	console.result(comparison, `${comparisonText(compared, truth)}${out}\n`);
	const folders = labels.map((label) => JSON.stringify(join(out, label))).join(' ');
	console.note(
		`As a clip side by side: sparsight export ${folders} --format video. With --format report: tables and curves.`,
	);
	return EXIT.ok;
}
