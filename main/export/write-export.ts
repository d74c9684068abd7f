import { openRun } from '../results/stored-run.ts';
import type { PrintPage } from './format.ts';
import { exportFormat } from './index.ts';
import type { ExportJob, ExportNews } from './protocol.ts';

/** How often progress is told. */
const REPORT_MILLISECONDS = 100;

/** The worker's job: opens the runs and writes the file. Throws what `ExportFormat.write` and reading runs throw. */
export async function writeExport(
	{ format, runs, out, zones, search, range, settings, clock, hostPrints }: ExportJob,
	signal: AbortSignal,
	tell: (news: ExportNews) => void,
	print: PrintPage,
): Promise<null> {
	let told = Number.NEGATIVE_INFINITY;
	const opened = await Promise.all(runs.map(({ folder, videoPath }) => openRun(folder, videoPath)));
	await exportFormat(format).write({
		runs: opened,
		labels: runs.map(({ label }) => label),
		out,
		zones: zones ?? null,
		search: search ?? null,
		range,
		settings,
		...(clock !== undefined && { clock }),
		print: hostPrints ? print : null,
		signal,
		onProgress(done, total) {
			if (done < total && performance.now() - told < REPORT_MILLISECONDS) return;
			told = performance.now();
			tell({ type: 'progress', done, total });
		},
	});
	return null;
}
