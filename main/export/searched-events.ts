import { COUNTING } from '../counting/count-tracks.ts';
import { filterEvents } from '../counting/filter-events.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { SettingsTable, ValuesOf } from '../domain/settings-table.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { emptyZones } from '../domain/zone-geometry.ts';
import { countRun, type CountedRun } from './counted-run.ts';
import type { ExportRequest } from './format.ts';
import { requireRows } from './frames-in-range.ts';

/** What makes events of stays and of crowds; a search has limits of its own. */
export const LIMIT_SETTINGS = {
	dwell: {
		kind: 'number',
		default: 0,
		min: 0,
		max: 1_000_000,
		unit: 's',
		description: 'Names who stays in a zone for longer; 0 names nobody.',
	},
	atOnce: {
		kind: 'integer',
		default: 0,
		min: 0,
		max: 100_000,
		description: 'Names who makes more than this many in a zone at once; 0 names nobody.',
	},
} as const satisfies SettingsTable;

/**
 * The events of the main run that a request wants, within its range, as rows of the table; `frames` is how many the range has. Without a search, zones or lines are
 * expected: throws `zones-unreadable`, naming `place`; and what counting throws.
 */
export async function searchedEvents(
	request: ExportRequest,
	limits: ValuesOf<typeof LIMIT_SETTINGS>,
	place: string,
): Promise<{ counted: CountedRun; rows: Uint32Array; frames: number }> {
	const { runs, range, search, zones } = request;
	const run = runs[0]!;
	const positions = requireRows(run, range);
	const { dwellSeconds, mostAtOnce, filter } = search ?? {
		dwellSeconds: limits.dwell || null,
		mostAtOnce: limits.atOnce || null,
		filter: {},
	};
	const drawn: ZoneSet = zones ?? (search ? emptyZones(run.header.video.displaySize) : noZones(place));
	const options = { ...COUNTING, dwellSeconds, mostAtOnce };
	const counted = await countRun(run, drawn, 'the zones', options, request);
	const { frameIndex } = run.frames;
	const [first, last] = [frameIndex[positions[0]!]!, frameIndex[positions.at(-1)!]!];
	const { events } = counted.counting;
	const rows = filterEvents(events, filter).filter(
		(row) => events.frameIndices[row]! >= first && events.frameIndices[row]! <= last,
	);
	return { counted, rows, frames: positions.length };
}

function noZones(place: string): never {
	throw new UserFacingError(
		'zones-unreadable',
		`${place}: zones or lines on the picture were expected (there are none).`,
		{ remedy: 'Draw a zone or a line first, or name a file of zones.' },
	);
}
