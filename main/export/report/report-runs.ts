import { UserFacingError } from '../../domain/errors.ts';
import { distinctNames } from '../../domain/run-names.ts';
import { speedUpOver } from '../../domain/dense-reference.ts';
import { agreement, denseReferenceOf, referencesOf, type Agreement } from '../../evaluation/agreement.ts';
import type { Evaluation } from '../../evaluation/evaluate-run.ts';
import type { StoredRun } from '../../results/stored-run.ts';
import type { RunSummary } from '../../results/summary.ts';

/** A run with everything that the report says about it. */
export type ReportRun = {
	run: StoredRun;
	label: string;
	summary: RunSummary;
	/** Whether this is the reference of the report: what its model's other runs, and whole runs of others, are measured against. */
	isReference: boolean;
	/** Label of what the run is measured against, which may be itself; null without that. */
	reference: string | null;
	/** Agreement with what the run is measured against; null for that itself, and if there is none. */
	agreement: Agreement | null;
	/** Over what the run is measured against; null without that. */
	speedUp: { run: number; total: number } | null;
	evaluation: Evaluation | null;
	/** Index of the run's line colour. */
	colour: string;
};

const COLOURS = 6;

export function reportRuns(
	runs: readonly StoredRun[],
	labels: readonly string[],
	truth: readonly (Evaluation | null)[],
): ReportRun[] {
	const common = denseReferenceOf(runs);
	const references = referencesOf(runs);
	const names = distinctNames(
		runs.map(({ header }, i) => ({ title: labels[i] ?? header.mode, settings: header.settings })),
		(_, setting, value) => `${setting} ${value}`,
	);
	let colours = 0;
	return runs.map((run, i) => {
		const summary = run.summary();
		const reference = references[i]!;
		const isReference = run === common;
		return {
			run,
			label: names[i]!,
			summary,
			isReference,
			reference: reference && names[runs.indexOf(reference)]!,
			agreement: reference && reference !== run ? comparableAgreement(run, reference) : null,
			speedUp: speedUpOver(reference && reference.summary().msPerFrame, summary.msPerFrame),
			evaluation: truth[i] ?? null,
			colour: isReference ? 'dense' : `run-${colours++ % COLOURS}`,
		};
	});
}

/** Null if the two runs have no classes or frames in common. */
function comparableAgreement(run: StoredRun, dense: StoredRun): Agreement | null {
	try {
		return agreement(run, dense);
	} catch (error) {
		if (error instanceof UserFacingError && error.code === 'bad-argument') return null;
		throw error;
	}
}
