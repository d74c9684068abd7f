import type { Value } from '../graph/graph-builder.ts';
import type { Layers } from '../graph/layers.ts';
import type { TokenGrid } from '../domain/tokens.ts';
import type { RotaryTable } from './positions.ts';

/** One transformer block: x += proj(attention(norm1(x))); x += fc2(gelu(fc1(norm2(x)))). */
export type VitBlock = {
	/** Prefix of its weights: `<name>.norm1`, `.attn.qkv`, `.attn.proj`, `.norm2`, `.mlp.fc1`, `.mlp.fc2`. */
	name: string;
	/** Width of the MLP's hidden layer. */
	hidden: number;
};

/**
 * A vision transformer as data: what a reduction mode compiles graphs from. Nothing in a plan runs; its
 * functions emit graph nodes. Tokens are rows in raster order.
 */
export type VitPlan = {
	name: string;
	grid: TokenGrid;
	dim: number;
	heads: number;
	normEpsilon: number;
	/** Turns of queries and keys by token position. */
	rotary: RotaryTable;
	blocks: readonly VitBlock[];
	/** Columns that the head gives per token. */
	headWidth: number;
	/** Normalised picture [1, 3, height, width] -> [tokens, dim]. */
	embedPicture(layers: Layers, picture: Value): Value;
	/** Normalised pixel windows [k, 3, window, window] -> [k, dim]; the same function of the same pixels. */
	embedWindows(layers: Layers, windows: Value): Value;
	/** Tokens after the last block [k, dim] -> [k, headWidth]; local to each token. */
	head(layers: Layers, tokens: Value): Value;
	/** Which tokens matter, where the weights have a scorer: reads the tokens after `afterBlocks` blocks. */
	scorer: { afterBlocks: number; score(layers: Layers, tokens: Value): Value } | null;
	/** What keys and values can be clustered by, where the weights have it. */
	clusters?: ClusterPlan | null;
};

/** Clustering of keys and values by the entropy of a learned distribution over the tokens, block by block. */
export type ClusterPlan = {
	/** Smoothing of the entropy, in tokens. */
	sigma: number;
	/** Logits [tokens, 1] of the distribution, from the normed tokens [tokens, dim] of a block. */
	logits(layers: Layers, block: VitBlock, normed: Value): Value;
};

export function headDim(plan: VitPlan): number {
	return plan.dim / plan.heads;
}
