import type { AttentionOutput } from './attention-output.ts';
import type { MemoryArray } from './gate-memory.ts';
import type { Remembered } from './remembered.ts';

/** Fresh projections of the tokens `indices[0..count)`; all arrays lie in the gates' memory. */
export type Projected = {
	indices: Int32Array;
	count: number;
	/** Whether nothing is remembered yet; `indices` are all tokens then. */
	first: boolean;
	/** [count, heads · extended], scaled by 1 / √headDim, each head followed by its relative terms. */
	queries: MemoryArray;
	/** [count, dim] */
	keys: MemoryArray;
	values: MemoryArray;
};

/** The attention of one block over time: remembers projections and keeps the output of attention up to date. */
export interface BlockAttention {
	readonly output: AttentionOutput;
	/** Keys that the last update changed, ascending; pooled ones where keys are pooled. */
	readonly changedKeys: Int32Array;
	/** Called once the memory has been made: fills in what never changes. */
	prepare(): void;
	/** Brings the output up to date with fresh projections. */
	update(fresh: Projected): Promise<void>;
	/** Arrays that outlive a frame. */
	remembered(): Remembered;
}
