import { firstIndex } from '../domain/first-index.ts';
import { EVENT_KINDS, type EventKind, type EventTable } from './events.ts';

/** Which events are wanted; what is left out, or null, does not matter. */
export type EventFilter = {
	kinds?: readonly EventKind[] | null;
	/** Indices of classes. */
	classes?: readonly number[] | null;
	/** As in `EventTable`; -1 for events without a place. */
	places?: readonly number[] | null;
	/** Of the objects. */
	identities?: readonly number[] | null;
	/** 1 forwards, -1 backwards. */
	direction?: 1 | -1 | null;
	/** 0 to 1. */
	leastScore?: number | null;
	/** Both included, of the video's time line. */
	fromSeconds?: number | null;
	toSeconds?: number | null;
	/** Of the box, in pixels of the video. */
	leastHeight?: number | null;
	mostHeight?: number | null;
	leastArea?: number | null;
	mostArea?: number | null;
};

/** What makes events, as in `CountingOptions`, and which of them are wanted. */
export type EventSearch = {
	dwellSeconds: number | null;
	mostAtOnce: number | null;
	filter: EventFilter;
};

/** What of the events a search reads. */
export type SearchedEvents = Omit<EventTable, 'sinceFrames' | 'tracks' | 'amounts'>;

/** The positions of the events that a filter wants, in the table's order. */
export function filterEvents(events: SearchedEvents, filter: EventFilter): Uint32Array {
	const kinds = filter.kinds
		? membersOf(
				filter.kinds.map((kind) => EVENT_KINDS.indexOf(kind)),
				0,
			)
		: null;
	const classes = filter.classes ? membersOf(filter.classes, 0) : null;
	const places = filter.places ? membersOf(filter.places, 1) : null;
	const identities = filter.identities ? new Set(filter.identities) : null;
	const direction = filter.direction ?? 0;
	const leastScore = filter.leastScore ?? -Infinity;
	const [from, to] = rowsBetween(events, filter.fromSeconds ?? -Infinity, filter.toSeconds ?? Infinity);
	const size = sizeTest(filter);
	const found = new Uint32Array(Math.max(0, to - from));
	let count = 0;
	for (let row = from; row < to; row++) {
		if (kinds && !kinds[events.kinds[row]!]) continue;
		if (classes && !classes[events.classIndices[row]!]) continue;
		if (places && !places[events.places[row]! + 1]) continue;
		if (direction !== 0 && events.directions[row] !== direction) continue;
		if (events.scores[row]! < leastScore) continue;
		if (identities && !identities.has(events.identities[row]!)) continue;
		if (size && !size(events.boxesXyxy, 4 * row)) continue;
		found[count++] = row;
	}
	return found.slice(0, count);
}

/** Of `rows`, as `filterEvents` gives them, the first behind a frame or the last before it; -1 for none. */
export function nextEvent(
	events: Pick<EventTable, 'frameIndices'>,
	rows: Uint32Array,
	frameIndex: number,
	step: 1 | -1,
): number {
	// The first one that is behind the frame or, backwards, not before it.
	const least = step === 1 ? frameIndex + 1 : frameIndex;
	const at = firstIndex(rows.length, (i) => events.frameIndices[rows[i]!]! >= least);
	return (step === 1 ? rows[at] : rows[at - 1]) ?? -1;
}

/** A mark for each of some whole numbers, from -`shift` on. */
function membersOf(numbers: readonly number[], shift: number): Uint8Array {
	const marks = new Uint8Array(1 + shift + numbers.reduce((most, number) => Math.max(most, number), 0));
	for (const number of numbers) if (number + shift >= 0) marks[number + shift] = 1;
	return marks;
}

/** Times rise with frames: the rows whose times lie between two, the second included. */
function rowsBetween({ timesSeconds, count }: SearchedEvents, from: number, to: number): [number, number] {
	return [
		firstIndex(count, (row) => timesSeconds[row]! >= from),
		firstIndex(count, (row) => timesSeconds[row]! > to),
	];
}

function sizeTest(filter: EventFilter): ((boxes: Float32Array, at: number) => boolean) | null {
	const { leastHeight, mostHeight, leastArea, mostArea } = filter;
	const limits = [leastHeight ?? 0, mostHeight ?? Infinity, leastArea ?? 0, mostArea ?? Infinity] as const;
	if (limits.every((limit, i) => limit === (i % 2 === 0 ? 0 : Infinity))) return null;
	const [minHeight, maxHeight, minArea, maxArea] = limits;
	return (boxes, at) => {
		const height = boxes[at + 3]! - boxes[at + 1]!;
		const area = height * (boxes[at + 2]! - boxes[at]!);
		return height >= minHeight && height <= maxHeight && area >= minArea && area <= maxArea;
	};
}
