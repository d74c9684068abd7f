/** Where things stand on a scrubber of `count` frames: the first frame at its left end, the last one at its right. */

/** 0 to 1. */
export function frameShare(frame: number, count: number): number {
	return count < 2 ? 0 : Math.min(1, Math.max(0, frame / (count - 1)));
}

/** The frame at `share` (0 to 1; beyond is brought into bounds) of the way. */
export function frameAtShare(share: number, count: number): number {
	return Math.round(Math.min(1, Math.max(0, share)) * Math.max(0, count - 1));
}

export type Band = { start: number; width: number };

/**
 * Spans of frames (both ends included) as shares of the way, ascending; those that overlap or touch become one, and
 * what lies beyond the video is cut off.
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

/** What keys do on a scrubber that has the focus: the frame to go to, or null where the key means nothing to it. */
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
