import type { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sharedClasses } from '../domain/class-mapping.ts';
import { isWhole, speedUpOver } from '../domain/dense-reference.ts';
import { assert, UserFacingError } from '../domain/errors.ts';
import { ON_CPU } from '../domain/execution.ts';
import { coverageOfRuns } from '../domain/truth-coverage.ts';
import { unusedRemark } from '../domain/settings-table.ts';
import { agreement, referencesOf, type Agreement } from '../evaluation/agreement.ts';
import { evaluateRun, type Evaluation } from '../evaluation/evaluate-run.ts';
import type { GroundTruth } from '../evaluation/ground-truth/ground-truth.ts';
import { readGroundTruth } from '../evaluation/ground-truth/index.ts';
import { findModel } from '../models/catalog.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import { collect } from './analyze.ts';
import { labelRuns, parseRunSpec, type RunSpec } from './arguments.ts';
import { describeRun, RUN_COLUMNS, warningLines, type RunDescription } from './describe-run.ts';
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
import { formatTable, type TextColumn } from './text-table.ts';

type Options = AnalysisOptions & { run: string[]; truth?: string; truthFrom?: string; out?: string };

/** One run of a comparison, for `--json`. */
type ComparedRun = RunDescription & {
	label: string;
	/** Agreement with what the run is measured against, in the classes that both models know; null where they share none. */
	agreement: Pick<Agreement, 'f1' | 'lost' | 'gained' | 'meanIou' | 'leftOut'> | null;
	/** Speed-up over the same run: of the run stage alone, and of all stages; null without a frame to time. */
	speedup: { run: number; total: number } | null;
	averagePrecision?: Evaluation;
};

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
			'ground truth (MOT gt.txt, COCO JSON or a VOC XML) to measure average precision against',
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
	for (const [i, { mode, settings, precision, modelPath }] of specs.entries()) {
		const label = labels[i]!;
		const runFolder = join(out, label);
		if (options.overwrite) await removeRun(runFolder);
		const start = options.resume ? 'ensure' : 'create';
		// Never two at once: each is timed with the machine for itself.
		const execution = precision === null ? common.execution : { ...ON_CPU, precision };
		const job = { ...common, modelPath, mode: mode.id, settings, execution, runFolder, start } as const;
		const { state } = await record(job, options.provider, label, console, interruption);
		runs.push(await openRun(runFolder));
		if (state === 'complete') continue;
		console.result({ video, outPath: out, state, runs: runs.map(describeRun) }, `${out}\n`);
		console.note('Interrupted; repeat the command with --resume to go on.');
		return EXIT.interrupted;
	}

	const references = referencesOf(runs);
	const compared = runs.map((run, i) => {
		const reference = references[i];
		assert(reference, 'every reduced model has a dense run');
		return compareRun(labels[i]!, run, reference, truth, runs);
	});
	const comparison = { video: runs[0]!.header.video.path, outPath: out, state: 'complete', runs: compared };
	await writeFile(join(out, 'comparison.json'), `${JSON.stringify(comparison, null, '\t')}\n`);
	const warnings = warningLines(
		compared.map((run) => ({ label: run.label, run, measured: run.agreement?.f1 ?? null })),
	);
	const leftOut = compared
		.map((run, i) =>
			run.agreement
				? leftOutLine(run)
				: noAgreementLine(run.label, run.model, references[i]!.header.model.id),
		)
		.join('');
	const coverage = truth ? coverageLines(compared) : '';
	console.result(
		comparison,
		`${coverage}${formatTable(COMPARISON_COLUMNS, compared)}${warnings}${leftOut}${out}\n`,
	);
	return EXIT.ok;
}

function compareRun(
	label: string,
	run: StoredRun,
	reference: StoredRun,
	truth: GroundTruth | null,
	all: readonly StoredRun[],
): ComparedRun {
	const description = describeRun(run);
	return {
		label,
		...description,
		agreement: agreementWith(run, reference),
		speedup: speedUpOver(reference.summary().msPerFrame, description.msPerFrame),
		...(truth ? { averagePrecision: evaluateRun(run, truth, all) } : {}),
	};
}

/** Over which frames average precision is measured. */
function coverageLines(compared: readonly ComparedRun[]): string {
	const said = compared.map(({ label, averagePrecision }) => ({ label, coverage: averagePrecision! }));
	return coverageOfRuns(said, 'en')
		.map((line) => `${line}\n`)
		.join('');
}

function agreementWith(run: StoredRun, dense: StoredRun): ComparedRun['agreement'] {
	if (sharedClasses(run.header.model.classes, dense.header.model.classes).names.length === 0) return null;
	const { f1, lost, gained, meanIou, leftOut } = agreement(run, dense);
	return { f1, lost, gained, meanIou, leftOut };
}

/** Why a dense run of one model has no agreement with that of another one. */
export function noAgreementLine(label: string, model: string, reference: string): string {
	return `${label}: no agreement, for ${model} has no class in common with the reference's model, ${reference}.\n`;
}

/** Classes that a run's agreement and average precision do not count; empty where they count all. */
function leftOutLine({ label, agreement: compared, averagePrecision }: ComparedRun): string {
	const lines: string[] = [];
	const { own = [], reference = [] } = compared?.leftOut ?? {};
	if (own.length + reference.length > 0) {
		lines.push(
			`agreement leaves out ${nameSome(own)} of its own classes and ${nameSome(reference)} of the reference's`,
		);
	}
	const unshared = averagePrecision?.unsharedClasses ?? [];
	if (unshared.length > 0) lines.push(`AP leaves out ${nameSome(unshared)}, which not every model knows`);
	return lines.map((line) => `${label}: ${line}\n`).join('');
}

const NAMED_CLASSES = 8;

function nameSome(names: readonly string[]): string {
	if (names.length === 0) return 'none';
	const more = names.length - NAMED_CLASSES;
	return names.slice(0, NAMED_CLASSES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/**
 * The specs with the files of their models, and a dense run before the others of each model that is reduced and has none: what
 * reuses something is measured against its own model. Without any run, a dense one.
 */
async function withDense(
	specs: readonly RunSpec[],
	modelPath: string,
): Promise<(RunSpec & { modelPath: string })[]> {
	const given = await Promise.all(
		specs.map(async (spec) => ({
			...spec,
			modelPath: spec.model === null ? modelPath : await findModel(spec.model),
		})),
	);
	if (given.length === 0) return [{ ...parseRunSpec('dense'), modelPath }];
	const isRounded = ({ precision }: RunSpec) => precision === 'int8';
	const dense = new Set(
		given.filter((spec) => spec.mode.id === 'dense' && !isRounded(spec)).map((spec) => spec.modelPath),
	);
	const added: typeof given = [];
	for (const spec of given) {
		const { mode, settings, model, modelPath: path } = spec;
		if ((isWhole({ mode: mode.id, settings }) && !isRounded(spec)) || dense.has(path)) continue;
		dense.add(path);
		added.push({ ...parseRunSpec(model === null ? 'dense' : `dense@${model}`), modelPath: path });
	}
	return [...added, ...given];
}

const times = (factor: number | undefined): string => (factor === undefined ? '' : `${factor.toFixed(1)}×`);

const COMPARISON_COLUMNS: readonly TextColumn<ComparedRun>[] = [
	...RUN_COLUMNS.map((column): TextColumn<ComparedRun> => ({
		...column,
		cell: (run) => column.cell({ label: run.label, run }),
	})),
	{ title: 'agreement F1', align: 'right', cell: ({ agreement }) => agreement?.f1.toFixed(3) ?? '' },
	{ title: 'lost', align: 'right', cell: ({ agreement }) => agreement?.lost.toString() ?? '' },
	{ title: 'gained', align: 'right', cell: ({ agreement }) => agreement?.gained.toString() ?? '' },
	{ title: 'mean IoU', align: 'right', cell: ({ agreement }) => agreement?.meanIou.toFixed(3) ?? '' },
	{ title: 'speed-up run', align: 'right', cell: ({ speedup }) => times(speedup?.run) },
	{ title: 'total', align: 'right', cell: ({ speedup }) => times(speedup?.total) },
	{
		title: 'AP50',
		align: 'right',
		cell: ({ averagePrecision }) => averagePrecision?.mean.ap50?.toFixed(3) ?? '',
	},
];
