import type { Execution, ExecutionChange } from './execution.ts';
import type { Letterbox } from './frame.ts';
import type { SettingValues } from './settings-table.ts';
import type { TokenGrid } from './tokens.ts';
import type { DecodeSummary, FrameRange, VideoInfo } from './video.ts';

/** Identifies a file without reading hours of footage: its size and a hash of its first and last mebibyte. */
export type VideoIdentity = { fileBytes: number; edgesSha256: string };

/** What a run was made with; the JSON header of a stored run. */
export type RunHeader = {
	format: 'sparsight-run';
	version: 1;
	createdAt: string;
	video: VideoInfo;
	videoIdentity: VideoIdentity;
	model: {
		id: string;
		name: string;
		path: string;
		sha256: string;
		classes: string[];
		/** How a foreign file was read, part by part; absent where its weights say it all. */
		reading?: Readonly<Record<string, unknown>>;
		/** Where that reading is only likely, what a frame of the video said of it, as a clause. */
		doubt?: string;
	};
	mode: string;
	/** The mode's settings at the start; later changes are events. */
	settings: SettingValues;
	range: FrameRange;
	letterbox: Letterbox;
	/** Longest side that was allowed, in pixels: more than the picture's own where a processor pads. Missing in earlier runs. */
	maxSide?: number;
	grid: TokenGrid;
	/** Lowest score that is stored, 0 to 1. */
	scoreThreshold: number;
	/** By class, the lowest score that is shown, counted and compared, 0 to 1; not below `scoreThreshold`. */
	displayThresholds: number[];
	/** Multiply-adds of one dense frame of this model at this input size. */
	denseMacs: number;
	/**
	 * The part of `denseMacs` behind a vision transformer (projector, decoder), which no reduction of its tokens saves.
	 */
	behindMacs: number;
	threads: number;
	versions: { sparsight: string; onnxruntime: string; ffmpeg: string; node: string };
} & Execution;

/** What tells the models of runs apart: their weights, and how a foreign file was read. */
export function modelKey({ sha256, reading }: Pick<RunHeader['model'], 'sha256' | 'reading'>): string {
	return reading ? `${sha256} ${JSON.stringify(reading, inOrder)}` : sha256;
}

/** For `JSON.stringify`: objects with their keys in one order, whatever order they were written in. */
export function inOrder(_key: string, value: unknown): unknown {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
	return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A setting that was changed during the run; in force from `frameIndex` on. */
export type SettingEvent = { frameIndex: number; settings: SettingValues };

/** The state of a run: `running` in a file that nobody writes to means that it was interrupted and can be resumed. */
export type RunStatus = {
	state: 'running' | 'cancelled' | 'complete' | 'failed';
	framesStored: number;
	/** Index of the last stored frame; -1 where there is none. */
	lastFrameIndex: number;
	wallSeconds: number;
	/** Null until the source has been read to its end. */
	decode: DecodeSummary | null;
	error: string | null;
	/** Where it was computed by something else than the header says, in frame order. */
	executionChanges: readonly ExecutionChange[];
};
