import type { Value } from '../graph/graph-builder.ts';
import type { Layers } from '../graph/layers.ts';
import { tokenCount, type TokenGrid } from '../domain/tokens.ts';
import type { RotaryTable } from './positions.ts';

/** A size in tokens. */
export type Extent = { rows: number; cols: number };

/**
 * Decomposed relative positions (Li et al., MViTv2, CVPR 2022, equation 5): what is added to the logit of query i and
 * key j is q_i · (rowTable[y_i − y_j] + colTable[x_i − x_j]), with q before it is scaled.
 */
export type RelativePositions = {
	/** Weights [2 · size.rows − 1, headDim] and [2 · size.cols − 1, headDim]; row i − j + size − 1 is for query i, key j. */
	rowTable: string;
	colTable: string;
	/** The attention's extent for which the tables were made; where it is another, they are resized. */
	size: Extent;
};

/** One transformer block: x += proj(attention(norm1(x))); x += fc2(gelu(fc1(norm2(x)))). */
export type VitBlock = {
	/** Prefix of its weights; the rest is in the plan's `layerNames`. */
	name: string;
	/** Width of the MLP's hidden layer. */
	hidden: number;
	/** Attention stays within windows of this size, which tile the grid from its top left; null = over all tokens. */
	window: Extent | null;
	relative: RelativePositions | null;
	/** Keys and values are means over cells of this size, of the window or the grid; cells cut by the edge are left out. */
	pool: Extent | null;
};

/** What a block calls its layers, each below `<block name>.`. */
export type LayerNames = {
	norm1: string;
	qkv: string;
	projection: string;
	norm2: string;
	fc1: string;
	fc2: string;
};

/** The names that most published vision transformers use. */
export const USUAL_LAYER_NAMES: LayerNames = {
	norm1: 'norm1',
	qkv: 'attn.qkv',
	projection: 'attn.proj',
	norm2: 'norm2',
	fc1: 'mlp.fc1',
	fc2: 'mlp.fc2',
};

/** Learned positions that are added to the tokens before the first block. */
export type AbsolutePositions = {
	/** Weight [1, classToken + size.rows · size.cols, dim]; the class token's row, where there is one, comes first. */
	table: string;
	/** The grid that the table was made for; where the tokens' is another, it is resized. */
	size: Extent;
};

/**
 * A vision transformer as data: what a reduction mode compiles graphs from. Nothing in a plan runs; its
 * functions emit graph nodes. Tokens are rows in raster order, behind the class token where there is one.
 */
export type VitPlan = {
	name: string;
	grid: TokenGrid;
	/** A token before those of the grid that reads no pixels. */
	classToken: boolean;
	dim: number;
	heads: number;
	normEpsilon: number;
	/** Added to the tokens, where a plan has them. */
	absolute: AbsolutePositions | null;
	/** Turns of queries and keys by token position, where a plan has them. */
	rotary: RotaryTable | null;
	layerNames: LayerNames;
	blocks: readonly VitBlock[];
	/** Columns that the head gives per token. */
	headWidth: number;
	/** Normalised picture [1, 3, height, width] -> [tokens, dim], before absolute positions. */
	embedPicture(layers: Layers, picture: Value): Value;
	/** Normalised pixel windows [k, 3, window, window] -> [k, dim]; the same function of the same pixels. */
	embedWindows(layers: Layers, windows: Value): Value;
	/** Tokens after the last block [k, dim] -> [k, headWidth]; local to each token. */
	head(layers: Layers, tokens: Value): Value;
	/** The best score, 0 to 1, that a token answers with in `head` [tokens, headWidth]; null where rows are no answers. */
	bestScore: ((head: Float32Array, token: number) => number) | null;
	/** What tells which tokens matter, where the weights have it. */
	scorer: Scorer | null;
	/** What keys and values can be clustered by, where the weights have it. */
	clusters?: ClusterPlan | null;
};

export type Scorer = {
	/** How many blocks have run when it reads the tokens. */
	afterBlocks: number;
	/** Tokens [k, dim] -> [k, 1], more where a token matters more. */
	score(layers: Layers, tokens: Value): Value;
	/**
	 * What stands behind the scorer at keep ratios up to `upTo`, where the weights know few tokens apart from many. `rest`:
	 * per block the name of the map [2 · dim, dim] that makes the keys and values of the tokens that are not kept.
	 */
	own: (Pick<VitPlan, 'blocks' | 'head'> & { upTo: number; rest: readonly string[] }) | null;
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

/** Tokens of a frame, the class token included. */
export function planTokens(plan: VitPlan): number {
	return tokenCount(plan.grid) + (plan.classToken ? 1 : 0);
}

/** Whether all tokens of a block attend to all, by their contents and turns alone: what most modes need. */
export function attendsPlainly(block: VitBlock): boolean {
	return block.window === null && block.relative === null && block.pool === null;
}

/** Why a mode that knows only plain attention over embedded pixel windows can't take this plan; null where it can. */
export function refusesUnlessPlain(plan: VitPlan): string | null {
	const plain = plan.blocks.every(attendsPlainly) && plan.absolute === null && !plan.classToken;
	return plain ? null : `${plan.name} has blocks with windows, pooling or relative positions`;
}
