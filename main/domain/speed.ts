import type { Execution } from './execution.ts';
import type { Size } from './video.ts';

/** What a speed depends on, beside the weights and the machine. The mode has its usual settings. */
export type SpeedConditions = Execution & {
	mode: string;
	/** Of the video, as displayed. */
	size: Size;
	/** Longer side of the network's input that was asked for, in pixels; null = the mode's default. */
	maxSide: number | null;
	/** Threads that were asked for; null = the default. */
	threads: number | null;
};

/** How fast a model ran on this machine. */
export type MeasuredSpeed = SpeedConditions & {
	/** Name of the model. */
	model: string;
	/** Median of the frames after the first, without decoding. */
	milliseconds: number;
	frames: number;
	measuredAt: string;
};
