import { bestSightings, type BestSightings } from '../counting/best-sightings.ts';
import { MOST_CUT_OUT } from '../domain/cut-out.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { TrackNames } from '../domain/track-labels.ts';
import type { Size } from '../domain/video.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { pathsOfRun } from '../tracking/run-paths.ts';
import { csvLine } from './csv-line.ts';
import type { ExportRequest } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { identitiesOfRun, inTurnsUnlessCancelled } from './identities.ts';
import { amongNumbers } from './numbered-objects.ts';
import { rounded } from './score-setting.ts';
import { timeOfDayOf, type TimeOfDay } from './times-of-day.ts';

/** An object as the table and the sheet tell of it. */
export type ExportedObject = {
	identity: number;
	/** What a person called it. */
	name: string | null;
	class: string;
	firstSeconds: number;
	firstAt: string | null;
	lastSeconds: number;
	lastAt: string | null;
	sightings: number;
	/** Of the best sighting. */
	frame: number;
	seconds: number;
	recordedAt: string | null;
	score: number;
	box: [left: number, top: number, right: number, bottom: number];
	/** In the archive; null where the video does not have the frame any more. */
	picture: string | null;
	/** The same, smaller, as a `data:` URL. */
	small: { url: string; size: Size } | null;
};

type Found = { best: BestSightings; names: TrackNames; timeOfDay: TimeOfDay };

/**
 * Who was seen in the range of a request and is asked for, by its search and by numbers, in order of their first sightings; `only`
 * empty: by any number. Throws `unknown-object` for numbers of nobody, `bad-argument` for nobody and for too many, and `cancelled`.
 */
export async function wantedObjects(
	run: StoredRun,
	{ range, search, clock, signal }: ExportRequest,
	only: string,
): Promise<ExportedObject[]> {
	const { frameIndex } = run.frames;
	const positions = requireRows(run, range);
	const span = { first: frameIndex[positions[0]!]!, last: frameIndex[positions.at(-1)!]! };
	const identities = await identitiesOfRun(run, signal);
	const paths = await inTurnsUnlessCancelled(pathsOfRun(run, identities), signal);
	const { displaySize } = run.header.video;
	const best = await inTurnsUnlessCancelled(bestSightings(paths, displaySize, span), signal);
	const isNumbered =
		only.trim() === '' ? () => true : amongNumbers(paths.identities, only, 'only', 'format objects');
	const { classes, identities: named } = search?.filter ?? {};
	const namedOnes = named && new Set(named);
	const rows = [...best.identities.keys()].filter((row) => {
		const identity = best.identities[row]!;
		return (
			isNumbered(identity) &&
			(namedOnes?.has(identity) ?? true) &&
			(classes?.includes(best.classIndices[row]!) ?? true)
		);
	});
	if (rows.length === 0) {
		throw new UserFacingError(
			'bad-argument',
			`format objects: objects that were asked for were expected in frames ${span.first} to ${span.last} (none was seen there).`,
			{ remedy: 'Ask for others, or for more of the run.' },
		);
	}
	if (rows.length > MOST_CUT_OUT) {
		throw new UserFacingError(
			'bad-argument',
			`format objects: ${MOST_CUT_OUT} objects at most were expected (there are ${rows.length}).`,
			{ remedy: 'Ask for a part of the run, or for some by their numbers.' },
		);
	}
	const names: TrackNames = new Map(identities.edits.names);
	const found = { best, names, timeOfDay: timeOfDayOf(run, clock) };
	return rows.map((row) => tell(run, found, row));
}

function tell(run: StoredRun, { best, names, timeOfDay }: Found, row: number): ExportedObject {
	const identity = best.identities[row]!;
	const classIndex = best.classIndices[row]!;
	const at = (seconds: number) => timeOfDay?.(seconds) ?? null;
	const [seconds, first, last] = [best.timesSeconds[row]!, best.firstSeconds[row]!, best.lastSeconds[row]!];
	const [left, top, right, bottom] = best.boxesXyxy.subarray(4 * row, 4 * row + 4);
	return {
		identity,
		name: names.get(identity) ?? null,
		class: run.header.model.classes[classIndex] ?? String(classIndex),
		firstSeconds: first,
		firstAt: at(first),
		lastSeconds: last,
		lastAt: at(last),
		sightings: best.sightings[row]!,
		frame: best.frameIndices[row]!,
		seconds,
		recordedAt: at(seconds),
		score: best.scores[row]!,
		box: [left!, top!, right!, bottom!],
		picture: null,
		small: null,
	};
}

// prettier-ignore
const COLUMNS = [
	'identity', 'name', 'class', 'first_seen_s', 'last_seen_s', 'sightings', 'best_frame', 'best_time_s', 'score',
	'left_px', 'top_px', 'right_px', 'bottom_px', 'picture',
];

/** RFC 4180, a line for each. */
export function* objectsAsCsv(told: readonly ExportedObject[]): Generator<string> {
	const isDated = told.some(({ recordedAt }) => recordedAt !== null);
	const dated = ['first_seen_at', 'last_seen_at', 'recorded_at'];
	yield csvLine([...COLUMNS, ...(isDated ? dated : [])]);
	for (const one of told) {
		yield csvLine([
			one.identity,
			one.name ?? '',
			one.class,
			rounded(one.firstSeconds, 6),
			rounded(one.lastSeconds, 6),
			one.sightings,
			one.frame,
			rounded(one.seconds, 6),
			rounded(one.score, 4),
			...one.box.map((pixels) => rounded(pixels, 2)),
			one.picture ?? '',
			...(isDated ? [one.firstAt ?? '', one.lastAt ?? '', one.recordedAt ?? ''] : []),
		]);
	}
}
