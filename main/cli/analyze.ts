import type { Command } from 'commander';
import { resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { unusedRemark } from '../domain/settings-table.ts';
import { findMode } from '../reduction/index.ts';
import { openRun } from '../results/stored-run.ts';
import { parseAssignments } from './arguments.ts';
import { describeRun, RUN_COLUMNS, warningLines } from './describe-run.ts';
import { EXIT } from './exit-codes.ts';
import { addAnalysisOptions, commonJob, defaultOut, type AnalysisOptions, type Session } from './options.ts';
import { record, removeRun } from './recording.ts';
import { formatTable } from './text-table.ts';

type Options = AnalysisOptions & { mode: string; set: string[]; out?: string };

export function defineAnalyze(command: Command): Command {
	return addAnalysisOptions(command)
		.description('analyse a video and store the run')
		.argument('<video>', 'any file that ffmpeg reads')
		.option(
			'--mode <mode>',
			'how to spend less than a dense run; "sparsight models" lists the modes',
			'token-cache',
		)
		.option('--set <name=value>', 'a setting of the mode; may come more than once', collect, [])
		.option('--out <folder>', 'folder of the run (default: named after video and mode)');
}

export async function analyzeCommand(video: string, options: Options, session: Session): Promise<number> {
	const { console, interruption } = session;
	if (options.overwrite && options.resume) {
		throw new UserFacingError('bad-argument', '--overwrite and --resume exclude each other (got both).');
	}
	const mode = findMode(options.mode);
	const settings = parseAssignments(mode.settings, options.set, `mode ${mode.id}`);
	const remark = unusedRemark(mode.settings, settings, `mode ${mode.id}`);
	if (remark) console.note(remark);
	const title = options.precision === 'int8' ? `${mode.id}-int8` : mode.id;
	const runFolder = resolve(options.out ?? defaultOut(video, title));
	const common = await commonJob(video, options);
	if (options.overwrite) await removeRun(runFolder);
	const start = options.resume ? 'continue' : 'create';

	const job = { ...common, mode: mode.id, settings, runFolder, start } as const;
	const { state } = await record(job, options.provider, mode.id, console, interruption);

	const run = describeRun(await openRun(runFolder));
	const rows = [{ label: run.precision === 'int8' ? `${run.mode} int8` : run.mode, run }];
	console.result(run, `${formatTable(RUN_COLUMNS, rows)}${warningLines(rows)}${runFolder}\n`);
	if (state === 'complete') return EXIT.ok;
	console.note(`Interrupted after ${run.frames} frames; repeat the command with --resume to go on.`);
	return EXIT.interrupted;
}

export function collect(value: string, earlier: string[]): string[] {
	return [...earlier, value];
}
