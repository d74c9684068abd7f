import type { TokenGrid } from '../../domain/tokens.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import {
	type Extent,
	type LayerNames,
	PLAIN_BLOCK,
	type RelativePositions,
	type VitBlock,
	type VitPlan,
} from '../../vit/plan.ts';
import { relativePairs, resizeBicubic, resizedTable } from '../../vit/position-tables.ts';
import { windowLayout } from '../../vit/windows.ts';
import { joinedTensors, reshaped, rowsOf, type FloatTensor } from '../../domain/float-tensor.ts';

/** Layer names in the Eventful Transformers' checkpoints. */
const LAYER_NAMES: LayerNames = {
	norm1: 'input_layer_norm',
	qkv: { fused: 'qkv', bias: true },
	projection: 'projection',
	norm2: 'mlp_layer_norm',
	fc1: 'mlp_1',
	gate: null,
	fc2: 'mlp_2',
	layerScale: null,
};
const NORM_EPSILON = 1e-6;

/** A backbone of windowed and global blocks, as ViTDet has it; sizes in tokens. */
export type BackboneShape = {
	name: string;
	/** Prefix of every weight's name, such as `backbone.`. */
	prefix: string;
	grid: TokenGrid;
	/** Whether a class token precedes the grid's tokens. */
	classToken: boolean;
	dim: number;
	heads: number;
	/** Width of the MLP's hidden layer divided by `dim`. */
	mlpRatio: number;
	/** The grid that the absolute positions were made for. */
	positionSize: Extent;
	/** One entry per block. */
	blocks: readonly {
		window: Extent | null;
		/** The grid that a global block's relative tables were made for; null = none. A windowed block's fit its window. */
		relativeSize: Extent | null;
		pool: Extent | null;
	}[];
};

/**
 * The backbone as a plan (Li et al., Exploring Plain Vision Transformer Backbones for Object Detection, ECCV 2022;
 * weights named as in the Eventful Transformers' converted checkpoints). Its answers are the last tokens themselves; the family
 * adds patch embedding and heads.
 */
export function backbonePlan(
	shape: BackboneShape,
	embed: Pick<VitPlan, 'embedPicture' | 'embedWindows' | 'embedExtra'>,
): VitPlan {
	const { name, prefix, grid, classToken, dim, heads, mlpRatio } = shape;
	return {
		name,
		grid,
		extra: { before: classToken ? 1 : 0, after: 0 },
		dim,
		heads,
		normEpsilon: NORM_EPSILON,
		activation: 'gelu',
		absolute: (weights) => absolutePositions(shape, weights),
		rotary: null,
		layerNames: LAYER_NAMES,
		blocks: shape.blocks.map(({ window, relativeSize, pool }, i): VitBlock => {
			const block = `${prefix}blocks.${i}`;
			return {
				...PLAIN_BLOCK,
				name: block,
				hidden: mlpRatio * dim,
				window: window && { ...window, layout: windowLayout(grid, window) },
				relative: relativeSize && relativePositions(block, window ?? relativeSize, dim / heads),
				pool,
			};
		}),
		features: [shape.blocks.length],
		answers: {
			grid: {
				width: dim,
				emit: (layers, [tokens]) => layers.graph.op('Identity', [tokens!], { shape: tokens!.shape }),
			},
			extra: null,
		},
		...embed,
		bestScore: null,
		scorer: null,
	};
}

/** The table resized to the grid; with a class token, after its row: [tokens, dim]. */
function absolutePositions(shape: BackboneShape, weights: WeightLookup): FloatTensor {
	const { prefix, grid, classToken, dim, positionSize: size } = shape;
	const first = classToken ? 1 : 0;
	const ofGrid = size.rows * size.cols;
	const published = weights(`${prefix}position_encoding.encoding`, [1, first + ofGrid, dim]);
	const table = reshaped(published, [first + ofGrid, dim]);
	const positions = resizedTable('bicubic', rowsOf(table, first, ofGrid), size, grid);
	if (!classToken) return positions;
	return joinedTensors([rowsOf(table, 0, 1), positions], [1 + grid.rows * grid.cols, dim]);
}

/**
 * Relative positions from tables for attention over `size`. For another extent, the square of all pairs is resized as a
 * picture to the extent's rows and columns, whatever the axis, as in the published code: tables of a grid that is not
 * square must fit it.
 */
function relativePositions(block: string, size: Extent, headDim: number): RelativePositions {
	return {
		pairs(weights, axis, extent) {
			const name = `${block}.relative_position.${axis === 'rows' ? 'y' : 'x'}_embedding`;
			const length = size[axis];
			const table = weights(name, [2 * length - 1, headDim]).data;
			const pairs = relativePairs(table, length);
			if (size.rows === extent.rows && size.cols === extent.cols) return pairs;
			// The published code has keys along the picture's rows and queries along its columns; this works on square grids
			// only, where the result is the same.
			return resizeBicubic({ data: pairs, size: { rows: length, cols: length }, channels: headDim }, extent);
		},
	};
}
