import { allSteps } from '../domain/all-steps.ts';
import { firstIndex } from '../domain/first-index.ts';
import type { TrackPaths } from '../domain/track-paths.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { CountedTrack } from './counted-track.ts';
import { EventCollector, type EventTable } from './events.ts';
import { LineGate } from './line-gate.ts';
import { occupancyOf, type Occupancy } from './occupancy.ts';
import { VisitCollector, type VisitTable } from './visits.ts';
import { ZoneGate, type Stay } from './zone-gate.ts';

/** What counting does beyond the zones and lines. */
export type CountingOptions = {
	/** Who stays in a zone for more seconds dwells; null for nobody. */
	dwellSeconds: number | null;
	/** A zone with more objects at once is crowded; null for none. */
	mostAtOnce: number | null;
	/**
	 * Anchors are means over this many seconds before and after, so that an edge of a box that trembles does not cross a line to and
	 * fro; 0 for anchors as they were seen.
	 */
	smoothSeconds: number;
};

/**
 * Half a second was chosen by counts of the annotated tracks of PETS09-S2L1 and TUD-Stadtmitte: 22 events are counted that are none,
 * not 48, and 15 of 281 are missed, not 13; see `npm run bench -- --only counts`.
 */
export const COUNTING: CountingOptions = { dwellSeconds: null, mostAtOnce: null, smoothSeconds: 0.5 };

/** What happened at the zones and lines of a picture. */
export type Counting = {
	events: EventTable;
	visits: VisitTable;
	/** By zone. */
	occupancy: readonly Occupancy[];
};

/** Tracks that are counted in one step. */
const TRACKS_PER_STEP = 32;

/** Follows every track through all zones and over all lines, once. Zones and lines must be without problems (`zoneProblems`). */
export function countTracks(
	paths: TrackPaths,
	zoneSet: ZoneSet,
	options: CountingOptions = COUNTING,
): Counting {
	return allSteps(countingSteps(paths, zoneSet, options));
}

/** As `countTracks`, in steps between which other work of the process can run. */
export function* countingSteps(
	paths: TrackPaths,
	zoneSet: ZoneSet,
	options: CountingOptions = COUNTING,
): Generator<void, Counting> {
	const { zones, lines, anchor, hysteresis } = zoneSet;
	const zoneGates = zones.map((zone) => new ZoneGate(zone));
	const lineGates = lines.map((line) => new LineGate(line));
	const track = new CountedTrack(paths, anchor, hysteresis, options.smoothSeconds);
	const events = new EventCollector();
	const visits = new VisitCollector();
	for (let t = 0; t < paths.identities.length; t++) {
		if (t % TRACKS_PER_STEP === 0) yield;
		track.load(t);
		const { first, count } = track;
		if (count === 0) continue;
		const last = first + count - 1;
		let appearedAt = 0;
		let disappearedAt = 0;
		for (const [zone, gate] of zoneGates.entries()) {
			gate.count(track, (stay) => {
				visits.add(paths, zone, t, stay);
				const entry = first + stay.enters;
				const exit = first + stay.leaves;
				const amount = stay.leaveSeconds - stay.enterSeconds;
				if (stay.hasEntered) events.add('entered', t, entry, entry - 1, zone);
				else {
					events.add('appeared', t, entry, entry, zone);
					appearedAt++;
				}
				if (stay.hasLeft) events.add('left', t, exit, exit - 1, zone, amount);
				else {
					events.add('disappeared', t, exit, exit, zone, amount);
					disappearedAt++;
				}
				if (options.dwellSeconds !== null && amount > options.dwellSeconds) {
					const long = whenLonger(paths, first, stay, options.dwellSeconds);
					events.add('dwelt', t, long, Math.max(first, long - 1), zone, amount);
				}
			});
		}
		if (appearedAt === 0) events.add('appeared', t, first, first, -1);
		if (disappearedAt === 0) events.add('disappeared', t, last, last, -1);
		for (const [line, gate] of lineGates.entries()) {
			gate.count(track, (direction, i) => {
				events.add('crossed', t, first + i, first + i - 1, zones.length + line, Number.NaN, direction);
			});
		}
	}
	yield;
	const visitTable = visits.table();
	const occupancy = zones.map((_, zone) =>
		occupancyOf(visitTable, zone, (visit, amount, before) => {
			if (options.mostAtOnce === null || amount <= options.mostAtOnce || before > options.mostAtOnce) return;
			if (amount > options.mostAtOnce + 1) return; // it was crowded by another one of this frame
			const sighting = visitTable.enterSightings[visit]!;
			events.add('crowded', visitTable.tracks[visit]!, sighting, sighting, zone, amount);
		}),
	);
	yield;
	return { events: events.table(paths), visits: visitTable, occupancy };
}

/** The first sighting of a stay with which it is longer than `seconds`; its end where that is the first. */
function whenLonger({ timesSeconds }: TrackPaths, first: number, stay: Stay, seconds: number): number {
	const from = first + stay.enters;
	const isLonger = (i: number) => timesSeconds[from + i]! - stay.enterSeconds > seconds;
	return from + firstIndex(stay.leaves - stay.enters, isLonger);
}
