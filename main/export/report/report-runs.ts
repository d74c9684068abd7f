import { UserFacingError } from '../../domain/errors.ts';
import { agreement, denseReferenceOf, type Agreement } from '../../evaluation/agreement.ts';
import type { Evaluation } from '../../evaluation/evaluate-run.ts';
import type { StoredRun } from '../../results/stored-run.ts';
import type { RunSummary } from '../../results/summary.ts';

/** A run with everything that the report says about it. */
export type ReportRun = {
	run: StoredRun;
	label: string;
	summary: RunSummary;
	/** Whether all others are measured against this dense run. */
	isReference: boolean;
	/** Agreement with the reference; null for the reference itself, and if there is none. */
	agreement: Agreement | null;
	/** The reference's milliseconds over this run's; null without a reference. */
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
	const reference = denseReferenceOf(runs);
	const referenceTimes = reference?.summary().msPerFrame;
	let colours = 0;
	return runs.map((run, i) => {
		const summary = run.summary();
		const own = summary.msPerFrame;
		const isReference = run === reference;
		return {
			run,
			label: labels[i] ?? run.header.mode,
			summary,
			isReference,
			agreement: reference && !isReference ? comparableAgreement(run, reference) : null,
			speedUp: referenceTimes
				? { run: referenceTimes.run / own.run, total: referenceTimes.total / own.total }
				: null,
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
