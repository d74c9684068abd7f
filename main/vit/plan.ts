import { assert } from '../domain/errors.ts';
import type { FloatTensor } from '../domain/float-tensor.ts';
import { type TokenGrid, tokenCount } from '../domain/tokens.ts';
import type { Activation } from '../graph/activations.ts';
import type { Value } from '../graph/graph-builder.ts';
import type { Layers, WeightLookup } from '../graph/layers.ts';
import type { RotaryTable } from './positions.ts';
import type { Extent, WindowLayout } from './windows.ts';

export type { Extent };

/**
 * Decomposed relative positions (Li et al., MViTv2, CVPR 2022, equation 5): what is added to the logit of query i and
 * key j is q_i · (rows[y_i, y_j] + cols[x_i, x_j]), with q before it is scaled.
 */
export type RelativePositions = {
	/** The vectors of one axis for every query and key: [extent[axis], extent[axis], headDim]. */
	pairs(weights: WeightLookup, axis: 'rows' | 'cols', extent: Extent): Float32Array;
};

/** Windows that a block's tokens attend within; rows and columns are those of the grid tokens of one window. */
export type BlockWindow = Extent & { layout: WindowLayout };

/** One transformer block: x += attention(norm1(x)); x += mlp(norm2(x)); then what `residual` and `positionsAfter` add. */
export type VitBlock = {
	/** Prefix of its weights; the rest is in the plan's `layerNames`. */
	name: string;
	/** Width of the MLP's hidden layer. */
	hidden: number;
	/** Null = every token attends to all. */
	window: BlockWindow | null;
	/** Only among grid tokens: neither a window nor, without windows, the plan may hold any other. */
	relative: RelativePositions | null;
	/** Keys and values are means over cells of this size, of the window or the grid; cells cut by the edge are left out. */
	pool: Extent | null;
	/** A branch on all tokens [tokens, dim] whose output is added after the MLP, such as a convolution over the grid. */
	residual: ((layers: Layers, tokens: Value) => Value) | null;
	/** Learned positions [tokens, dim] that are added last. */
	positionsAfter: ((weights: WeightLookup) => FloatTensor) | null;
};

export type QkvPart = 'query' | 'key' | 'value';

/** The projections of attention: one matrix [3 · dim, dim], queries first, or three [dim, dim]; a bias may be missing. */
export type QkvNames =
	| { fused: string; bias: boolean }
	| { query: string; key: string; value: string; biasless: readonly QkvPart[] };

/** Names of a block's layers, each below `<block name>.`. */
export type LayerNames = {
	norm1: string;
	qkv: QkvNames;
	projection: string;
	norm2: string;
	/** MLP: fc2(activation(fc1(x))), or with a gate fc2(activation(gate(x)) · fc1(x)). */
	fc1: string;
	gate: string | null;
	fc2: string;
	/** Vectors [dim] that scale the outputs of attention and MLP (Touvron et al., CaiT, ICCV 2021, section 2). */
	layerScale: { attention: string; mlp: string } | null;
};

/** The names that most published vision transformers use. */
export const USUAL_LAYER_NAMES: LayerNames = {
	norm1: 'norm1',
	qkv: { fused: 'attn.qkv', bias: true },
	projection: 'attn.proj',
	norm2: 'norm2',
	fc1: 'mlp.fc1',
	gate: null,
	fc2: 'mlp.fc2',
	layerScale: null,
};

/** A function of single tokens after the blocks. */
export type TokenAnswer = {
	/** Columns per token. */
	width: number;
	/** One value [k, dim] per entry of the plan's `features` -> [k, width]. */
	emit(layers: Layers, features: readonly Value[]): Value;
};

/**
 * A vision transformer as data: what a reduction mode compiles graphs from. Nothing in a plan runs; its functions emit
 * graph nodes or read weights. Tokens are rows: extra ones that read no pixels, the grid's in raster order, more extra ones.
 */
export type VitPlan = {
	name: string;
	grid: TokenGrid;
	/** Numbers of tokens that read no pixels (class, detection), before and after those of the grid. */
	extra: { before: number; after: number };
	dim: number;
	heads: number;
	normEpsilon: number;
	/** The activation of the MLPs. */
	activation: Activation;
	/** Positions [tokens, dim] that are added before the first block, where a plan has them. */
	absolute: ((weights: WeightLookup) => FloatTensor) | null;
	/** Rotary positions of queries and keys, where a plan has them. */
	rotary: RotaryTable | null;
	layerNames: LayerNames;
	blocks: readonly VitBlock[];
	/** After how many blocks tokens are read, ascending; including the residual and positions of the last of these blocks. */
	features: readonly number[];
	/** Answers of the grid's tokens and of the extra ones; at least one is not null. */
	answers: { grid: TokenAnswer | null; extra: TokenAnswer | null };
	/** Normalised picture [1, 3, height, width] -> the grid's tokens [k, dim], before absolute positions. */
	embedPicture(layers: Layers, picture: Value): Value;
	/** Normalised pixel windows [k, 3, window, window] -> [k, dim]; the same function of the same pixels. */
	embedWindows(layers: Layers, windows: Value): Value;
	/** The extra tokens [n, dim], before absolute positions; null where n is 0. */
	embedExtra(layers: Layers): { before: Value | null; after: Value | null };
	/** The best score, 0 to 1, of a token by the grid's answers [grid tokens, width]; null where answers have no scores. */
	bestScore: ((answers: Float32Array, token: number) => number) | null;
	/** Ranks tokens by relevance, where the weights can. */
	scorer: Scorer | null;
	/** Clusters keys and values, where the weights can. */
	clusters?: ClusterPlan | null;
};

export type Scorer = {
	/** The number of blocks before it. */
	afterBlocks: number;
	/** Tokens [k, dim] -> relevance [k, 1]. */
	score(layers: Layers, tokens: Value): Value;
	/**
	 * Blocks and answers of their own for keep ratios up to `upTo`, where the weights have them. `rest`: per block the name of
	 * the matrix [2 · dim, dim] that projects keys and values of the tokens that are not kept.
	 */
	own: (Pick<VitPlan, 'blocks' | 'answers'> & { upTo: number; rest: readonly string[] }) | null;
};

/** Clustering of keys and values by the entropy of a learned distribution over the tokens, block by block. */
export type ClusterPlan = {
	/** Smoothing of the entropy, in tokens. */
	sigma: number;
	/** Logits [tokens, 1] of the distribution, from the normed tokens [tokens, dim] of a block. */
	logits(layers: Layers, block: VitBlock, normed: Value): Value;
};

/** Parts of a plan without extra tokens. */
export const NO_EXTRA_TOKENS: Pick<VitPlan, 'extra' | 'embedExtra'> = {
	extra: { before: 0, after: 0 },
	embedExtra: () => ({ before: null, after: null }),
};

/** Parts of a block in which every token attends to all, and nothing follows the MLP. */
export const PLAIN_BLOCK: Omit<VitBlock, 'name' | 'hidden'> = {
	window: null,
	relative: null,
	pool: null,
	residual: null,
	positionsAfter: null,
};

export function headDim(plan: VitPlan): number {
	return plan.dim / plan.heads;
}

/** Tokens of a frame, the extra ones included; `tokenCount(plan.grid)` are those of the grid. */
export function tokenTotal({ grid, extra }: Pick<VitPlan, 'grid' | 'extra'>): number {
	return extra.before + tokenCount(grid) + extra.after;
}

/** Tokens of a frame that read no pixels. */
export function extraTotal({ extra }: Pick<VitPlan, 'extra'>): number {
	return extra.before + extra.after;
}

/** Whether all tokens of a block attend to all, by contents and rotary positions alone. */
export function attendsPlainly(block: VitBlock): boolean {
	return block.window === null && block.relative === null && block.pool === null;
}

/** What emitters insist on that know only plain blocks over embedded pixels and answers of the tokens behind the last block. */
export function assertPlain(plan: VitPlan): void {
	const { blocks, name, features, answers, absolute } = plan;
	const plainBlocks = blocks.every(
		(block) => attendsPlainly(block) && !block.positionsAfter && !block.residual,
	);
	const answersLast = answers.grid !== null && features.length === 1 && features[0] === blocks.length;
	assert(plainBlocks && answersLast && !absolute && extraTotal(plan) === 0, `${name} is a plain transformer`);
}
