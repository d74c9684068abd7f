import type { EventSearch } from '../counting/filter-events.ts';
import type { ErrorData } from '../domain/errors.ts';
import type { RecordingClock } from '../domain/recording-clock.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { FrameRange } from '../domain/video.ts';
import type { ZoneSet } from '../domain/zones.ts';

/** Everything that a process needs to write an export; plain data. */
export type ExportJob = {
	/** Id of the format. */
	format: string;
	/** The first is the main one. `videoPath`: where the run's video is now. */
	runs: { folder: string; label: string; videoPath: string }[];
	out: string;
	/** As in `ExportRequest`. */
	zones?: ZoneSet | null;
	search?: EventSearch | null;
	/** Null: what the main run analysed. */
	range: FrameRange | null;
	/** Override the defaults of the format's table. */
	settings: SettingValues;
	/** As in `ExportRequest`. */
	clock?: RecordingClock | null;
	/** Whether whoever asks prints reports; else a browser of this machine does. */
	hostPrints?: boolean;
};

export type ExportNews =
	/** Frames done, of how many. */
	| { type: 'progress'; done: number; total: number }
	/** Asks to have the page at the path `page` printed to `pdf`; `printed` answers. One at a time. */
	| { type: 'print'; page: string; pdf: string };

/** The protocol of a worker that writes an export. If cancelled, it fails with `cancelled`. */
export type ExportExchange = {
	request:
		{ type: 'start'; job: ExportJob } | { type: 'cancel' } | { type: 'printed'; error: ErrorData | null };
	news: ExportNews;
	outcome: null;
};
