import type { SettingsTable, SettingValues } from '../domain/settings-table.ts';
import type { FrameRange } from '../domain/video.ts';
import type { Evaluation } from '../evaluation/evaluate-run.ts';
import type { StoredRun } from '../results/stored-run.ts';

/** A kind of file that runs can be turned into. One file each, one line in `index.ts`. */
export type ExportFormat = {
	id: string;
	title: string;
	/** Without the dot. */
	fileExtension: string;
	/** One sentence for help texts. */
	description: string;
	settings: SettingsTable;
	/**
	 * Writes `request.out` whole or not at all: on failure or abort nothing is left behind, and what stood
	 * there before still stands. Throws UserFacingError `cancelled`, `bad-argument`, `bad-range`,
	 * `output-not-writable`, `disk-full` and whatever reading the runs and the video throws.
	 */
	write(request: ExportRequest): Promise<void>;
};

export type ExportRequest = {
	/** The first is the main one; formats that show one run take only that one. */
	runs: StoredRun[];
	/** A caption per run. */
	labels: string[];
	out: string;
	/** Null is what the main run analysed. */
	range: FrameRange | null;
	/** Over the defaults of the format's table. */
	settings: SettingValues;
	signal?: AbortSignal;
	/** Frames done, of how many. */
	onProgress?: (done: number, total: number) => void;
	/** Per run what judging it by ground truth gave, null where that is not known; for the report. */
	truth?: (Evaluation | null)[];
};
