import type { RunTimeline } from '../../preload/contract.ts';
import { f1Of } from '../domain/agreement.ts';
import { CAMERA_FIELDS } from '../domain/camera-path.ts';
import { STAGES } from '../domain/cost.ts';
import { inTurns } from '../results/in-turns.ts';
import type { StoredRun } from '../results/stored-run.ts';

/** Frames of a run, by position; the end is not part of it. */
type Span = { from: number; to: number };

/** Cost, time and counts of the frames at positions `[from, to)`, in columns. */
export async function timelineOf(run: StoredRun, { from, to }: Span): Promise<RunTimeline> {
	const { frameIndex, timeSeconds, kind, selectedTokens, macs, budgetMacs } = run.frames;
	return {
		frameIndices: frameIndex.slice(from, to),
		timesSeconds: timeSeconds.slice(from, to),
		kinds: kind.slice(from, to),
		selectedTokens: selectedTokens.slice(from, to),
		macs: macs.slice(from, to),
		budgetMacs: budgetMacs.slice(from, to),
		...driftColumns(run, { from, to }),
		cameras: interleaved(
			CAMERA_FIELDS.map((field) => run.frames.camera?.[field] ?? null),
			{ from, to },
		),
		milliseconds: interleaved(
			STAGES.map((stage) => run.frames.milliseconds[stage]),
			{ from, to },
		),
		detections: await inTurns(run.countsReaching(run.header.displayThresholds, from, to)),
	};
}

/** What is estimated of the frames, as in a `FrameBatch`. */
function driftColumns({ frames: { drift } }: StoredRun, { from, to }: Span) {
	const frames = to - from;
	const audits = new Float32Array(frames).fill(Number.NaN);
	if (!drift) {
		const none = new Int32Array(frames);
		const agreements = new Float32Array(3 * frames).fill(Number.NaN);
		return { waitingTokens: none, longestWaits: none, sufficientTokens: none, agreements, audits };
	}
	const { matched, lost, gained } = drift.audit;
	for (let f = 0; f < frames; f++) {
		if (matched[from + f]! < 0) continue;
		audits[f] = f1Of({ matched: matched[from + f]!, lost: lost[from + f]!, gained: gained[from + f]! });
	}
	return {
		waitingTokens: drift.waitingTokens.slice(from, to),
		longestWaits: drift.longestWait.slice(from, to),
		sufficientTokens: drift.sufficientTokens.slice(from, to),
		agreements: interleaved([drift.agreement, drift.lower, drift.upper], { from, to }),
		audits,
	};
}

/** [frames, columns]; NaN for a column that there is not. */
function interleaved(columns: readonly (Float32Array | null)[], { from, to }: Span): Float32Array {
	const rows = new Float32Array((to - from) * columns.length).fill(Number.NaN);
	columns.forEach((column, i) => {
		if (column) for (let f = from; f < to; f++) rows[(f - from) * columns.length + i] = column[f]!;
	});
	return rows;
}
