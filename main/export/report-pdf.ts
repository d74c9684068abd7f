import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import type { ExportFormat, PrintPage } from './format.ts';
import { writePartialFirst } from './partial-file.ts';
import { REPORT_SETTINGS, reportText, sourcesOf } from './report.ts';
import { findBrowser, printPage } from './report/print-page.ts';

/**
 * The report as the desktop application prints it, or else a browser of this machine. Without one, its page stays beside the name of the
 * file that could not be made.
 */
export const reportPdf: ExportFormat = {
	id: 'report-pdf',
	title: 'Report (PDF)',
	fileExtension: 'pdf',
	description:
		'The report on pages of A4. The desktop application prints it; elsewhere, a Chromium or Chrome of this machine does.',
	settings: REPORT_SETTINGS,
	comparesRuns: true,
	readsZones: true,
	async write(request) {
		const { out, signal, onProgress } = request;
		await writePartialFirst(out, sourcesOf(request), async (partial) => {
			const print = request.print ?? (await browserPrinter(signal));
			const page = join(dirname(partial), basename(partial) === 'report.html' ? 'page.html' : 'report.html');
			await writeFile(page, await reportText(request, 'format report-pdf', true));
			signal?.throwIfAborted();
			if (print === null) throw withoutBrowser(await keepPage(page, resolve(out)));
			await print(page, partial);
		});
		onProgress?.(1, 1);
	},
};

/** Null where this machine has no browser. */
async function browserPrinter(signal: AbortSignal | undefined): Promise<PrintPage | null> {
	const browser = await findBrowser();
	return browser === null ? null : (page, pdf) => printPage(browser, page, pdf, signal);
}

/** Keeps the page as a file of the same name that ends with .html; null where one is there already. */
async function keepPage(page: string, out: string): Promise<string | null> {
	const kept = `${out.replace(/\.pdf$/i, '')}.html`;
	if (existsSync(kept)) return null;
	await rename(page, kept);
	return kept;
}

function withoutBrowser(kept: string | null): UserFacingError {
	const stays = kept === null ? '' : `; the page is ${kept}`;
	return new UserFacingError(
		'print-failed',
		`A Chromium or Chrome that prints the report was expected on this machine, and there is none${stays}.`,
		{
			remedy: 'Install one, name one by SPARSIGHT_CHROMIUM, or print the HTML report from any browser.',
		},
	);
}
