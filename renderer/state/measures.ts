import { GIGA } from '../../main/domain/cost.ts';
import { speedUpOver } from '../../main/domain/dense-reference.ts';
import type { RunSummary } from '../../main/results/summary.ts';
import type { FrameMeans } from './timeline-columns.ts';

/** The measures of a run, per frame after the first. */
export type Measures = {
	frames: number;
	milliseconds: number;
	gmac: number;
	/** Share of a dense run's operations that was saved, 0 to 1. */
	saved: number;
	tokens: number;
	/** Estimated agreement with dense, 0 to 1; null if it is not estimated. */
	estimate: number | null;
	/** Speed-up over the reference: its time per frame over this run's; null without a reference. */
	speed: { total: number; run: number } | null;
};

/** `denseMacs`: multiply-adds of a dense frame. */
export function measure(means: FrameMeans, denseMacs: number, reference: FrameMeans | null): Measures {
	return {
		frames: means.frames,
		milliseconds: means.totalMilliseconds,
		gmac: means.macs / GIGA,
		saved: denseMacs > 0 ? 1 - means.macs / denseMacs : 0,
		tokens: means.selectedTokens,
		estimate: means.estimate,
		speed: speedUpOver(reference && reference.frames > 0 ? timesOf(reference) : null, timesOf(means)),
	};
}

/** The means of a stored run. */
export function meansOfSummary(summary: RunSummary): FrameMeans {
	const { total, ...milliseconds } = summary.msPerFrame;
	return {
		frames: summary.frames,
		milliseconds,
		totalMilliseconds: total,
		macs: summary.gmacPerFrame.mean * GIGA,
		selectedTokens: summary.tokens.meanSelected,
		estimate: summary.drift?.agreement.mean ?? null,
	};
}

function timesOf({ milliseconds, totalMilliseconds }: FrameMeans): { run: number; total: number } {
	return { run: milliseconds.run, total: totalMilliseconds };
}
