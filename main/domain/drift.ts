import type { MatchCounts } from './agreement.ts';

/**
 * How far the answers of a run that reuses may be from those of a dense run, estimated while it runs: from what waits, and from
 * audits, frames that are computed both ways.
 */
export type Drift = {
	/** Tokens that changed and were not recomputed. */
	waitingTokens: number;
	/** Frames that the one of them has waited that waits longest. */
	longestWait: number;
	/** Tokens that would have had to be recomputed for the agreement that the settings ask for. */
	sufficientTokens: number;
	/** Estimated agreement with dense (F1 of what is shown) over the last `DRIFT_WINDOW_FRAMES` frames, with its 95 % bounds; 0 to 1. */
	agreement: number;
	lower: number;
	upper: number;
	/** On an audited frame: what the reduced answer was, held against the dense one that is shown. */
	audit: Audit | null;
};

/** Detections of a reduced answer that match the dense ones, that are missing, and that dense doesn't show. */
export type Audit = MatchCounts;

/** The same of a frame, with F1 alone of an audit. */
export type DriftFigures = Omit<Drift, 'audit'> & { audit: number | null };

/** Frames that estimates speak of. */
export const DRIFT_WINDOW_FRAMES = 50;
