import { basename, dirname, extname, join } from 'node:path';
import { dialog, powerSaveBlocker, shell, type BrowserWindow, type FileFilter } from 'electron';
import type { AnalysisExchange } from '../analysis/protocol.ts';
import { MODEL_NAMES, TRUTH_NAMES, VIDEO_NAMES } from '../application/media-types.ts';
import { PROJECT_EXTENSION } from '../application/project-file.ts';
import type { MediaKind, Shell } from '../application/shell.ts';
import type { ProviderProbeExchange } from '../execution/provider-checks.ts';
import type { PrintPage } from '../export/format.ts';
import type { ExportExchange } from '../export/protocol.ts';
import { mediaUrl } from './media-protocol.ts';
import type { ProbeExchange } from '../probing/protocol.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { ReportPrinter } from './report-printer.ts';
import type { Words } from './shell-words.ts';
import { utilityWorker, WORKER_NAMES } from './utility-worker.ts';

/** Most dropped files kept until the page asks for them; more than anyone drops at once. */
const MOST_DROPS = 256;

export type DesktopShellOptions = {
	/** The window that dialogs belong to. */
	window: () => BrowserWindow | null;
	words: () => Words;
	/** The folder first offered for exports. */
	exportsFolder: string;
	/** The built workers, outside any archive. */
	workerEntries: { analysis: string; export: string; probe: string; provider: string };
};

/** Files come from the system's dialogs, from drops and from the system itself. */
export class DesktopShell implements Shell {
	readonly host = 'desktop';
	readonly browseRoots = [];
	readonly #options: DesktopShellOptions;
	readonly #drops = new Map<string, string>();
	readonly #printer = new ReportPrinter();
	#exportsFolder: string;
	/** The id of what keeps the machine awake. */
	#blocker: number | null = null;

	constructor(options: DesktopShellOptions) {
		this.#options = options;
		this.#exportsFolder = options.exportsFolder;
	}

	/** All paths come from the user: the page cannot name a file of its own choice. */
	mayOpenPath(): Promise<boolean> {
		return Promise.resolve(true);
	}

	async chooseVideos(): Promise<string[]> {
		const words = this.#options.words();
		const { filePaths } = await this.#showOpenDialog(
			words('chooseVideos'),
			[{ name: words('videos'), extensions: [...VIDEO_NAMES] }, allFiles(words)],
			['openFile', 'multiSelections'],
		);
		return filePaths;
	}

	async chooseFolder(): Promise<string | null> {
		const { filePaths } = await this.#showOpenDialog(
			this.#options.words()('chooseFolder'),
			[],
			['openDirectory'],
		);
		return filePaths[0] ?? null;
	}

	/** Remembers the path of a file that was dropped on the page, under a token made by the preload script. */
	adoptDrop(dropToken: string, path: string): void {
		this.#drops.set(dropToken, path);
		const [oldest] = this.#drops.keys();
		if (this.#drops.size > MOST_DROPS && oldest !== undefined) this.#drops.delete(oldest);
	}

	droppedPath(dropToken: string): string | null {
		return this.#drops.get(dropToken) ?? null;
	}

	async chooseProject(): Promise<string | null> {
		const words = this.#options.words();
		const filters = [{ name: words('projects'), extensions: [PROJECT_EXTENSION] }, allFiles(words)];
		const { filePaths } = await this.#showOpenDialog(words('chooseProject'), filters, ['openFile']);
		return filePaths[0] ?? null;
	}

	async chooseModel(): Promise<string | null> {
		const words = this.#options.words();
		const filters = [{ name: words('models'), extensions: [...MODEL_NAMES] }, allFiles(words)];
		const { filePaths } = await this.#showOpenDialog(words('chooseModel'), filters, ['openFile']);
		return filePaths[0] ?? null;
	}

	async chooseTruth(videoPath: string): Promise<string | null> {
		const words = this.#options.words();
		const filters = [{ name: words('truths'), extensions: [...TRUTH_NAMES] }, allFiles(words)];
		const { filePaths } = await this.#showOpenDialog(
			words('chooseTruth'),
			filters,
			['openFile'],
			dirname(videoPath),
		);
		return filePaths[0] ?? null;
	}

	async chooseExportTarget(suggestedName: string, fileExtension: string): Promise<string | null> {
		const words = this.#options.words();
		const options = {
			title: words('chooseExportTarget'),
			defaultPath: join(this.#exportsFolder, basename(suggestedName)),
			filters: [{ name: fileExtension.toUpperCase(), extensions: [fileExtension] }],
		};
		const window = this.#options.window();
		const { canceled, filePath } = await (window
			? dialog.showSaveDialog(window, options)
			: dialog.showSaveDialog(options));
		if (canceled || filePath === '') return null;
		this.#exportsFolder = dirname(filePath);
		// The dialogs of some desktops do not add it.
		return extname(filePath) === '' ? `${filePath}.${fileExtension}` : filePath;
	}

	readonly printPage: PrintPage = (page, pdf) => this.#printer.print(page, pdf);

	revealFile(path: string): void {
		shell.showItemInFolder(path);
	}

	keepAwake(awake: boolean): void {
		if (awake) this.#blocker ??= powerSaveBlocker.start('prevent-app-suspension');
		else if (this.#blocker !== null) {
			powerSaveBlocker.stop(this.#blocker);
			this.#blocker = null;
		}
	}

	mediaUrl(videoId: string, kind: MediaKind): string {
		return mediaUrl(videoId, kind);
	}

	/** Null: the export was written where the user wanted it. */
	downloadUrl(): null {
		return null;
	}

	startAnalysisWorker(): WorkerProcess<AnalysisExchange> {
		return utilityWorker(this.#options.workerEntries.analysis, WORKER_NAMES.analysis);
	}

	startExportWorker(): WorkerProcess<ExportExchange> {
		return utilityWorker(this.#options.workerEntries.export, WORKER_NAMES.export);
	}

	startProbeWorker(): WorkerProcess<ProbeExchange> {
		return utilityWorker(this.#options.workerEntries.probe, WORKER_NAMES.probe);
	}

	startProviderProbe(): WorkerProcess<ProviderProbeExchange> {
		return utilityWorker(this.#options.workerEntries.provider, WORKER_NAMES.provider);
	}

	#showOpenDialog(
		title: string,
		filters: FileFilter[],
		properties: ('openFile' | 'openDirectory' | 'multiSelections')[],
		defaultPath?: string,
	) {
		const options = { title, filters, properties, ...(defaultPath === undefined ? {} : { defaultPath }) };
		const window = this.#options.window();
		return window ? dialog.showOpenDialog(window, options) : dialog.showOpenDialog(options);
	}
}

function allFiles(words: Words): FileFilter {
	return { name: words('allFiles'), extensions: ['*'] };
}
