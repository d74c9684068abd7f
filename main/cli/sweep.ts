import { type Command, Option } from 'commander';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isPlainSlicing, isWhole } from '../domain/dense-reference.ts';
import { errorToData } from '../domain/errors.ts';
import { unusedRemark } from '../domain/settings-table.ts';
import { readGroundTruth } from '../evaluation/ground-truth/index.ts';
import { tradeOff, tradeOffSentence, type TradeOff } from '../evaluation/trade-off.ts';
import { csvLine } from '../export/csv-line.ts';
import { exportFormat } from '../export/index.ts';
import { writePartialFirst } from '../export/partial-file.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import { collect } from './analyze.ts';
import { labelRuns, parseNumber, parseRunSpec } from './arguments.ts';
import { comparisonText, compareRuns, type ComparedRun } from './compared-run.ts';
import { describeRun } from './describe-run.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import {
	addRunOptions,
	commonJob,
	defaultOut,
	truthOptions,
	TRUTH_FROM,
	type AnalysisOptions,
	type Session,
} from './options.ts';
import { record } from './recording.ts';
import { specJob, withDense, type PlacedSpec } from './run-jobs.ts';
import { sweepSpecs } from './sweep-specs.ts';

type Options = Omit<AnalysisOptions, 'overwrite' | 'resume'> & {
	mode?: string;
	modes?: string;
	vary: string[];
	set: string[];
	within: string;
	truth?: string;
	truthFrom?: string;
	out?: string;
};

/** A setting that could not be run, and why. */
type Failure = { run: string; code: string; message: string; exitCode: number };

export function defineSweep(command: Command): Command {
	return addRunOptions(command)
		.description(
			'run a video dense and under many settings: accuracy against cost, and the cheapest setting near dense; run again, it goes on',
		)
		.argument('<video>', 'any file that ffmpeg reads')
		.option('--mode <mode>', 'the mode whose settings vary (default: token-cache)')
		.addOption(new Option('--modes <mode,…>', 'several modes, separated by commas').conflicts('mode'))
		.option(
			'--vary <name=value,…>',
			'a setting and its values; several settings are combined (default: budgets of 5, 10, 20 and 40 %, and quality)',
			collect,
			[],
		)
		.option(
			'--set <name=value>',
			'a setting of all runs whose mode has it; may come more than once',
			collect,
			[],
		)
		.option(
			'--truth <file>',
			'ground truth (MOT or VisDrone text, COCO JSON or a VOC XML): AP50 is the measure then, not agreement with dense',
		)
		.option(...TRUTH_FROM)
		.option('--within <points>', 'how far below dense, in points of 100, counts as near it', '1')
		.option('--out <folder>', 'folder of the sweep and its runs (default: named after the video)');
}

export async function sweepCommand(video: string, options: Options, session: Session): Promise<number> {
	const { console } = session;
	const modes = (options.modes ?? options.mode ?? 'token-cache').split(',').map((mode) => mode.trim());
	const within = parseNumber(options.within, '--within', 0, 100);
	const common = await commonJob(video, options);
	const specs = await withWhole(sweepSpecs(modes, options.vary, options.set), common.modelPath);
	for (const { mode, settings, text } of specs) {
		const remark = unusedRemark(mode.settings, settings, text);
		if (remark) console.note(remark);
	}
	const out = resolve(options.out ?? defaultOut(video, 'sweep'));
	const truth = options.truth === undefined ? null : readGroundTruth(options.truth, truthOptions(options));

	const startedAt = new Date().toISOString();
	const recorded = await recordAll(specs, out, common, options.provider, session);
	const { runs, labels, failures, isInterrupted } = recorded;
	if (isInterrupted) {
		console.result({ video, outPath: out, state: 'cancelled', runs: runs.map(describeRun) }, `${out}\n`);
		console.note('Interrupted; repeat the command to go on.');
		return EXIT.interrupted;
	}

	const compared = compareRuns(runs, labels, truth);
	const found = tradeOff(compared.map(pointOf), within);
	const sentence = tradeOffSentence(found);
	const earlier = labels.filter((_, i) => runs[i]!.header.createdAt < startedAt);
	const isMixed = earlier.length > 0 && earlier.length < runs.length;
	const { measure, withinPoints, front, best } = found;
	const sweep = {
		video: runs[0]!.header.video.path,
		outPath: out,
		state: 'complete',
		sentence,
		measure,
		withinPoints,
		best,
		front,
		measuredEarlier: isMixed ? earlier : [],
		runs: compared,
		failures: failures.map(({ exitCode: _code, ...failure }) => failure),
	};
	const texts = {
		'sweep.json': `${JSON.stringify(sweep, null, '\t')}\n`,
		'sweep.csv': [...sweepAsCsv(compared, found, failures)].join(''),
	};
	for (const [name, text] of Object.entries(texts))
		await writePartialFirst(join(out, name), [], (partial) => writeFile(partial, text));
	await exportFormat('report').write({
		runs,
		labels,
		out: join(out, 'report.html'),
		range: null,
		settings: { pictures: false },
		truth: compared.map(({ averagePrecision }) => averagePrecision ?? null),
	});
	const mixed = isMixed
		? `Times of ${earlier.join(', ')} were measured in an earlier session: they compare as far as the machine was as idle then.\n`
		: '';
	const failed = failures.map(({ run, message }) => `${run}: ${message}\n`).join('');
	console.result(
		sweep,
		`${sentence}\n${comparisonText(compared, truth)}${mixed}${failed}${join(out, 'report.html')}\n`,
	);
	return failures[0]?.exitCode ?? EXIT.ok;
}

/** With what the runs are measured against first: dense, and plain slicing for mode tiles. */
async function withWhole(specs: ReturnType<typeof sweepSpecs>, modelPath: string): Promise<PlacedSpec[]> {
	const hasTiles = specs.some(({ mode }) => mode.id === 'tiles');
	const isSliced = specs.some(({ mode, settings }) => isPlainSlicing({ mode: mode.id, settings }));
	const sliced = hasTiles && !isSliced ? [parseRunSpec('tiles:policy=all')] : [];
	return withDense([...sliced, ...specs], modelPath);
}

/** One after another, so that each is timed with the machine to itself. Throws where a run fails that others are measured against. */
async function recordAll(
	specs: readonly PlacedSpec[],
	out: string,
	common: Parameters<typeof specJob>[1],
	provider: string,
	{ console, interruption }: Session,
): Promise<{ runs: StoredRun[]; labels: string[]; failures: Failure[]; isInterrupted: boolean }> {
	const folders = labelRuns(specs);
	const [runs, labels, failures]: [StoredRun[], string[], Failure[]] = [[], [], []];
	for (const [i, spec] of specs.entries()) {
		const { mode, settings, text } = spec;
		const runFolder = join(out, folders[i]!);
		const job = { ...specJob(spec, common), runFolder, start: 'ensure' } as const;
		const title = `${i + 1} of ${specs.length}: ${text}`;
		try {
			const { state } = await record(job, provider, title, console, interruption);
			runs.push(await openRun(runFolder));
			labels.push(text);
			if (state !== 'complete') return { runs, labels, failures, isInterrupted: true };
		} catch (error) {
			if (isWhole({ mode: mode.id, settings }) || interruption.signal.aborted) throw error;
			const { code, message } = errorToData(error);
			failures.push({ run: text, code, message, exitCode: exitCodeOf(error) });
			console.note(`${title}: ${message}`);
		}
	}
	return { runs, labels, failures, isInterrupted: false };
}

function pointOf({ label, reference, gmacPerFrame, msPerFrame, agreement, averagePrecision }: ComparedRun) {
	return {
		label,
		reference: reference === label ? null : reference,
		gmacPerFrame: gmacPerFrame.mean,
		msPerFrame: msPerFrame.total,
		agreement: agreement?.f1 ?? null,
		ap50: averagePrecision?.mean.ap50 ?? null,
	};
}

// prettier-ignore
const CSV_COLUMNS = [
	'run', 'mode', 'settings', 'precision', 'frames', 'gmac_per_frame', 'ms_per_frame', 'agreement_f1', 'lost', 'gained', 'mean_iou',
	'ap50', 'ap50_to_95', 'on_front_of_gmac', 'on_front_of_ms', 'best_by_gmac', 'best_by_ms', 'error',
];

/** RFC 4180, a line for each run; of one that failed, only the error is known. */
function* sweepAsCsv(
	compared: readonly ComparedRun[],
	{ front, best }: TradeOff,
	failures: readonly Failure[],
): Generator<string> {
	yield csvLine(CSV_COLUMNS);
	for (const { label, mode, settings, precision, frames, agreement, averagePrecision, ...run } of compared) {
		yield csvLine([
			label,
			mode,
			JSON.stringify(settings),
			precision,
			frames,
			run.gmacPerFrame.mean.toFixed(4),
			run.msPerFrame.total.toFixed(3),
			agreement?.f1.toFixed(4) ?? '',
			agreement?.lost ?? '',
			agreement?.gained ?? '',
			agreement?.meanIou.toFixed(4) ?? '',
			averagePrecision?.mean.ap50?.toFixed(4) ?? '',
			averagePrecision?.mean.ap50to95?.toFixed(4) ?? '',
			...[front.gmacPerFrame.includes(label), front.msPerFrame.includes(label)].map(Number),
			...[best.gmacPerFrame === label, best.msPerFrame === label].map(Number),
			'',
		]);
	}
	for (const { run, message } of failures)
		yield csvLine([run, ...CSV_COLUMNS.slice(2).map(() => ''), message]);
}
