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
	const { agreement, audit, waitingTokens, longestWait } = drift;
	const all = { matched: 0, lost: 0, gained: 0 };
	let [estimated, agreements, lowest, audits, auditMacs, allMacs] = [0, 0, 1, 0, 0, 0];
	let [tokens, mostTokens, longest] = [0, 0, 0];
	for (let row = 0; row < agreement.length; row++) {
		allMacs += macs[row]!;
		mostTokens = Math.max(mostTokens, waitingTokens[row]!);
		longest = Math.max(longest, longestWait[row]!);
		if (Number.isNaN(agreement[row]!)) continue;
		estimated++;
		agreements += agreement[row]!;
		lowest = Math.min(lowest, agreement[row]!);
		tokens += waitingTokens[row]!;
		if (audit.matched[row]! < 0) continue;
		audits++;
		all.matched += audit.matched[row]!;
		all.lost += audit.lost[row]!;
		all.gained += audit.gained[row]!;
		auditMacs += Math.min(header.denseMacs, macs[row]!);
	}
	if (estimated === 0) return null;
	const shortfall = findShortfall(header, events, frames);
	return {
		agreement: { mean: agreements / estimated, lowest },
		audits: {
			count: audits,
			f1: audits > 0 ? f1Of(all) : null,
			costShare: allMacs > 0 ? auditMacs / allMacs : 0,
		},
		waiting: { meanTokens: tokens / estimated, mostTokens, longestWait: longest },
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
