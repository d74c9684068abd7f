import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { AnalysisExchange } from '../analysis/protocol.ts';
import { isInside } from '../application/browse.ts';
import type { ExportPart, MediaKind, Shell } from '../application/shell.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { ProviderProbeExchange } from '../execution/provider-checks.ts';
import type { ExportExchange } from '../export/protocol.ts';
import type { ProbeExchange } from '../probing/protocol.ts';
import { makeFolder } from '../process/make-folder.ts';
import { forkWorker, type WorkerProcess } from '../process/worker-process.ts';

export type WebShellOptions = {
	/** Folders that the user named, absolute and without symbolic links. */
	roots: readonly string[];
	/** Files that the user named, and the sample clip. */
	namedFiles: readonly string[];
	exportsFolder: string;
	/** The built workers. */
	workerEntries: { analysis: string; export: string; probe: string; provider: string };
};

/** The shell for a browser: files are browsed below the named folders, and exports are downloaded. */
export class WebShell implements Shell {
	readonly host = 'web';
	readonly browseRoots: readonly string[];
	/** A browser of this machine prints. */
	readonly printPage = null;
	readonly #options: WebShellOptions;
	/** Names in use: an export's file only exists once it is complete. */
	readonly #taken = new Set<string>();

	constructor(options: WebShellOptions) {
		this.#options = options;
		this.browseRoots = options.roots;
	}

	async mayOpenPath(path: string): Promise<boolean> {
		return this.#options.namedFiles.includes(path) || (await isInside(path, this.#options.roots));
	}

	chooseVideos(): Promise<string[]> {
		throw new UserFacingError('bad-argument', 'In a browser, files are browsed below the named folders.');
	}

	chooseFolder(): Promise<string | null> {
		throw new UserFacingError('bad-argument', 'In a browser, files are browsed below the named folders.');
	}

	chooseProject(): Promise<string | null> {
		throw new UserFacingError('bad-argument', 'In a browser, projects are listed by the page.');
	}

	chooseModel(): Promise<string | null> {
		throw new UserFacingError('bad-argument', 'In a browser, files are browsed below the named folders.');
	}

	droppedPath(): null {
		return null;
	}

	chooseTruth(): Promise<null> {
		return Promise.resolve(null);
	}

	async chooseExportTarget(suggestedName: string): Promise<string> {
		const { exportsFolder } = this.#options;
		makeFolder(exportsFolder);
		return this.#freeName(exportsFolder, suggestedName);
	}

	revealFile(): void {
		// It is downloaded instead.
	}

	keepAwake(): void {
		// A server's sleep is its owner's business.
	}

	mediaUrl(videoId: string, kind: MediaKind): string {
		return kind === 'source' ? `/media/${videoId}` : `/media/${videoId}/proxy`;
	}

	downloadUrl(exportId: string, part: ExportPart): string {
		return part === 'file' ? `/download/${exportId}` : `/download/${exportId}/companion`;
	}

	startAnalysisWorker(): WorkerProcess<AnalysisExchange> {
		return forkWorker(this.#options.workerEntries.analysis);
	}

	startExportWorker(): WorkerProcess<ExportExchange> {
		return forkWorker(this.#options.workerEntries.export);
	}

	startProbeWorker(): WorkerProcess<ProbeExchange> {
		return forkWorker(this.#options.workerEntries.probe);
	}

	startProviderProbe(): WorkerProcess<ProviderProbeExchange> {
		return forkWorker(this.#options.workerEntries.provider);
	}

	/** `clip.mp4`, or `clip-2.mp4` if that is taken. */
	#freeName(folder: string, name: string): string {
		const extension = extname(name);
		const stem = basename(name, extension);
		for (let i = 1; ; i++) {
			const path = join(folder, i === 1 ? name : `${stem}-${i}${extension}`);
			if (this.#taken.has(path) || existsSync(path)) continue;
			this.#taken.add(path);
			return path;
		}
	}
}
