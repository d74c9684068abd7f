import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { app, dialog, Menu, nativeTheme, protocol, session, type BrowserWindow } from 'electron';
import { answerAppRequest } from './app-protocol.ts';
import type { RequestName } from '../../preload/contract.ts';
import type { Application } from '../application/application.ts';
import { dataFolders } from '../process/data-folders.ts';
import { makeFolder } from '../process/make-folder.ts';
import { DesktopShell } from './desktop-shell.ts';
import { connectPage } from './ipc.ts';
import { Log } from './log.ts';
import { answerMediaRequest } from './media-protocol.ts';
import { buildMenu, type MenuOptions } from './menu.ts';
import { guardContents, guardSession } from './page-guards.ts';
import { SCHEMES } from './schemes.ts';
import { languageOf, wordsOf, type Words } from './shell-words.ts';
import { claimSingleInstance, videoOfCommandLine } from './single-instance.ts';
import { checkForUpdates, knowsUpdates } from './updater.ts';
import { WORKER_NAMES } from './utility-worker.ts';
import { listStaticFiles } from '../application/static-files.ts';
import { openWindow } from './window.ts';
import { WindowMemory } from './window-state.ts';

// The desktop application. Everything before `ready` is done synchronously.

const built = import.meta.dirname;
const folders = dataFolders();
const windowMemory = new WindowMemory(folders.settings);
const log = new Log(join(folders.cache, 'logs', 'sparsight.log'));

/** Requests after which other files are the recent ones. */
const CHANGES_RECENT: ReadonlySet<string> = new Set<RequestName>([
	'video.open',
	'video.forget',
	'project.open',
	'project.save',
	'project.forget',
]);

/** What was opened last, for the menu. */
let recent: MenuOptions['recent'] = { videos: [], projects: [] };
/** The texts in the system's language, until the preferences are read. */
let words: () => Words = () => wordsOf(languageOf('system', app.getLocale()));
let window: BrowserWindow | null = null;

app.enableSandbox();
protocol.registerSchemesAsPrivileged(SCHEMES);
// What Chromium stores can be deleted at any time; the folder also separates the instances of different users.
app.setPath('userData', madeFolder(join(folders.cache, 'desktop')));
process.on('unhandledRejection', (reason) => log.write('unhandled rejection', reason));
process.on('uncaughtException', endWith);

const firstVideo = videoOfCommandLine(process.argv, app.isPackaged, process.cwd());
/** Videos to open that were named before there was a page. */
const waitingVideos: string[] = [];
let showVideo = (path: string): void => void waitingVideos.push(path);

// macOS passes files this way, before and after `ready`.
app.on('open-file', (event, path) => {
	event.preventDefault();
	showVideo(path);
});
app.on('web-contents-created', (_event, contents) => guardContents(contents));
app.on('child-process-gone', (_event, details) => {
	const isWorker = Object.values<string | undefined>(WORKER_NAMES).includes(details.name);
	const isWorkerAtItsEnd = isWorker && ['clean-exit', 'killed'].includes(details.reason);
	if (!isWorkerAtItsEnd) log.write('process gone', details);
});

const isFirst = claimSingleInstance(app, firstVideo, (video) => {
	if (window?.isMinimized()) window.restore();
	window?.focus();
	if (video !== null) showVideo(video);
});
if (isFirst) void app.whenReady().then(start).catch(endWith);
else app.quit();

async function start(): Promise<void> {
	guardSession(session.defaultSession);
	const unpacked = built.replace('app.asar', 'app.asar.unpacked');
	const shell = new DesktopShell({
		window: () => window,
		words: () => words(),
		exportsFolder: app.getPath('documents'),
		// A process must be started from a real file, outside the archive.
		workerEntries: {
			analysis: join(unpacked, 'worker.js'),
			export: join(unpacked, 'export-worker.js'),
			probe: join(unpacked, 'probe-worker.js'),
			provider: join(unpacked, 'provider-probe.js'),
		},
	});
	const [files, left] = await Promise.all([
		listStaticFiles(join(built, '..', 'renderer')),
		windowMemory.read(),
	]);
	// The page loads at the same time as the engine's modules; its requests wait for them.
	let application: Application | null = null;
	const opening = openApplication(shell);
	protocol.handle('app', (request) => answerAppRequest(request, files));
	protocol.handle('media', (request) =>
		answerMediaRequest(request, async (videoId, kind) => (await opening).mediaFile(videoId, kind)),
	);
	connectPage({
		application: opening,
		page: () => (window?.isDestroyed() === false ? window.webContents : null),
		onDrop: (dropToken, path) => shell.adoptDrop(dropToken, path),
		onAnswered: (name) => {
			if (application === null) return;
			if (name === 'preferences.change') applyPreferences(application);
			if (name === 'app.describe') showVideosIn(application);
			if (CHANGES_RECENT.has(name)) void showRecent(application);
		},
	});
	const icon = join(built, '..', 'icons', '256x256.png');
	window = openWindow({
		left,
		preload: join(built, '..', 'preload', 'index.cjs'),
		icon: process.platform === 'linux' && existsSync(icon) ? icon : null,
		developing: !app.isPackaged,
		onState: (state) => void windowMemory.store(state),
		mayClose: async () => application === null || mayClose(application),
	});
	window.webContents.on('render-process-gone', (_event, details) => void offerNewPage(details));
	window.on('closed', () => (window = null));
	app.on('window-all-closed', () => app.quit());

	application = await opening;
	applyPreferences(application);
	void showRecent(application);
	endInOrder(application);
}

async function openApplication(shell: DesktopShell): Promise<Application> {
	const { Application } = await import('../application/application.ts');
	return Application.open({ shell, folders, openAtStart: firstVideo ?? waitingVideos.shift() ?? null });
}

/** Applies language and theme to what the system draws. */
function applyPreferences(application: Application): void {
	const { theme, language } = application.preferences;
	nativeTheme.themeSource = theme;
	words = () => wordsOf(languageOf(language, app.getLocale()));
	const menu = buildMenu({
		words: words(),
		platform: process.platform,
		developing: !app.isPackaged,
		recent,
		onCommand: (command) => application.emit({ type: 'command', command }),
		onCheckForUpdates: app.isPackaged && knowsUpdates(process.resourcesPath) ? lookForUpdates : null,
	});
	Menu.setApplicationMenu(menu);
	app.setAboutPanelOptions({ applicationName: 'Sparsight', applicationVersion: app.getVersion() });
}

/** Lists in the menu what was opened last. */
async function showRecent(application: Application): Promise<void> {
	const { videos, projects } = await application.recent();
	recent = {
		videos: videos.map((video) => ({ ...video, open: () => application.emit({ type: 'open', video }) })),
		projects: projects.map((project) => ({
			...project,
			open: () => application.emit({ type: 'open-project', project }),
		})),
	};
	applyPreferences(application);
}

/** From now on, videos from outside go to the page, including those that came too early. */
function showVideosIn(application: Application): void {
	showVideo = (path) => void application.openFromOutside(path);
	for (const path of waitingVideos.splice(0)) showVideo(path);
}

async function mayClose(application: Application): Promise<boolean> {
	const { runs, exports } = application.unfinished;
	if (runs + exports === 0) return true;
	const say = words();
	return ask({
		type: 'question',
		message: say('closeQuestion'),
		detail: say('closeDetail', { runs, exports }),
		buttons: [say('keepWorking'), say('stopAndClose')],
	});
}

/** Runs continue without a page; a new page picks them up. */
async function offerNewPage(details: Electron.RenderProcessGoneDetails): Promise<void> {
	if (details.reason === 'clean-exit') return;
	log.write('page gone', details);
	const say = words();
	const again = await ask({
		type: 'error',
		message: say('pageDied'),
		detail: say('pageDiedDetail', { reason: `${details.reason} (${details.exitCode})` }),
		buttons: [say('quit'), say('reopen')],
	});
	if (again) window?.webContents.reload();
	else app.quit();
}

/** True for the second button; the first one is the safe choice. */
async function ask(options: Electron.MessageBoxOptions): Promise<boolean> {
	const question = { defaultId: 0, cancelId: 0, noLink: true, ...options };
	const { response } = await (window
		? dialog.showMessageBox(window, question)
		: dialog.showMessageBox(question));
	return response === 1;
}

function lookForUpdates(): void {
	const say = words();
	const tell = async (message: string, detail = '') => {
		await ask({ type: 'info', message, detail, buttons: [say('ok')] });
	};
	void checkForUpdates({
		upToDate: (version) => tell(say('upToDate', { version })),
		offer: (version) =>
			ask({
				type: 'question',
				message: say('updateFound', { version }),
				buttons: [say('later'), say('download')],
			}),
		ready: () => tell(say('updateReady')),
		failed: (error) => {
			log.write('looking for updates failed', error);
			return tell(say('updateFailed'), error instanceof Error ? error.message : String(error));
		},
	});
}

/** Lets runs and exports end before the program does; runs can be resumed. */
function endInOrder(application: Application): void {
	let ended = false;
	app.on('will-quit', (event) => {
		if (ended) return;
		event.preventDefault();
		void application
			.close()
			.catch((error: unknown) => log.write('closing failed', error))
			.finally(() => {
				ended = true;
				app.quit();
			});
	});
}

/** Electron requires that its folders exist. */
function madeFolder(path: string): string {
	makeFolder(path);
	return path;
}

/** For unexpected failures; nothing that was stored is lost. */
function endWith(error: unknown): void {
	log.write('fatal', error);
	dialog.showErrorBox(
		words()('startFailed'),
		error instanceof Error ? (error.stack ?? error.message) : String(error),
	);
	app.exit(1);
}
