import type { EventSearch } from '../counting/filter-events.ts';
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
};

/** Frames done, of how many. */
export type ExportNews = { type: 'progress'; done: number; total: number };

/** The protocol of a worker that writes an export. If cancelled, it fails with `cancelled`. */
export type ExportExchange = {
	request: { type: 'start'; job: ExportJob } | { type: 'cancel' };
	news: ExportNews;
	outcome: null;
};
