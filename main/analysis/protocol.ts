import type { StageMilliseconds } from '../domain/cost.ts';
import type { Execution } from '../domain/execution.ts';
import type { ErrorData } from '../domain/errors.ts';
import type { RunHeader, SettingEvent, VideoIdentity } from '../domain/run.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { Shortfall } from '../domain/shortfall.ts';
import type { DecodeSummary, FrameRange, VideoInfo } from '../domain/video.ts';
import type { FrameBatch } from './frame-batch.ts';

/** Everything that a worker needs to record one run; plain data. */
export type AnalysisJob = {
	videoPath: string;
	/** Folder or file of the model. */
	modelPath: string;
	mode: string;
	/** Settings that differ from the mode's defaults. */
	settings: SettingValues;
	range: FrameRange;
	/** Folder of the run. */
	runFolder: string;
	/**
	 * `create` requires that `runFolder` holds no run; `continue` resumes an unfinished one; `ensure` does the same, and
	 * also accepts a complete one or none.
	 */
	start: 'create' | 'continue' | 'ensure';
	/** Null: as many as there are cores, at most 8, or those of the run that is continued. */
	threads: number | null;
	/** Null: on the CPU, or as the run that is continued. */
	execution: Execution | null;
	/** Whether a run that began on a device may go on on the CPU, for the device was lost. */
	afterLoss?: boolean;
	/** Longer side of the network's input, in pixels; null = the model family's default. */
	maxSide: number | null;
	/** Lowest score that is stored, 0 to 1; null = `DEFAULT_SCORE_THRESHOLD`. */
	scoreThreshold: number | null;
	/** Send `frames` reports, for a page that draws while the run is going. */
	wantsFrames: boolean;
	/** The video as it was found by somebody who looked before, if the file is still that one; absent: it is looked at now. */
	known?: { video: VideoInfo; identity: VideoIdentity };
	/** Where what opening a model took is kept for the next time; null = nowhere. */
	cacheFolder: string | null;
};

/** How far a run has come; frames of earlier sittings of a resumed run count as done. */
export type AnalysisProgress = {
	framesDone: number;
	/** From the container's claims; null if it makes none. */
	framesEstimated: number | null;
	/** Over the last seconds of this sitting. */
	framesPerSecond: number;
	secondsLeft: number | null;
	/** Multiply-adds and times of the frame just done. */
	macs: number;
	milliseconds: StageMilliseconds;
	/** Where the budget was too small for the scene in this sitting; null if it was not. */
	shortfall: Shortfall | null;
};

/** How a worker's job ended. */
export type AnalysisOutcome = {
	state: 'complete' | 'cancelled';
	framesStored: number;
	/** Seconds of this sitting, from the first frame asked for to the last one stored. */
	wallSeconds: number;
	/** Summary of decoding, with lost frames; null for a cancelled run. */
	decode: DecodeSummary | null;
	/** Largest resident memory of the worker's process so far. */
	peakMemoryBytes: number;
};

/** What the host asks of the worker. */
export type AnalysisRequest =
	/** `stays`: when the job has ended, the worker keeps what it has loaded and waits for the next one. */
	| { type: 'start'; job: AnalysisJob; stays?: boolean }
	/** Live settings; in force from the next frame. */
	| { type: 'change-settings'; settings: SettingValues }
	/** Finish the current frame, store everything, end as cancelled. */
	| { type: 'cancel' };

/** What the worker reports before its outcome. */
export type AnalysisNews =
	/** `execution`: of this sitting; `remarks`: what a person should know of the model, a clause each. */
	| {
			type: 'opened';
			header: RunHeader;
			execution: Execution;
			framesStored: number;
			remarks: readonly string[];
	  }
	/** The host's own news: the run begins again where it can, on the CPU; another `opened` follows. */
	| { type: 'device-lost'; provider: string; reason: string }
	/** Operators that the provider, which computes the others, has not got. */
	| { type: 'left-to-cpu'; provider: string; operators: readonly string[] }
	| { type: 'progress'; progress: AnalysisProgress }
	| { type: 'frames'; batch: FrameBatch }
	| { type: 'settings-changed'; event: SettingEvent }
	/** A live change that was not accepted; the run goes on as before. */
	| { type: 'settings-refused'; error: ErrorData };

/** A worker says every few seconds that it is alive, unless something blocks its thread: a device may hang. */
export type WorkerNews = AnalysisNews | { type: 'alive' };

/** The protocol of a worker that analyses. */
export type AnalysisExchange = { request: AnalysisRequest; news: WorkerNews; outcome: AnalysisOutcome };
