import { f1Of } from '../domain/agreement.ts';
import type { RunHeader, SettingEvent } from '../domain/run.ts';
import { settingsAt, ShortfallWatch, shortfallSentence, type Shortfall } from '../domain/shortfall.ts';
import { tokenCount } from '../domain/tokens.ts';
import type { FrameColumns } from './frame-columns.ts';

/** How far from dense a run's answers may be, in a few numbers, ready for JSON. */
export type DriftSummary = {
	/** Estimated agreement with dense, 0 to 1. */
	agreement: { mean: number; lowest: number };
	/** Frames computed dense as well: F1 of all their detections together (null without any), and their share of the multiply-adds. */
	audits: { count: number; f1: number | null; costShare: number };
	/** Tokens that waited; the longest wait is in frames. */
	waiting: { meanTokens: number; mostTokens: number; longestWait: number };
	/** Boxes that were shown stale. */
	staleBoxes: number;
	/** That the budget was too small, with the sentence that says so; null where it was not. */
	warning: (Shortfall & { text: string }) | null;
};

/** Null if the mode didn't estimate it. `staleBoxes`: how many were shown. */
export function summarizeDrift(
	header: RunHeader,
	events: readonly SettingEvent[],
	frames: FrameColumns,
	staleBoxes: number,
): DriftSummary | null {
	const { drift, macs } = frames;
	if (!drift) return null;
	const estimated = [...drift.agreement.keys()].filter((row) => !Number.isNaN(drift.agreement[row]!));
	if (estimated.length === 0) return null;
	const audited = estimated.filter((row) => drift.audit.matched[row]! >= 0);
	const sum = (rows: readonly number[], of: (row: number) => number) =>
		rows.reduce((total, row) => total + of(row), 0);
	const all = {
		matched: sum(audited, (row) => drift.audit.matched[row]!),
		lost: sum(audited, (row) => drift.audit.lost[row]!),
		gained: sum(audited, (row) => drift.audit.gained[row]!),
	};
	const auditMacs = sum(audited, (row) => Math.min(header.denseMacs, macs[row]!));
	const allMacs = macs.reduce((total, value) => total + value, 0);
	const shortfall = findShortfall(header, events, frames);
	return {
		agreement: {
			mean: sum(estimated, (row) => drift.agreement[row]!) / estimated.length,
			lowest: estimated.reduce((least, row) => Math.min(least, drift.agreement[row]!), 1),
		},
		audits: {
			count: audited.length,
			f1: audited.length > 0 ? f1Of(all) : null,
			costShare: allMacs > 0 ? auditMacs / allMacs : 0,
		},
		waiting: {
			meanTokens: sum(estimated, (row) => drift.waitingTokens[row]!) / estimated.length,
			mostTokens: drift.waitingTokens.reduce((most, value) => Math.max(most, value), 0),
			longestWait: drift.longestWait.reduce((most, value) => Math.max(most, value), 0),
		},
		staleBoxes,
		warning: shortfall && { ...shortfall, text: shortfallSentence(shortfall, 'en') },
	};
}

/** Where a stored run's budget was too small; null where it was not, or nothing was estimated. */
export function findShortfall(
	{ settings, grid }: RunHeader,
	events: readonly SettingEvent[],
	{ frameIndex, timeSeconds, selectedTokens, drift }: FrameColumns,
): Shortfall | null {
	if (!drift) return null;
	const watch = new ShortfallWatch(tokenCount(grid));
	frameIndex.forEach((frame, row) => {
		watch.add(
			{
				frameIndex: frame,
				timeSeconds: timeSeconds[row]!,
				selectedTokens: selectedTokens[row]!,
				sufficientTokens: drift.sufficientTokens[row]!,
				agreement: drift.agreement[row]!,
				upper: drift.upper[row]!,
			},
			settingsAt(settings, events, frame),
		);
	});
	return watch.shortfall;
}
