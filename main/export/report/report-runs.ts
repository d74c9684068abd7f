import { UserFacingError } from '../../domain/errors.ts';
import { agreement, denseReferenceOf, type Agreement } from '../../evaluation/agreement.ts';
import type { Evaluation } from '../../evaluation/evaluate-run.ts';
import type { StoredRun } from '../../results/stored-run.ts';
import type { RunSummary } from '../../results/summary.ts';

/** A run with everything that the report says of it. */
export type ReportRun = {
	run: StoredRun;
	label: string;
	summary: RunSummary;
	/** All others are measured against this dense run. */
	isReference: boolean;
	/** With the reference; null for that run itself, and where there is none to compare with. */
	agreement: Agreement | null;
	/** Milliseconds of the reference over own ones; null without a reference. */
	speedUp: { run: number; total: number } | null;
	evaluation: Evaluation | null;
	/** Which of the report's line colours is this run's. */
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

/** Null where the two runs have no classes or frames in common. */
function comparableAgreement(run: StoredRun, dense: StoredRun): Agreement | null {
	try {
		return agreement(run, dense);
	} catch (error) {
		if (error instanceof UserFacingError && error.code === 'bad-argument') return null;
		throw error;
	}
}
