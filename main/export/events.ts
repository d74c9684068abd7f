import { COUNTING } from '../counting/count-tracks.ts';
import { UserFacingError } from '../domain/errors.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import { countRun, eventsAsCsv, eventsAsJson, type CountedRun } from './counted-run.ts';
import type { ExportFormat, ExportRequest } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { writePartialFirst, writeText } from './partial-file.ts';

const settings = {
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

export const eventsCsv: ExportFormat = {
	id: 'events-csv',
	title: 'Events (CSV)',
	fileExtension: 'csv',
	description:
		'A table of what happened at zones and lines: who came, went, crossed and stayed, a row per event.',
	settings,
	readsZones: true,
	write: (request) => writeEvents(request, 'events-csv', eventsAsCsv),
};

export const eventsJson: ExportFormat = {
	id: 'events-json',
	title: 'Events (JSON)',
	fileExtension: 'json',
	description: 'What happened at zones and lines as one JSON object, with the zones themselves.',
	settings,
	readsZones: true,
	write: (request) => writeEvents(request, 'events-json', eventsAsJson),
};

async function writeEvents(
	request: ExportRequest,
	id: string,
	textOf: (counted: CountedRun, rows: Uint32Array) => Generator<string>,
): Promise<void> {
	const { runs, out, range, zones, settings: given, signal, onProgress } = request;
	const run = runs[0]!;
	const { dwell, atOnce } = resolveSettings(settings, given, `format ${id}`);
	if (!zones) {
		throw new UserFacingError(
			'zones-unreadable',
			`format ${id}: zones or lines on the picture were expected (there are none).`,
			{
				remedy: 'Draw a zone or a line first, or name a file of zones.',
			},
		);
	}
	const positions = requireRows(run, range);
	const options = { ...COUNTING, dwellSeconds: dwell || null, mostAtOnce: atOnce || null };
	const counted = await countRun(run, zones, 'the zones', options, request);
	const { frameIndex } = run.frames;
	const [first, last] = [frameIndex[positions[0]!]!, frameIndex[positions.at(-1)!]!];
	const { events } = counted.counting;
	const rows = Uint32Array.from(events.frameIndices.keys()).filter(
		(row) => events.frameIndices[row]! >= first && events.frameIndices[row]! <= last,
	);
	await writePartialFirst(out, [run.header.video.path], (partial) =>
		writeText(partial, textOf(counted, rows), signal),
	);
	onProgress?.(positions.length, positions.length);
}
