import { f1Of } from '../domain/agreement.ts';
import type { Drift } from '../domain/drift.ts';
import { shortfallSentence } from '../domain/shortfall.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { rounded } from './score-setting.ts';

/** The estimate of a frame as flat values for tables; the names of the columns carry their units. */
export type DriftValues = {
	waiting_tokens: number;
	longest_wait_frames: number;
	sufficient_tokens: number;
	estimated_agreement: number;
	estimated_lower: number;
	estimated_upper: number;
	/** Null where the frame was not audited. */
	audit_f1: number | null;
};

export const DRIFT_COLUMNS = [
	'waiting_tokens',
	'longest_wait_frames',
	'sufficient_tokens',
	'estimated_agreement',
	'estimated_lower',
	'estimated_upper',
	'audit_f1',
] as const satisfies (keyof DriftValues)[];

export function driftValues(drift: Drift): DriftValues {
	return {
		waiting_tokens: drift.waitingTokens,
		longest_wait_frames: drift.longestWait,
		sufficient_tokens: drift.sufficientTokens,
		estimated_agreement: rounded(drift.agreement, 4),
		estimated_lower: rounded(drift.lower, 4),
		estimated_upper: rounded(drift.upper, 4),
		audit_f1: drift.audit && rounded(f1Of(drift.audit), 4),
	};
}

/**
 * The warning that a run's budget was too small, and the first of the exported `rows` that it is about, which carries it; null if
 * it is about none of them.
 */
export function warningOf(run: StoredRun, rows: Int32Array): { row: number; text: string } | null {
	const { shortfall } = run;
	if (!shortfall) return null;
	const { fromFrame, toFrame } = shortfall;
	const row = rows.find((candidate) => {
		const frame = run.frames.frameIndex[candidate]!;
		return frame >= fromFrame && (toFrame === null || frame <= toFrame);
	});
	return row === undefined ? null : { row, text: shortfallSentence(shortfall, 'en') };
}
