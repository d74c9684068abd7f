import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { findBrowser } from '../main/export/report/print-page.ts';

export type PageUsage = { seconds: number; mebibytes: number; nodes: number; listeners: number };

/** A page in a browser of this machine that analyses a video and plays it meanwhile, as a person would. */
export class WatchedPage {
	readonly #browser: Browser;
	readonly #page: Page;
	readonly #session: CDPSession;

	private constructor(browser: Browser, page: Page, session: CDPSession) {
		this.#browser = browser;
		this.#page = page;
		this.#session = session;
	}

	/** Null where there is no browser. */
	static async open(address: string): Promise<WatchedPage | null> {
		const executablePath = await findBrowser();
		if (executablePath === null) return null;
		const args = ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
		const browser = await chromium.launch({ executablePath, args });
		const page = await browser.newPage({ locale: 'en-US', viewport: { width: 1280, height: 800 } });
		await page.goto(address);
		await page.getByRole('button', { name: /^Analyse/ }).waitFor({ timeout: 60_000 });
		const session = await page.context().newCDPSession(page);
		await session.send('Performance.enable');
		return new WatchedPage(browser, page, session);
	}

	/** Begins a run, and plays from the first frame. */
	async analyze(): Promise<void> {
		await this.#page.getByRole('button', { name: /^Analyse/ }).click({ timeout: 60_000 });
		await this.#page.keyboard.press('Home');
		const play = this.#page.getByRole('button', { name: 'Play', exact: true });
		if (await play.isVisible()) await play.click();
	}

	/** What is in use once garbage is collected. */
	async usage(seconds: number): Promise<PageUsage> {
		await this.#session.send('HeapProfiler.collectGarbage');
		const { metrics } = await this.#session.send('Performance.getMetrics');
		const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
		return {
			seconds,
			mebibytes: of('JSHeapUsedSize') / 2 ** 20,
			nodes: of('Nodes'),
			listeners: of('JSEventListeners'),
		};
	}

	async close(): Promise<void> {
		await this.#browser.close();
	}
}
