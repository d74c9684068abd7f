import { writeFile } from 'node:fs/promises';
import type { SettingsTable } from '../domain/settings-table.ts';
import { resolveSettings } from '../domain/settings-table.ts';
import type { ExportFormat } from './format.ts';
import { writePartialFirst } from './partial-file.ts';
import { drawPictures } from './report/pictures.ts';
import { reportRuns } from './report/report-runs.ts';

const settings = {
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
	settings,
	async write(request) {
		const { runs, labels, out, settings: given, signal, onProgress, truth } = request;
		const { pictures } = resolveSettings(settings, given, 'format report');
		const sources = runs.map((run) => run.header.video.path);
		await writePartialFirst(out, sources, async (partial) => {
			signal?.throwIfAborted();
			const { reportPage } = await import('./report/page.ts');
			const told = reportRuns(runs, labels, truth ?? []);
			const page = reportPage(told, pictures ? await drawPictures(told, request) : null, request.clock);
			signal?.throwIfAborted();
			await writeFile(partial, page);
		});
		onProgress?.(1, 1);
	},
};
