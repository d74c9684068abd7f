import { readFile, writeFile } from 'node:fs/promises';
import { BrowserWindow, session, type Session } from 'electron';
import { UserFacingError } from '../domain/errors.ts';
import { GUARDED_PREFERENCES, guardContents, guardSession } from './page-guards.ts';

/** How long a report may take. */
const MOST_MILLISECONDS = 120_000;
/** A session of its own that is kept in memory alone: it knows nothing of our page, nor our page of it. */
const PARTITION = 'report';

/**
 * Prints reports as PDF in windows that are never shown. They see nothing but the report, which comes from memory under an address of
 * its own: no files, no network, no preload script. Its scripts are its own, named in its policy, for they draw the curves.
 */
export class ReportPrinter {
	/** By address, what is being printed. */
	readonly #pages = new Map<string, string>();
	#session: Session | null = null;
	#count = 0;

	/** Prints the page at the path `page` to the path `pdf`. Throws `print-failed`, and what the file system throws. */
	async print(page: string, pdf: string): Promise<void> {
		const address = `app://report/${++this.#count}`;
		this.#pages.set(address, await readFile(page, 'utf8'));
		const window = this.#openWindow();
		let timer: NodeJS.Timeout | undefined;
		let content: Buffer;
		try {
			const late = new Promise<never>((_, reject) => {
				timer = setTimeout(() => reject(new Error('it took too long')), MOST_MILLISECONDS);
				window.webContents.once('render-process-gone', () => reject(new Error('its process ended')));
			});
			content = await Promise.race([printed(window, address), late]);
		} catch (cause) {
			const why = cause instanceof Error ? cause.message : String(cause);
			throw new UserFacingError('print-failed', `A printed report was expected (${why}).`, {
				remedy: 'Export the report as HTML and print it from a browser.',
				cause,
			});
		} finally {
			clearTimeout(timer);
			this.#pages.delete(address);
			window.destroy();
		}
		await writeFile(pdf, content);
	}

	#openWindow(): BrowserWindow {
		const window = new BrowserWindow({
			show: false,
			webPreferences: {
				...GUARDED_PREFERENCES,
				session: (this.#session ??= this.#openSession()),
				devTools: false,
				// What is never shown would otherwise be drawn late.
				backgroundThrottling: false,
			},
		});
		guardContents(window.webContents);
		return window;
	}

	#openSession(): Session {
		const own = session.fromPartition(PARTITION);
		guardSession(own);
		own.protocol.handle('app', ({ url }) => {
			const text = this.#pages.get(url);
			const headers = { 'content-type': 'text/html; charset=utf-8' };
			return text === undefined ? new Response(null, { status: 404 }) : new Response(text, { headers });
		});
		return own;
	}
}

async function printed(window: BrowserWindow, address: string): Promise<Buffer> {
	await window.loadURL(address);
	return window.webContents.printToPDF({ pageSize: 'A4', preferCSSPageSize: true, printBackground: true });
}
