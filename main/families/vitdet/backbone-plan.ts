import type { TokenGrid } from '../../domain/tokens.ts';
import type { Extent, LayerNames, VitBlock, VitPlan } from '../../vit/plan.ts';

/** What the blocks of the Eventful Transformers' backbone call their layers. */
const LAYER_NAMES: LayerNames = {
	norm1: 'input_layer_norm',
	qkv: 'qkv',
	projection: 'projection',
	norm2: 'mlp_layer_norm',
	fc1: 'mlp_1',
	fc2: 'mlp_2',
};
const NORM_EPSILON = 1e-6;

/** A backbone of windowed and global blocks, as ViTDet has it; sizes in tokens. */
export type BackboneShape = {
	name: string;
	/** Before every weight's name, such as `backbone.`. */
	prefix: string;
	grid: TokenGrid;
	classToken: boolean;
	dim: number;
	heads: number;
	/** Width of the MLP's hidden layer over `dim`. */
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
 * weights as the Eventful Transformers' converted checkpoints name them). Its head gives the tokens themselves; what
 * stands before and behind it is the family's to add.
 */
export function backbonePlan(
	shape: BackboneShape,
	embed: Pick<VitPlan, 'embedPicture' | 'embedWindows'>,
): VitPlan {
	const { name, prefix, grid, classToken, dim, heads, mlpRatio, positionSize } = shape;
	return {
		name,
		grid,
		classToken,
		dim,
		heads,
		normEpsilon: NORM_EPSILON,
		absolute: { table: `${prefix}position_encoding.encoding`, size: positionSize },
		rotary: null,
		layerNames: LAYER_NAMES,
		blocks: shape.blocks.map(({ window, relativeSize, pool }, i): VitBlock => {
			const block = `${prefix}blocks.${i}`;
			return {
				name: block,
				hidden: mlpRatio * dim,
				window,
				relative: relativeSize && {
					rowTable: `${block}.relative_position.y_embedding`,
					colTable: `${block}.relative_position.x_embedding`,
					size: window ?? relativeSize,
				},
				pool,
			};
		}),
		headWidth: dim,
		...embed,
		head: (layers, tokens) => layers.graph.op('Identity', [tokens], { shape: tokens.shape }),
		bestScore: null,
		scorer: null,
	};
}
