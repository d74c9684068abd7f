import type { Counting } from './count-tracks.ts';
import { EVENT_KINDS } from './events.ts';

/** What one class did at one line. */
export type LineCount = { classIndex: number; forwards: number; backwards: number };

/** What one class did in one zone. */
export type ZoneCount = {
	classIndex: number;
	/** Visits: who entered and who appeared there. */
	visits: number;
	entered: number;
	left: number;
	/** Tracks that began, and ended, within the zone. */
	appeared: number;
	disappeared: number;
	/** Of all visits together, and of the longest. */
	dwellSeconds: number;
	longestSeconds: number;
};

export type ClassCounts = {
	/** By line, the classes that crossed it, by their indices. */
	lines: LineCount[][];
	/** By zone, the classes that were in it, by their indices. */
	zones: ZoneCount[][];
};

/** Counts per class of `zoneCount` zones and `lineCount` lines; only of the classes that `wanted` holds, null for all. */
export function countPerClass(
	{ events, visits }: Counting,
	zoneCount: number,
	lineCount: number,
	classOfTrack: Uint16Array,
	wanted: ReadonlySet<number> | null = null,
): ClassCounts {
	const lines = Array.from({ length: lineCount }, () => new Map<number, LineCount>());
	const zones = Array.from({ length: zoneCount }, () => new Map<number, ZoneCount>());
	const crossed = EVENT_KINDS.indexOf('crossed');
	for (let row = 0; row < events.count; row++) {
		const classIndex = events.classIndices[row]!;
		if (events.kinds[row] !== crossed || (wanted && !wanted.has(classIndex))) continue;
		const ofLine = lines[events.places[row]! - zoneCount]!;
		const count = entryOf(ofLine, classIndex, () => ({ classIndex, forwards: 0, backwards: 0 }));
		if (events.directions[row] === 1) count.forwards++;
		else count.backwards++;
	}
	for (let v = 0; v < visits.count; v++) {
		const classIndex = classOfTrack[visits.tracks[v]!]!;
		if (wanted && !wanted.has(classIndex)) continue;
		const count = entryOf(zones[visits.zones[v]!]!, classIndex, () => emptyZoneCount(classIndex));
		const seconds = visits.leaveSeconds[v]! - visits.enterSeconds[v]!;
		count.visits++;
		if (visits.hasEntered[v]) count.entered++;
		else count.appeared++;
		if (visits.hasLeft[v]) count.left++;
		else count.disappeared++;
		count.dwellSeconds += seconds;
		count.longestSeconds = Math.max(count.longestSeconds, seconds);
	}
	return { lines: lines.map(inOrder), zones: zones.map(inOrder) };
}

function emptyZoneCount(classIndex: number): ZoneCount {
	return {
		classIndex,
		visits: 0,
		entered: 0,
		left: 0,
		appeared: 0,
		disappeared: 0,
		dwellSeconds: 0,
		longestSeconds: 0,
	};
}

function entryOf<T>(counts: Map<number, T>, classIndex: number, make: () => T): T {
	const known = counts.get(classIndex);
	if (known) return known;
	const fresh = make();
	counts.set(classIndex, fresh);
	return fresh;
}

function inOrder<T extends { classIndex: number }>(counts: ReadonlyMap<number, T>): T[] {
	return [...counts.values()].sort((a, b) => a.classIndex - b.classIndex);
}
