import { sharedClasses } from '../domain/class-mapping.ts';
import { speedUpOver } from '../domain/dense-reference.ts';
import { assert } from '../domain/errors.ts';
import { coverageOfRuns } from '../domain/truth-coverage.ts';
import { agreement, referencesOf, type Agreement } from '../evaluation/agreement.ts';
import { evaluateRun, type Evaluation } from '../evaluation/evaluate-run.ts';
import type { GroundTruth } from '../evaluation/ground-truth/ground-truth.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { describeRun, RUN_COLUMNS, warningLines, type RunDescription } from './describe-run.ts';
import { formatTable, type TextColumn } from './text-table.ts';

/** One run of a comparison, for `--json`. */
export type ComparedRun = RunDescription & {
	label: string;
	/** Label of the run that it is measured against. */
	reference: string;
	/** Agreement with what the run is measured against, in the classes that both models know; null where they share none. */
	agreement: Pick<Agreement, 'f1' | 'lost' | 'gained' | 'meanIou' | 'leftOut'> | null;
	/** Speed-up over the same run: of the run stage alone, and of all stages; null without a frame to time. */
	speedup: { run: number; total: number } | null;
	averagePrecision?: Evaluation;
};

/** Each of some runs beside what it is measured against, which is among them. */
export function compareRuns(
	runs: readonly StoredRun[],
	labels: readonly string[],
	truth: GroundTruth | null,
): ComparedRun[] {
	return referencesOf(runs).map((reference, i) => {
		assert(reference, 'every reduced model has a dense run');
		const against = { run: reference, label: labels[runs.indexOf(reference)]! };
		return compareRun(labels[i]!, runs[i]!, against, truth, runs);
	});
}

/** The table of a comparison, with the frames that average precision is over above it, and warnings and what is left out below. */
export function comparisonText(compared: readonly ComparedRun[], truth: GroundTruth | null): string {
	const warned = compared.map((run) => ({ label: run.label, run, measured: run.agreement?.f1 ?? null }));
	const leftOut = compared.map((run) => {
		const reference = compared.find(({ label }) => label === run.reference)!;
		return run.agreement ? leftOutLine(run) : noAgreementLine(run.label, run.model, reference.model);
	});
	const coverage = truth ? coverageLines(compared) : '';
	return `${coverage}${formatTable(COMPARISON_COLUMNS, compared)}${warningLines(warned)}${leftOut.join('')}`;
}

function compareRun(
	label: string,
	run: StoredRun,
	reference: { run: StoredRun; label: string },
	truth: GroundTruth | null,
	all: readonly StoredRun[],
): ComparedRun {
	const description = describeRun(run);
	return {
		label,
		...description,
		reference: reference.label,
		agreement: agreementWith(run, reference.run),
		speedup: speedUpOver(reference.run.summary().msPerFrame, description.msPerFrame),
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
