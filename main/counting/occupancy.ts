import { orderByFrame } from './frame-order.ts';
import type { VisitTable } from './visits.ts';

/** How many objects were in a zone at once: `counts[i]` from frame `frameIndices[i]` on, up to the next step; 0 before the first. */
export type Occupancy = {
	frameIndices: Int32Array;
	counts: Uint32Array;
	/** The most at once, and the first frame with as many; -1 where the zone stayed empty. */
	most: number;
	mostFrame: number;
};

/** Told of every visit that begins: how many are in the zone then, and how many were in the frame before. */
export type OnComing = (visit: number, count: number, before: number) => void;

/**
 * Of one zone. A visit counts from the frame in which its object is seen inside up to the one in which it is seen outside, or
 * up to its last sighting, included. Visits that passed between two sightings were in no frame.
 */
export function occupancyOf(
	visits: VisitTable,
	zone: number,
	onComing: OnComing = () => undefined,
): Occupancy {
	const own: number[] = [];
	for (let v = 0; v < visits.count; v++) {
		if (visits.zones[v] === zone && endOf(visits, v) > visits.enterFrames[v]!) own.push(v);
	}
	const starts = Int32Array.from(own, (v) => visits.enterFrames[v]!);
	const ends = Int32Array.from(own, (v) => endOf(visits, v));
	const byStart = orderByFrame(starts);
	const byEnd = orderByFrame(ends);
	const frameIndices = new Int32Array(2 * own.length);
	const counts = new Uint32Array(2 * own.length);
	let [steps, started, ended, most, mostFrame] = [0, 0, 0, 0, -1];
	while (ended < own.length) {
		const nextStart = started < own.length ? starts[byStart[started]!]! : Infinity;
		const frame = Math.min(nextStart, ends[byEnd[ended]!]!);
		const before = started - ended;
		while (ended < own.length && ends[byEnd[ended]!] === frame) ended++;
		while (started < own.length && starts[byStart[started]!] === frame) {
			started++;
			onComing(own[byStart[started - 1]!]!, started - ended, before);
		}
		const count = started - ended;
		if (count > most) [most, mostFrame] = [count, frame];
		if (count === before) continue; // as many left as came
		frameIndices[steps] = frame;
		counts[steps++] = count;
	}
	return { frameIndices: frameIndices.slice(0, steps), counts: counts.slice(0, steps), most, mostFrame };
}

/** The first frame without it. */
function endOf(visits: VisitTable, visit: number): number {
	return visits.leaveFrames[visit]! + (visits.hasLeft[visit] ? 0 : 1);
}
