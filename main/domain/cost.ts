/** The stages of a frame's journey, in order. `decode` is the time the pipeline waited for the frame. */
export const STAGES = ['decode', 'prepare', 'select', 'run', 'interpret'] as const;
export type Stage = (typeof STAGES)[number];

/** Measured wall-clock milliseconds of one frame. */
export type StageMilliseconds = Record<Stage, number>;

/** What one frame cost: counted multiply-adds beside measured milliseconds, never one without the other. */
export type FrameCost = {
	/** Multiply-adds of the graphs that ran for this frame, counted from their shapes. */
	macs: number;
	milliseconds: StageMilliseconds;
};

export function noMilliseconds(): StageMilliseconds {
	return { decode: 0, prepare: 0, select: 0, run: 0, interpret: 0 };
}

export function totalMilliseconds(stages: StageMilliseconds): number {
	return STAGES.reduce((sum, stage) => sum + stages[stage], 0);
}

export const GIGA = 1e9;
