import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemError, UserFacingError } from '../../domain/errors.ts';
import { findOnPath, isExecutable } from '../../video/find-program.ts';
import { captureOutput } from '../../video/run-program.ts';

/** How long a browser may take for a report. */
const MOST_MILLISECONDS = 120_000;

const NAMES = [
	'chromium',
	'chromium-browser',
	'google-chrome',
	'google-chrome-stable',
	'chrome',
	'microsoft-edge',
	'msedge',
];

/** Where browsers lie that are not on PATH. */
const PLACES: Partial<Record<NodeJS.Platform, string[]>> = {
	darwin: [
		'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
		'/Applications/Chromium.app/Contents/MacOS/Chromium',
		'/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
	],
	win32: [
		'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
		'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
		'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
	],
};

/**
 * A Chromium of this machine: `SPARSIGHT_CHROMIUM` or `CHROME_PATH` where one is set, else what is called like one on PATH or lies
 * where they are installed; null where there is none. Throws `print-failed` for a variable that names no program.
 */
export async function findBrowser(environment: NodeJS.ProcessEnv = process.env): Promise<string | null> {
	for (const name of ['SPARSIGHT_CHROMIUM', 'CHROME_PATH']) {
		const path = environment[name];
		if (!path) continue;
		if (await isExecutable(path)) return path;
		throw new UserFacingError('print-failed', `${name} names ${path}, which cannot be started.`, {
			remedy: 'Correct it, or unset it.',
		});
	}
	for (const name of NAMES) {
		const found = await findOnPath(name);
		if (found !== null) return found;
	}
	for (const path of PLACES[process.platform] ?? []) if (await isExecutable(path)) return path;
	return null;
}

/**
 * Prints a page of this machine as PDF by a browser that knows nobody, has a profile of its own and no network. Throws `print-failed`,
 * `disk-full`, and the signal's reason.
 */
export async function printPage(
	browser: string,
	page: string,
	pdf: string,
	signal?: AbortSignal,
): Promise<void> {
	const profile = await mkdtemp(join(tmpdir(), 'sparsight-print-'));
	const limit = AbortSignal.timeout(MOST_MILLISECONDS);
	try {
		const words = [
			'--headless',
			'--disable-gpu',
			'--no-first-run',
			'--disable-extensions',
			'--disable-background-networking',
			'--disable-sync',
			'--host-resolver-rules=MAP * ~NOTFOUND',
			`--user-data-dir=${profile}`,
			// Chromium's sandbox refuses root; the page is our own and runs nothing but its own scripts.
			...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
			'--no-pdf-header-footer',
			`--print-to-pdf=${pdf}`,
			pathToFileURL(page).href,
		];
		const ended = await captureOutput(browser, words, signal ? AbortSignal.any([signal, limit]) : limit);
		// A browser that could not write all of it ends as if it had.
		if (await isWhole(pdf)) return;
		signal?.throwIfAborted();
		if (/no space left on device/i.test(ended.stderr)) throw diskFull(pdf);
		const last = ended.stderr.trim().split('\n').at(-1) ?? '';
		throw printFailed(browser, `it ended with exit code ${ended.exitCode}${last && `: ${last}`}`);
	} catch (error) {
		signal?.throwIfAborted();
		if (error instanceof UserFacingError) throw error;
		const why = limit.aborted ? 'it took too long' : 'it could not be started';
		throw printFailed(browser, why, error);
	} finally {
		await rm(profile, { recursive: true, force: true, maxRetries: 10 }).catch(() => undefined);
	}
}

function printFailed(browser: string, why: string, cause?: unknown): UserFacingError {
	return new UserFacingError('print-failed', `${browser}: a printed report was expected, and ${why}.`, {
		remedy: 'Export the report as HTML and print it from a browser.',
		...(cause !== undefined && { cause }),
	});
}

/** The mark at the end of a PDF, and in how many last bytes it lies: ISO 32000-1, 7.5.5 and its annex H. */
const LAST_MARK = '%%EOF';
const LAST_BYTES = 1024;

async function isWhole(path: string): Promise<boolean> {
	const content = await readFile(path).catch(() => Buffer.alloc(0));
	return content.subarray(-LAST_BYTES).includes(LAST_MARK);
}

function diskFull(path: string): unknown {
	return systemError(Object.assign(new Error('ENOSPC, as the browser says'), { code: 'ENOSPC', path }));
}
