import { countingSteps, type Counting, type CountingOptions } from '../counting/count-tracks.ts';
import { EVENT_KINDS, type EventKind } from '../counting/events.ts';
import { fitZones } from '../counting/zone-file.ts';
import type { TrackPaths } from '../domain/track-paths.ts';
import type { TrackNames } from '../domain/track-labels.ts';
import { placesOf, type ZoneSet } from '../domain/zones.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { pathsOfRun } from '../tracking/run-paths.ts';
import { csvLine } from './csv-line.ts';
import type { ExportRequest } from './format.ts';
import { timeOfDayOf, type TimeOfDay } from './times-of-day.ts';
import { identitiesOfRun, inTurnsUnlessCancelled } from './identities.ts';
import { rounded } from './score-setting.ts';

/** What happened at the zones and lines of a stored run. */
export type CountedRun = {
	run: StoredRun;
	/** In pixels of the run's video. */
	zones: ZoneSet;
	/** By how much they were enlarged for its picture, 1 where they were drawn on it. */
	scale: number;
	paths: TrackPaths;
	counting: Counting;
	timeOfDay: TimeOfDay;
	names: TrackNames;
};

/**
 * Follows all objects of a run, and counts them. Throws `zones-unreadable` where the zones are for a picture of another shape, naming
 * `place`; `cancelled`.
 */
export async function countRun(
	run: StoredRun,
	drawn: ZoneSet,
	place: string,
	options: CountingOptions,
	{ clock, signal }: Pick<ExportRequest, 'clock' | 'signal'> = {},
): Promise<CountedRun> {
	const { zones, scale } = fitZones(drawn, run.header.video.displaySize, place);
	const identities = await identitiesOfRun(run, signal);
	const paths = await inTurnsUnlessCancelled(pathsOfRun(run, identities), signal);
	const counting = await inTurnsUnlessCancelled(countingSteps(paths, zones, options), signal);
	const names = new Map(identities.edits.names);
	return { run, zones, scale, paths, counting, timeOfDay: timeOfDayOf(run, clock), names };
}

/** One event as it is written to files. */
export type EventRecord = {
	/** The decoded frame with the first sighting after it. */
	frame: number;
	/** The frame of the sighting before it. */
	sinceFrame: number;
	timeSeconds: number;
	/** When that frame was recorded, where that is known (ISO 8601). */
	recordedAt?: string;
	event: EventKind;
	/** Name of the zone or line; null where it happened in none. */
	place: string | null;
	direction: 'forwards' | 'backwards' | null;
	identity: number;
	/** What a person called it. */
	name?: string;
	class: string;
	score: number;
	/** Left, top, right, bottom in displayed pixels of the video. */
	box: number[];
	/** How long the stay was that ended or was long; null otherwise. */
	seconds: number | null;
	/** How many were there at once, of a zone that became crowded; null otherwise. */
	atOnce: number | null;
};

export function eventRecord(counted: CountedRun, row: number): EventRecord {
	const {
		run,
		zones,
		timeOfDay,
		names,
		counting: { events },
	} = counted;
	const event = EVENT_KINDS[events.kinds[row]!]!;
	const classIndex = events.classIndices[row]!;
	const direction = events.directions[row]!;
	const amount = events.amounts[row]!;
	const identity = events.identities[row]!;
	const isCount = event === 'crowded';
	return {
		frame: events.frameIndices[row]!,
		sinceFrame: events.sinceFrames[row]!,
		timeSeconds: rounded(events.timesSeconds[row]!, 6),
		...(timeOfDay && { recordedAt: timeOfDay(events.timesSeconds[row]!) }),
		event,
		place: placesOf(zones)[events.places[row]!]?.name ?? null,
		direction: direction === 0 ? null : direction > 0 ? 'forwards' : 'backwards',
		identity,
		...(names.has(identity) && { name: names.get(identity)! }),
		class: run.header.model.classes[classIndex] ?? String(classIndex),
		score: rounded(events.scores[row]!, 4),
		box: Array.from(events.boxesXyxy.subarray(4 * row, 4 * row + 4), (pixels) => rounded(pixels, 2)),
		seconds: isCount || Number.isNaN(amount) ? null : rounded(amount, 3),
		atOnce: isCount ? amount : null,
	};
}

// prettier-ignore
const COLUMNS = [
	'frame', 'since_frame', 'time_s', 'event', 'place', 'direction', 'identity', 'class', 'score',
	'left_px', 'top_px', 'right_px', 'bottom_px', 'stay_s', 'at_once',
];

/** RFC 4180, a line for each of some events. */
export function* eventsAsCsv(counted: CountedRun, rows: Uint32Array): Generator<string> {
	const isDated = counted.timeOfDay !== null;
	const isNamed = counted.names.size > 0;
	yield csvLine([...COLUMNS, ...(isDated ? ['recorded_at'] : []), ...(isNamed ? ['name'] : [])]);
	for (const row of rows) {
		const { box, ...one } = eventRecord(counted, row);
		yield csvLine([
			one.frame,
			one.sinceFrame,
			one.timeSeconds,
			one.event,
			one.place ?? '',
			one.direction ?? '',
			one.identity,
			one.class,
			one.score,
			...box,
			one.seconds ?? '',
			one.atOnce ?? '',
			...(isDated ? [one.recordedAt ?? ''] : []),
			...(isNamed ? [one.name ?? ''] : []),
		]);
	}
}

/** One JSON object: the video, the zones, and an event on each line. */
export function* eventsAsJson(counted: CountedRun, rows: Uint32Array): Generator<string> {
	const { run, zones } = counted;
	const { video, model, mode } = run.header;
	const head = JSON.stringify({ video: video.path, model: model.id, mode, zones });
	yield `${head.slice(0, -1)},"events":[`;
	let isFirst = true;
	for (const row of rows) {
		yield `${isFirst ? '' : ','}\n${JSON.stringify(eventRecord(counted, row))}`;
		isFirst = false;
	}
	yield '\n]}\n';
}
