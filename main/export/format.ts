import type { EventSearch } from '../counting/filter-events.ts';
import type { RecordingClock } from '../domain/recording-clock.ts';
import type { SettingsTable, SettingValues } from '../domain/settings-table.ts';
import type { FrameRange } from '../domain/video.ts';
import type { ZoneSet } from '../domain/zones.ts';
import type { Evaluation } from '../evaluation/evaluate-run.ts';
import type { StoredRun } from '../results/stored-run.ts';

/** A format that runs can be exported to. One file each, one line in `index.ts`. */
export type ExportFormat = {
	id: string;
	title: string;
	/** Without the dot. */
	fileExtension: string;
	/** One sentence for help texts. */
	description: string;
	settings: SettingsTable;
	/** Whether it sets several runs side by side; others take the first one. */
	comparesRuns?: true;
	/** Whether it shows zones and lines, or what happened there. */
	readsZones?: true;
	/** The path of a second file that goes with the one at `out`; absent where there is none. */
	companionOf?: (out: string) => string;
	/**
	 * Writes `request.out` completely or not at all: on failure or abort nothing is left behind, and an existing file is
	 * kept. Throws UserFacingError `cancelled`, `bad-argument`, `bad-range`, `output-not-writable`, `disk-full`, and what
	 * reading the runs and the video throws.
	 */
	write(request: ExportRequest): Promise<void>;
};

/** Prints the page at the path `page` to the path `pdf`. Throws `print-failed`. */
export type PrintPage = (page: string, pdf: string) => Promise<void>;

export type ExportRequest = {
	/** The first is the main one; formats that show one run use only that one. */
	runs: StoredRun[];
	/** A caption per run. */
	labels: string[];
	out: string;
	/** Null: what the main run analysed. */
	range: FrameRange | null;
	/** Override the defaults of the format's table. */
	settings: SettingValues;
	/** When the video was recorded; null = nobody knows; absent = as its file says. */
	clock?: RecordingClock | null;
	/** How reports are printed; missing or null: by a browser of this machine. */
	print?: PrintPage | null;
	signal?: AbortSignal;
	/** Called with the number of frames done and their total. */
	onProgress?: (done: number, total: number) => void;
	/** Called with a clause that says what was done otherwise than asked. */
	onRemark?: (remark: string) => void;
	/** What was drawn on the main run's video, on a picture of any size; missing or null where nothing was. */
	zones?: ZoneSet | null;
	/** Which events are wanted; missing or null for all. Formats that write no events do not read it. */
	search?: EventSearch | null;
	/** Per run its evaluation against ground truth, null if unknown; for the report. */
	truth?: (Evaluation | null)[];
};
