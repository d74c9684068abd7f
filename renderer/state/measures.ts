import { GIGA } from '../../main/domain/cost.ts';
import type { RunSummary } from '../../main/results/summary.ts';
import type { FrameMeans } from './timeline-columns.ts';

/** What a run comes to, per frame after the first. */
export type Measures = {
	frames: number;
	milliseconds: number;
	gmac: number;
	/** Share of the operations of dense frames that were not needed, 0 to 1. */
	saved: number;
	tokens: number;
	/** How many times the reference's time a frame takes here is; null without a reference. */
	speed: { total: number; run: number } | null;
};

/** `denseMacs`: of one dense frame. */
export function measure(means: FrameMeans, denseMacs: number, reference: FrameMeans | null): Measures {
	const comparable = reference && reference.frames > 0 && means.totalMilliseconds > 0;
	return {
		frames: means.frames,
		milliseconds: means.totalMilliseconds,
		gmac: means.macs / GIGA,
		saved: denseMacs > 0 ? 1 - means.macs / denseMacs : 0,
		tokens: means.selectedTokens,
		speed: comparable
			? {
					total: reference.totalMilliseconds / means.totalMilliseconds,
					run: computing(reference) / computing(means),
				}
			: null,
	};
}

/** Of a stored run. */
export function meansOfSummary(summary: RunSummary): FrameMeans {
	const { total, ...milliseconds } = summary.msPerFrame;
	return {
		frames: summary.frames,
		milliseconds,
		totalMilliseconds: total,
		macs: summary.gmacPerFrame.mean * GIGA,
		selectedTokens: summary.tokens.meanSelected,
	};
}

/** The run stage; a mode that skips frames altogether may have none. */
function computing(means: FrameMeans): number {
	return Math.max(means.milliseconds.run, 1e-6);
}
