import type { NamedArrays } from '../../domain/named-arrays.ts';
import type { GraphTensors } from '../../runtime/runtime.ts';

/** The remembered keys and values of some blocks, whose rows a `RowOrder` gives to tokens, in one form. */
export interface MemoryTables {
	/** What partial graphs read. */
	readonly tensors: GraphTensors;
	/** Where a full graph is to write all tokens' keys and values; what is not there is handed to `fill`. */
	readonly whole: GraphTensors;
	/** The outputs of a full graph that `fill` takes. */
	readonly wholeNames: readonly string[];
	/** All tokens' keys and values become those of their rows. */
	fill(outputs: GraphTensors, tokenAt: Int32Array): void;
	/** Copies row `from[i]` of every table over its row `to[i]`, counted without padding. */
	move(from: Int32Array, to: Int32Array): void;
	/** Where a partial graph is to write `count` fresh rows; what is not there is handed to `put`. */
	fresh(count: number): GraphTensors;
	/** The outputs of a partial graph that `put` takes. */
	readonly freshNames: readonly string[];
	/** The fresh rows become the last ones. False where they had better be computed again, because there is room for them now. */
	put(outputs: GraphTensors, count: number): boolean;
	/** In float32, whatever form they have here. */
	saveState(): NamedArrays;
	restoreState(state: NamedArrays): void;
}
