import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { _electron, chromium, type ElectronApplication, type Page } from 'playwright-core';
import { chooseListed } from './open-dialog.ts';

// Starts the built application as users see it: as a page in a browser, or as a window of the desktop.

export const ROOT = resolve(import.meta.dirname, '..');

const CHROMIUMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** The desktop application's name of its analysis process. */
const DESKTOP_WORKER = 'Sparsight analysis';

export type HostKind = 'web' | 'electron';

export type LaunchOptions = {
	host: HostKind;
	/** A video to open first. */
	video?: string;
	colorScheme?: 'light' | 'dark';
	locale?: string;
	viewport?: { width: number; height: number };
	/** A data folder of an earlier start, which stays; a new one by default, which goes. */
	home?: string;
};

export type Launched = {
	host: HostKind;
	page: Page;
	/** The application's data folder. */
	home: string;
	/** The folder that can be browsed; put videos here. */
	videos: string;
	/** Milliseconds from the start of the program to its first page; the browser is started before. */
	pageMilliseconds: number;
	/** Opens a file of `videos` through the application's own dialog. */
	openVideo(name: string): Promise<void>;
	/** Desktop: what the system's dialogs are answered from now on. */
	answerDialogs(path: string): Promise<void>;
	/** Calls `press`, which starts an export, and returns the path of the finished file. */
	saved(press: () => Promise<void>): Promise<string>;
	/** Process ids of the analyses in progress. */
	workers(): Promise<number[]>;
	/** Ends everything that was started. */
	close(): Promise<void>;
};

/** A browser on this machine: `SPARSIGHT_CHROMIUM` or `CHROMIUM_PATH`, else one in the usual places; null for none. */
export function findChromium(): string | null {
	const named = [process.env['SPARSIGHT_CHROMIUM'], process.env['CHROMIUM_PATH']];
	return [...named, ...CHROMIUMS].find((path) => path !== undefined && existsSync(path)) ?? null;
}

/** Electron's binary, which is downloaded separately from its package; null if it was not. */
export function findElectron(): string | null {
	const folder = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
	const named = join(folder, 'path.txt');
	if (!existsSync(named)) return null;
	const dist = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(folder, 'dist');
	const binary = join(dist, readFileSync(named, 'utf8').trim());
	return existsSync(binary) ? binary : null;
}

/** Why the application cannot be tested on a host; null if it can. */
export function whyNot(host: HostKind): string | null {
	if (host === 'web')
		return findChromium() ? null : 'no Chromium was found (SPARSIGHT_CHROMIUM may name one)';
	return findElectron() ? null : 'Electron has no binary here';
}

/** Starts the built application with its own data folder, videos and port, and waits for its page. */
export async function launchApp(options: LaunchOptions): Promise<Launched> {
	const home = options.home ?? mkdtempSync(join(tmpdir(), 'sparsight-e2e-'));
	const videos = join(home, 'videos');
	mkdirSync(videos, { recursive: true });
	const running = await (options.host === 'web' ? launchWeb : launchDesktop)(options, home, videos);
	running.page.setDefaultTimeout(15_000);
	shown.add(running.page);
	return {
		host: options.host,
		home,
		videos,
		...running,
		close: async () => {
			shown.delete(running.page);
			try {
				await running.close();
			} finally {
				if (options.home === undefined) rmSync(home, { recursive: true, force: true });
			}
		},
	};
}

/** Pages of applications that were not closed yet. */
const shown = new Set<Page>();

/** Keeps what is on the screens, for whoever looks why a journey failed: a picture in out/journeys, and the words on stderr. */
export async function keepScreens(name: string): Promise<void> {
	const folder = join(ROOT, 'out', 'journeys');
	mkdirSync(folder, { recursive: true });
	for (const [i, page] of [...shown].entries()) {
		const path = join(folder, `${name.replace(/[^\w]+/g, '-')}-${i}.png`);
		await page.screenshot({ path }).catch(() => undefined);
		const words = await page
			.evaluate(() => (document.querySelector('[role=dialog]') ?? document.body).textContent)
			.catch(String);
		process.stderr.write(`On the screen (${path}): ${words?.replace(/\s+/g, ' ').slice(0, 2000)}\n`);
	}
}

type Running = Omit<Launched, 'host' | 'home' | 'videos'>;

async function launchWeb(options: LaunchOptions, home: string, videos: string): Promise<Running> {
	const entry = join(ROOT, 'out', 'main', 'web-host.js');
	if (!existsSync(entry))
		throw new Error('The application is not built: run "npm run build", or use "npm test".');
	const browser = await chromium.launch({
		executablePath: findChromium()!,
		args: ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
	});
	const context = await browser.newContext({
		acceptDownloads: true,
		colorScheme: options.colorScheme ?? 'light',
		locale: options.locale ?? 'en-US',
		viewport: options.viewport ?? { width: 1280, height: 800 },
	});
	const started = performance.now();
	const words = [entry, '--root', videos, '--json', ...(options.video ? [options.video] : [])];
	const server = spawn(process.execPath, words, {
		env: { ...process.env, SPARSIGHT_HOME: home, HOME: home },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const ended = once(server, 'exit');
	const { address } = JSON.parse(await firstLine(server)) as { address: string };
	const page = await context.newPage();
	await page.goto(address);
	await page.getByRole('main').waitFor();
	return {
		page,
		pageMilliseconds: performance.now() - started,
		answerDialogs: () => Promise.reject(new Error('A browser shows no dialogs of the system.')),
		openVideo: async (name) => {
			await page.keyboard.press('Control+o');
			await chooseListed(page, name);
		},
		saved: async (press) => {
			const links = page.getByRole('link', { name: 'Download' });
			const earlier = await links.count();
			await press();
			await links.nth(earlier).waitFor({ timeout: 120_000 });
			const download = page.waitForEvent('download');
			await links.first().click(); // the newest comes first
			return (await download).path();
		},
		workers: () => Promise.resolve(childrenOf(server.pid!, '/worker.js')),
		close: async () => {
			await browser.close();
			server.kill('SIGTERM');
			await ended;
		},
	};
}

async function launchDesktop(options: LaunchOptions, home: string, videos: string): Promise<Running> {
	const started = performance.now();
	const app = await _electron.launch({
		executablePath: findElectron()!,
		args: [
			ROOT,
			...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
			...(options.video ? [options.video] : []),
		],
		env: { ...(process.env as Record<string, string>), SPARSIGHT_HOME: home },
		colorScheme: options.colorScheme ?? 'light',
		locale: options.locale ?? 'en-US',
	});
	const page = await app.firstWindow();
	await page.getByRole('main').waitFor();
	return {
		page,
		pageMilliseconds: performance.now() - started,
		answerDialogs: (path) => answerDialogs(app, path),
		openVideo: async (name) => {
			await answerDialogs(app, join(videos, name));
			await page.keyboard.press('Control+o');
		},
		saved: async (press) => {
			const target = join(home, `export-${Date.now()}`);
			await answerDialogs(app, target);
			const buttons = page.getByRole('button', { name: 'Show in folder' });
			const earlier = await buttons.count();
			await press();
			await buttons.nth(earlier).waitFor({ timeout: 120_000 });
			return target;
		},
		workers: () =>
			app.evaluate(
				({ app: main }, name) =>
					main
						.getAppMetrics()
						.filter((metric) => metric.name === name)
						.map(({ pid }) => pid),
				DESKTOP_WORKER,
			),
		close: () => app.close(),
	};
}

/** Answers the system's own dialogs, which no page can reach. */
async function answerDialogs(app: ElectronApplication, path: string): Promise<void> {
	await app.evaluate(({ dialog }, answer) => {
		dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [answer] });
		dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: answer });
	}, path);
}

async function firstLine(child: ChildProcess): Promise<string> {
	let complaint = '';
	child.stderr?.on('data', (text: Buffer) => (complaint += text.toString()));
	const lines = createInterface({ input: child.stdout! });
	const line = await Promise.race([
		once(lines, 'line').then(([text]) => String(text)),
		once(child, 'exit').then(() => null),
	]);
	if (line === null) throw new Error(`The web host ended at once: ${complaint}`);
	return line;
}

function childrenOf(pid: number, script: string): number[] {
	const list = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
	return list
		.split('\n')
		.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
		.filter((found) => found !== null && Number(found[2]) === pid && found[3]!.includes(script))
		.map((found) => Number(found![1]));
}
