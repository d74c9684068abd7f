import { resolveSettings } from '../domain/settings-table.ts';
import { eventsAsCsv, eventsAsJson, type CountedRun } from './counted-run.ts';
import type { ExportFormat, ExportRequest } from './format.ts';
import { writePartialFirst, writeText } from './partial-file.ts';
import { LIMIT_SETTINGS, searchedEvents } from './searched-events.ts';

export const eventsCsv: ExportFormat = {
	id: 'events-csv',
	title: 'Events (CSV)',
	fileExtension: 'csv',
	description:
		'A table of what happened at zones and lines: who came, went, crossed and stayed, a row per event.',
	settings: LIMIT_SETTINGS,
	readsZones: true,
	write: (request) => writeEvents(request, 'events-csv', eventsAsCsv),
};

export const eventsJson: ExportFormat = {
	id: 'events-json',
	title: 'Events (JSON)',
	fileExtension: 'json',
	description: 'What happened at zones and lines as one JSON object, with the zones themselves.',
	settings: LIMIT_SETTINGS,
	readsZones: true,
	write: (request) => writeEvents(request, 'events-json', eventsAsJson),
};

async function writeEvents(
	request: ExportRequest,
	id: string,
	textOf: (counted: CountedRun, rows: Uint32Array) => Generator<string>,
): Promise<void> {
	const { runs, out, signal, onProgress } = request;
	const limits = resolveSettings(LIMIT_SETTINGS, request.settings, `format ${id}`);
	const { counted, rows, frames } = await searchedEvents(request, limits, `format ${id}`);
	await writePartialFirst(out, [runs[0]!.header.video.path], (partial) =>
		writeText(partial, textOf(counted, rows), signal),
	);
	onProgress?.(frames, frames);
}
