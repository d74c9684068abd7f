import type { AnalysisExchange } from '../analysis/protocol.ts';
import type { ExportExchange } from '../export/protocol.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

/** What differs between the desktop and the web host. */
export interface Shell {
	readonly host: 'desktop' | 'web';
	/** Folders that the page may browse; none on a desktop, which has dialogs. */
	readonly browseRoots: readonly string[];
	/** Whether a file or folder that is remembered, or that the page names, may be touched. */
	mayOpenPath(path: string): Promise<boolean>;
	/** The system's dialog; empty when the person cancels. Throws `bad-argument` where there is no dialog. */
	chooseVideos(): Promise<string[]>;
	/** The file that was dropped on the page under this token; null for tokens that nobody gave out. */
	droppedPath(dropToken: string): string | null;
	/** Null when the person cancels, or where there is no dialog. */
	chooseTruth(videoPath: string): Promise<string | null>;
	/** Where an export goes; null when the person cancels. */
	chooseExportTarget(suggestedName: string, fileExtension: string): Promise<string | null>;
	/** Shows a file in the system's file manager, where there is one. */
	revealFile(path: string): void;
	/** Where the page reads a video, or the copy of it that a browser can play. */
	mediaUrl(videoId: string, kind: MediaKind): string;
	/** Where the page downloads an export; null where it lies where the person wanted it. */
	downloadUrl(exportId: string): string | null;
	/** A fresh process for one analysis. */
	startAnalysisWorker(): WorkerProcess<AnalysisExchange>;
	/** A fresh process that writes one export. */
	startExportWorker(): WorkerProcess<ExportExchange>;
}

export type MediaKind = 'source' | 'proxy';
