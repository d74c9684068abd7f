import type { NamedArrays } from '../../domain/named-arrays.ts';

/**
 * What the token cache remembers of a transformer's tokens, and the graphs that renew it: whatever lies behind policy and gate.
 * Arrays belong to the store and hold until the next `flush` or `update`.
 */
export interface TokenStore {
	/** What all tokens answer, fresh or remembered; empty where the plan has no such answers. */
	readonly answers: {
		/** [grid tokens, width] */
		grid: Float32Array;
		/** [extra tokens, width] */
		extra: Float32Array;
	};
	/** The scorer's logits [grid tokens]; null where the plan has no scorer. */
	readonly scores: Float32Array | null;
	/** Multiply-adds of a flush. */
	readonly flushMacs: number;
	/** Multiply-adds of an update of `count` tokens of the grid and all extra ones. */
	macs(count: number): number;
	/** Computes all tokens from the normalised picture [3, height, width]. */
	flush(picture: Float32Array): Promise<void>;
	/**
	 * Computes the grid's `tokens[0..count)` from their normalised pixel windows [count, 3, window, window], and all extra
	 * tokens: they attend to each other and to what is remembered of the others. There must have been a flush. Gives the multiply-adds that it
	 * took: of memories in int8, those of `macs` several times where the frame was computed again.
	 */
	update(tokens: Int32Array, count: number, windows: Float32Array): Promise<number>;
	/**
	 * What is remembered of each token of the grid is that of the token `rows` further down and `cols` to the right. Tokens that come in
	 * answer nothing until they are computed. Of plans whose tokens can move; see `movesTokens`.
	 */
	roll(rows: number, cols: number): void;
	saveState(): Promise<NamedArrays>;
	restoreState(state: NamedArrays): void;
	release(): Promise<void>;
}
