import { UserFacingError } from '../../domain/errors.ts';
import { agreement, type Agreement } from '../../evaluation/agreement.ts';
import type { Evaluation } from '../../evaluation/evaluate-run.ts';
import type { StoredRun } from '../../results/stored-run.ts';
import type { RunSummary } from '../../results/summary.ts';

/** A run with everything that the report says of it. */
export type ReportRun = {
	run: StoredRun;
	label: string;
	summary: RunSummary;
	isDense: boolean;
	/** With the dense run; null for that run itself, and where there is none to compare with. */
	agreement: Agreement | null;
	/** Dense milliseconds over own ones; null where no dense run is there. */
	speedUp: { run: number; total: number } | null;
	evaluation: Evaluation | null;
	/** Which of the report's line colours is this run's. */
	colour: string;
};

const COLOURS = 6;

/** The first dense run is what all others are measured against. */
export function reportRuns(
	runs: readonly StoredRun[],
	labels: readonly string[],
	truth: readonly (Evaluation | null)[],
): ReportRun[] {
	const dense = runs.find((run) => run.header.mode === 'dense') ?? null;
	const denseTimes = dense?.summary().msPerFrame;
	let colours = 0;
	return runs.map((run, i) => {
		const summary = run.summary();
		const own = summary.msPerFrame;
		const isDense = run === dense;
		return {
			run,
			label: labels[i] ?? run.header.mode,
			summary,
			isDense,
			agreement: dense && !isDense ? comparableAgreement(run, dense) : null,
			speedUp: denseTimes ? { run: denseTimes.run / own.run, total: denseTimes.total / own.total } : null,
			evaluation: truth[i] ?? null,
			colour: isDense ? 'dense' : `run-${colours++ % COLOURS}`,
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
