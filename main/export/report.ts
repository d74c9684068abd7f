import { writeFile } from 'node:fs/promises';
import { COUNTING } from '../counting/count-tracks.ts';
import type { SettingsTable } from '../domain/settings-table.ts';
import { resolveSettings } from '../domain/settings-table.ts';
import { readTrackEdits } from '../tracking/stored-edits.ts';
import { countRun } from './counted-run.ts';
import type { ExportFormat, ExportRequest } from './format.ts';
import { writePartialFirst } from './partial-file.ts';
import { drawPictures } from './report/pictures.ts';
import { reportRuns } from './report/report-runs.ts';

export const REPORT_SETTINGS = {
	pictures: {
		kind: 'boolean',
		default: true,
		description: 'Shows frames with boxes and tokens where runs agree least, and a contact sheet.',
	},
} as const satisfies SettingsTable;

/** One self-contained HTML page: tables and curves of all runs, compared with the dense one if there is one. */
export const report: ExportFormat = {
	id: 'report',
	title: 'Report',
	fileExtension: 'html',
	description:
		'One self-contained page with the tables and curves of all runs; it loads nothing from anywhere.',
	settings: REPORT_SETTINGS,
	comparesRuns: true,
	readsZones: true,
	async write(request) {
		const { out, signal, onProgress } = request;
		await writePartialFirst(out, sourcesOf(request), async (partial) => {
			const page = await reportText(request, 'format report');
			signal?.throwIfAborted();
			await writeFile(partial, page);
		});
		onProgress?.(1, 1);
	},
};

export function sourcesOf({ runs }: ExportRequest): string[] {
	return runs.map((run) => run.header.video.path);
}

/** The page of a report, to be read or to be printed. `place` begins the messages of settings that can't be. */
export async function reportText(request: ExportRequest, place: string, isForPrint = false): Promise<string> {
	const { runs, labels, settings: given, signal, truth, zones, clock } = request;
	const { pictures } = resolveSettings(REPORT_SETTINGS, given, place);
	signal?.throwIfAborted();
	const { reportPage } = await import('./report/page.ts');
	const told = reportRuns(runs, labels, truth ?? []);
	const counted = zones ? await countRun(runs[0]!, zones, 'the zones', COUNTING, request) : null;
	const edits = await Promise.all(runs.map(async ({ folder }) => (await readTrackEdits(folder)).length));
	const drawn = pictures ? await drawPictures(told, request) : null;
	return reportPage(told, { pictures: drawn, clock, counted, edits, isForPrint });
}
