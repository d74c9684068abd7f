import type { TokenGrid } from '../../domain/tokens.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers, WeightLookup } from '../../graph/layers.ts';
import {
	type BlockWindow,
	type Extent,
	type LayerNames,
	NO_EXTRA_TOKENS,
	PLAIN_BLOCK,
	type VitPlan,
} from '../../vit/plan.ts';
import { resizedTable } from '../../vit/position-tables.ts';
import { windowLayout } from '../../vit/windows.ts';
import type { LwDetrConfig, WindowedVitConfig } from './config.ts';
import { reshaped, rowsOf, type FloatTensor } from '../../domain/float-tensor.ts';

/** Every weight of the transformer is called after it. */
export const VIT_PREFIX = 'model.backbone.backbone.';

/** A transformer over any grid that its windows divide evenly. */
export type WindowedTransformer = {
	vit: WindowedVitConfig;
	/** With the blocks that no feature needs if `whole`. */
	plan(size: Extent, whole?: boolean): VitPlan;
	/** Null where there is one window. */
	window(size: Extent): BlockWindow | null;
	/** Where each pixel of the features' map lies among the tokens; null = in their order. */
	featureOrder(size: Extent): Int32Array | null;
};

/** What the two families' transformers do not have in common. */
export type WindowedVitParts = Pick<VitPlan, 'name' | 'extra' | 'embedExtra' | 'absolute' | 'layerNames'> & {
	config: WindowedVitConfig;
	grid: TokenGrid;
	window: BlockWindow | null;
	/** With the blocks behind the last feature, and an answer of their own. */
	whole: boolean;
	/** Of the convolution that embeds patches. */
	patches: string;
	/** What is made of each feature [k, dim] before they are laid side by side. */
	feature(layers: Layers, tokens: Value): Value;
};

/** Tokens of a picture of this extent: every one reads the pixels of its own patch. */
export function patchGrid({ patch }: Pick<WindowedVitConfig, 'patch'>, size: Extent): TokenGrid {
	return { ...size, stride: patch, windowSize: patch, windowOffset: 0 };
}

/**
 * A vision transformer of windowed and global blocks. It answers with its features of each token side by side. Blocks behind the
 * last feature are left out unless asked for: nothing reads them.
 */
export function windowedVitPlan(parts: WindowedVitParts): VitPlan {
	const { name, config, grid, window, extra, layerNames, absolute, embedExtra } = parts;
	const { dim, heads, patch } = config;
	const features = parts.whole ? [...new Set([...config.features, config.blocks])] : config.features;
	/** [k, 3, h, w] -> [tokens, dim], `tokens` being all patches of all k pictures. */
	function embed(layers: Layers, pixels: Value, tokens: Value['shape'][number]): Value {
		const map = layers.conv(`${VIT_PREFIX}${parts.patches}`, pixels, dim, { kernel: patch, stride: patch });
		return layers.reshape(layers.transpose(map, [0, 2, 3, 1]), [tokens, dim]);
	}
	return {
		name,
		grid,
		extra,
		dim,
		heads,
		normEpsilon: config.normEpsilon,
		activation: config.activation,
		absolute,
		rotary: null,
		layerNames,
		blocks: Array.from({ length: features.at(-1)! }, (_, i) => ({
			...PLAIN_BLOCK,
			name: blockName(i),
			hidden: config.hidden,
			window: config.windowed.has(i) ? window : null,
		})),
		features,
		answers: {
			grid: {
				width: features.length * dim,
				emit: (layers, states) =>
					layers.concat(
						states.map((state) => parts.feature(layers, state)),
						1,
					),
			},
			extra: null,
		},
		embedPicture: (layers, picture) => embed(layers, picture, grid.rows * grid.cols),
		embedWindows: (layers, windows) => embed(layers, windows, windows.shape[0]!),
		embedExtra,
		bestScore: null,
		scorer: null,
	};
}

export function blockName(i: number): string {
	return `${VIT_PREFIX}encoder.layer.${i}`;
}

const LAYER_NAMES: LayerNames = {
	norm1: 'layernorm_before',
	qkv: { query: 'attention.q_proj', key: 'attention.k_proj', value: 'attention.v_proj', biasless: ['key'] },
	projection: 'attention.o_proj',
	norm2: 'layernorm_after',
	fc1: 'intermediate.fc1',
	gate: null,
	fc2: 'intermediate.fc2',
	layerScale: { attention: 'gamma_1', mlp: 'gamma_2' },
};

/** LW-DETR's transformer. */
export function lwDetrTransformer(vit: LwDetrConfig['vit']): WindowedTransformer {
	return {
		vit,
		plan: (size, whole = false) => lwDetrPlan(vit, size, whole),
		window: (size) => lwDetrWindow(vit, size),
		featureOrder: () => null,
	};
}

function lwDetrPlan(config: LwDetrConfig['vit'], size: Extent, whole: boolean): VitPlan {
	const { positions, dim, qkvBias } = config;
	return windowedVitPlan({
		name: 'lw-detr',
		config,
		whole,
		grid: patchGrid(config, size),
		window: lwDetrWindow(config, size),
		...NO_EXTRA_TOKENS,
		patches: 'embeddings.projection',
		absolute: positions === null ? null : (weights) => absolutePositions(weights, positions, dim, size),
		layerNames: qkvBias ? LAYER_NAMES : { ...LAYER_NAMES, qkv: withoutBias(LAYER_NAMES.qkv) },
		feature: (_, tokens) => tokens,
	});
}

function lwDetrWindow({ windowsPerSide }: WindowedVitConfig, size: Extent): BlockWindow | null {
	if (windowsPerSide === 1) return null;
	const window = { rows: size.rows / windowsPerSide, cols: size.cols / windowsPerSide };
	return { ...window, layout: windowLayout(size, window) };
}

export function withoutBias(qkv: LayerNames['qkv']): LayerNames['qkv'] {
	return 'fused' in qkv ? { ...qkv, bias: false } : { ...qkv, biasless: ['query', 'key', 'value'] };
}

/** The table [1 + side², dim], whose first row is a class token's, over the grid: [grid tokens, dim]. */
function absolutePositions(weights: WeightLookup, side: number, dim: number, size: Extent): FloatTensor {
	const table = rowsOf(positionTable(weights, side, dim), 1, side * side);
	return resizedTable('bicubic', table, { rows: side, cols: side }, size);
}

/** Positions of a class token and of a square of tokens: [1 + side², dim]. */
export function positionTable(weights: WeightLookup, side: number, dim: number): FloatTensor {
	const shape = [1 + side * side, dim];
	return reshaped(weights(`${VIT_PREFIX}embeddings.position_embeddings`, [1, ...shape]), shape);
}
