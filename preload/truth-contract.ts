import { z } from 'zod';
import type { TruthMarks, TruthTimeline } from '../main/evaluation/truth-frames.ts';

const id = z.string().regex(/^[a-z0-9-]{1,64}$/);
const run = {
	runId: id,
	truthId: id,
	/** The truth's number of the first frame; null = as its format has it. */
	truthFrom: z.number().int().min(0).max(1).nullable(),
};

/** Requests about a run beside ground truth that was chosen. */
export const truthRequestSchemas = {
	/** What is right, wrong and missed at positions `[from, from + count)`; at most 2,000 frames. */
	'run.truth': z.strictObject({
		...run,
		from: z
			.number()
			.int()
			.min(0)
			.max(2 ** 31),
		count: z.number().int().min(1).max(2000),
	}),
	/** Counts of all frames, and average precision over time. */
	'run.truthTimeline': z.strictObject(run),
} as const;

/** The number that ground truth gives to the first frame; null = as its format has it. */
export type TruthFrom = 0 | 1 | null;

export type TruthAnswers = {
	'run.truth': TruthMarks;
	'run.truthTimeline': TruthTimeline;
};
