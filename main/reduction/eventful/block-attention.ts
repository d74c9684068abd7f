import type { Block } from './gate-memory.ts';
import type { MixedTokens } from './mixed-tokens.ts';
import type { Remembered } from './remembered.ts';

/** Fresh projections of the tokens `indices[0..count)`. */
export type Projected = {
	indices: Int32Array;
	count: number;
	/** Whether nothing is remembered yet; `indices` are all tokens then. */
	first: boolean;
	/** [count, heads · extended], scaled, relative terms behind each head; like the others in the gates' memory. */
	queries: Block;
	/** [count, dim] */
	keys: Block;
	values: Block;
};

/** The attention of one block over time: remembers projections, and keeps the mixed tokens up to date. */
export interface BlockAttention {
	readonly mixed: MixedTokens;
	/** Keys that the last update touched, ascending; pooled ones where keys are pooled. */
	readonly touched: Int32Array;
	/** Called once the memory has been made: fills in what never changes. */
	prepare(): void;
	/** Brings the mixed tokens up to date. */
	update(fresh: Projected): Promise<void>;
	/** Arrays that outlive a frame. */
	remembered(): Remembered;
}
