import type { AnalysisExchange } from '../analysis/protocol.ts';
import type { ProviderProbeExchange } from '../execution/provider-checks.ts';
import type { PrintPage } from '../export/format.ts';
import type { ExportExchange } from '../export/protocol.ts';
import type { ProbeExchange } from '../probing/protocol.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

/** What differs between the desktop and the web host. */
export interface Shell {
	readonly host: 'desktop' | 'web';
	/** Folders that the page may browse; empty on a desktop, which has dialogs. */
	readonly browseRoots: readonly string[];
	/** Whether a file or folder that was remembered, or that the page names, may be used. */
	mayOpenPath(path: string): Promise<boolean>;
	/** Shows the system's dialog; empty if the user cancels. Throws `bad-argument` if there is no dialog. */
	chooseVideos(): Promise<string[]>;
	/** A folder of videos; null if the user cancels. Throws `bad-argument` if there is no dialog. */
	chooseFolder(): Promise<string | null>;
	/** A project's file; null if the user cancels. Throws `bad-argument` if there is no dialog. */
	chooseProject(): Promise<string | null>;
	/** The file that was dropped on the page under this token; null for unknown tokens. */
	droppedPath(dropToken: string): string | null;
	/** A model's file, or a file of its folder; null if the user cancels. Throws `bad-argument` if there is no dialog. */
	chooseModel(): Promise<string | null>;
	/** Null if the user cancels, or if there is no dialog. */
	chooseTruth(videoPath: string): Promise<string | null>;
	/** Where to write an export; null if the user cancels. */
	chooseExportTarget(suggestedName: string, fileExtension: string): Promise<string | null>;
	/** Prints a page of this machine as PDF, by paths; null where the host has no printer of its own. */
	readonly printPage: PrintPage | null;
	/** Shows a file in the system's file manager, if there is one. */
	revealFile(path: string): void;
	/** Whether the machine is to stay awake, for a batch is going; does nothing where that is not ours to say. */
	keepAwake(awake: boolean): void;
	/** The address of a video, or of its copy that a browser can play. */
	mediaUrl(videoId: string, kind: MediaKind): string;
	/** The address for downloading an export; null if it was written where the user wanted it. */
	downloadUrl(exportId: string, part: ExportPart): string | null;
	/** Starts a process for one analysis. */
	startAnalysisWorker(): WorkerProcess<AnalysisExchange>;
	/** Starts a process for one export. */
	startExportWorker(): WorkerProcess<ExportExchange>;
	/** Starts a process that tries a model on one frame. */
	startProbeWorker(): WorkerProcess<ProbeExchange>;
	/** Starts a process that tries an execution provider. */
	startProviderProbe(): WorkerProcess<ProviderProbeExchange>;
}

/** An export's file, or what goes with it. */
export type ExportPart = 'file' | 'companion';

export type MediaKind = 'source' | 'proxy';
