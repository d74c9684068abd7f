/** Positions on a scrubber of `count` frames: the first frame is at its left end, the last one at its right end. */

/** 0 to 1. */
export function frameShare(frame: number, count: number): number {
	return count < 2 ? 0 : Math.min(1, Math.max(0, frame / (count - 1)));
}

/** The frame at `share` (0 to 1, clamped) of the width. */
export function frameAtShare(share: number, count: number): number {
	return Math.round(Math.min(1, Math.max(0, share)) * Math.max(0, count - 1));
}

export type Band = { start: number; width: number };

/**
 * Spans of frames (both ends included) as shares of the width, ascending; overlapping and adjacent ones are merged, and
 * parts beyond the video are cut off.
 */
export function spanBands(spans: readonly (readonly [from: number, to: number])[], count: number): Band[] {
	const inside = spans
		.map(([from, to]) => [Math.max(0, from), Math.min(count - 1, to)] as const)
		.filter(([from, to]) => from <= to)
		.sort(([a], [b]) => a - b);
	const merged: [number, number][] = [];
	for (const [from, to] of inside) {
		const before = merged.at(-1);
		if (before && from <= before[1] + 1) before[1] = Math.max(before[1], to);
		else merged.push([from, to]);
	}
	return merged.map(([from, to]) => {
		const start = frameShare(from, count);
		return { start, width: frameShare(to, count) - start };
	});
}

/** The frame that a key press on a focused scrubber leads to; null for other keys. */
export function keyTarget(key: string, frame: number, count: number, pageFrames: number): number | null {
	const target = {
		ArrowLeft: frame - 1,
		ArrowDown: frame - 1,
		ArrowRight: frame + 1,
		ArrowUp: frame + 1,
		PageDown: frame - pageFrames,
		PageUp: frame + pageFrames,
		Home: 0,
		End: count - 1,
	}[key];
	return target === undefined ? null : Math.max(0, Math.min(count - 1, target));
}
