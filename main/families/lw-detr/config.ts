import { z } from 'zod';
import {
	epsilon,
	headCount,
	layerCount,
	layerCountOrNone,
	layerIndex,
	patchSide,
	pointCount,
	queryCount,
	side,
	width,
	widthRatio,
	windowCount,
} from '../config-numbers.ts';
import { ACTIVATION_NAMES, type Activation } from '../../graph/activations.ts';
import { architectures, orElse } from '../hugging-face/config-fields.ts';
import { labelCount, labelFields } from '../hugging-face/labels.ts';

/** What stands behind the vision transformer of LW-DETR and RF-DETR: projector, selection of proposals, decoder, heads. */
export type QueryNetworkConfig = {
	dim: number;
	labels: number;
	queries: number;
	/** Groups of queries that the weights were trained with (Chen et al., Group DETR, ICCV 2023); only the first is used. */
	groups: number;
	/** Width of what the projector reads: the features of one token side by side. */
	features: { count: number; dim: number };
	projector: {
		/** One level of the pyramid each: sizes of its map over the transformer's grid. */
		levels: readonly { scale: number; prefix: string }[];
		/** Width inside the C2F layer. */
		hidden: number;
		bottlenecks: number;
		activation: Activation;
		/** Behind every convolution: over the batch, folded into it, or over the channels of a pixel. */
		norm: { over: 'batch' | 'channels'; epsilon: number };
	};
	decoder: {
		layers: number;
		self: { heads: number; headDim: number; bias: boolean };
		cross: { heads: number; points: number };
		/** Width of the MLP's hidden layer. */
		hidden: number;
		activation: Activation;
	};
};

/** Blocks, windows and features of a vision transformer as both families have it. */
export type WindowedVitConfig = {
	dim: number;
	heads: number;
	blocks: number;
	/** Width of the MLP's hidden layer. */
	hidden: number;
	activation: Activation;
	normEpsilon: number;
	/** Side of a patch in pixels. */
	patch: number;
	qkvBias: boolean;
	/** The grid is cut into as many windows along each of its sides. */
	windowsPerSide: number;
	/** Blocks, from 0, whose tokens attend within their windows. */
	windowed: ReadonlySet<number>;
	/** After how many blocks the tokens' states are features, ascending. */
	features: readonly number[];
};

export type LwDetrConfig = {
	vit: WindowedVitConfig & {
		/** Side of the square grid that the table of positions was made for; null without a table. */
		positions: number | null;
	};
	network: QueryNetworkConfig;
	labels: LabelFields;
};

/** What a config.json says of classes. */
export type LabelFields = z.infer<z.ZodObject<typeof labelFields>>;

export const activation = z.enum(ACTIVATION_NAMES);

/** Fields of a config.json that both families have in common, with the package's defaults. */
export const queryNetworkFields = {
	d_model: orElse(width.multipleOf(4), 256),
	hidden_expansion: orElse(widthRatio, 0.5),
	c2f_num_blocks: orElse(layerCountOrNone, 3),
	activation_function: orElse(activation, 'silu'),
	decoder_layers: orElse(layerCount, 3),
	decoder_ffn_dim: orElse(width, 2048),
	decoder_n_points: orElse(pointCount, 4),
	decoder_self_attention_heads: orElse(headCount, 8),
	decoder_cross_attention_heads: orElse(headCount, 16),
	decoder_activation_function: orElse(activation, 'relu'),
	head_dim: width.nullish(),
	architectures,
	num_queries: orElse(queryCount, 300),
	group_detr: orElse(queryCount, 13),
	attention_bias: orElse(z.boolean(), true),
	...labelFields,
};

export const vitFields = {
	hidden_size: orElse(width, 768),
	num_hidden_layers: orElse(layerCount, 12),
	num_attention_heads: orElse(headCount, 12),
	mlp_ratio: orElse(widthRatio, 4),
	hidden_act: orElse(activation, 'gelu'),
	layer_norm_eps: orElse(epsilon, 1e-6),
	num_channels: orElse(z.literal(3), 3),
	qkv_bias: orElse(z.boolean(), true),
	out_indices: z.array(layerIndex).nullish(),
	out_features: z.array(z.string()).nullish(),
};

/** Height and width; a number is both. */
export const sides = z
	.union([side, z.tuple([side, side])])
	.transform((given): readonly [number, number] => (typeof given === 'number' ? [given, given] : given));

/** config.json of the transformer alone (transformers' LwDetrViTConfig). */
export const lwDetrVitSchema = z
	.object({
		...vitFields,
		model_type: orElse(z.literal('lw_detr_vit'), 'lw_detr_vit'),
		patch_size: orElse(patchSide, 16),
		pretrain_image_size: orElse(sides, [224, 224]),
		use_absolute_position_embeddings: orElse(z.boolean(), true),
		num_windows: orElse(
			windowCount.refine((windows) => Number.isInteger(Math.sqrt(windows)), 'must be a square number'),
			16,
		),
		window_block_indices: orElse(z.array(layerIndex), []),
	})
	.transform((vit, context): LwDetrConfig['vit'] => ({
		...vitOf(vit, context),
		patch: vit.patch_size,
		windowsPerSide: Math.sqrt(vit.num_windows),
		windowed: new Set(vit.window_block_indices),
		positions: vit.use_absolute_position_embeddings
			? tableSide(vit.pretrain_image_size, vit.patch_size, context)
			: null,
	}));

/** Of a config.json without a backbone_config. */
const USUAL_VIT = {
	hidden_size: 192,
	num_hidden_layers: 10,
	window_block_indices: [0, 1, 3, 6, 7, 9],
	out_indices: [2, 4, 5, 9],
};

/** config.json of LW-DETR (transformers' LwDetrConfig). */
export const lwDetrSchema = z
	.object({
		...queryNetworkFields,
		model_type: z.literal('lw_detr'),
		backbone_config: lwDetrVitSchema.nullish().transform((vit) => vit ?? lwDetrVitSchema.parse(USUAL_VIT)),
		batch_norm_eps: orElse(epsilon, 1e-5),
		projector_scale_factors: z.array(z.union([z.literal(0.5), z.literal(1), z.literal(2)])).nonempty(),
	})
	.transform((config, context): LwDetrConfig => {
		const vit = config.backbone_config;
		return {
			vit,
			labels: config,
			network: queryNetworkOf(config, vit, context, {
				levels: config.projector_scale_factors.map((scale, i) => ({
					scale,
					prefix: `model.backbone.projector.scale_layers.${i}.`,
				})),
				norm: { over: 'batch', epsilon: config.batch_norm_eps },
			}),
		};
	});

type Fields<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;
type Context = z.core.$RefinementCtx;

/** What the fields say of the blocks; windows and patches are each family's own. */
export function vitOf(
	config: Fields<typeof vitFields>,
	context: Context,
): Omit<WindowedVitConfig, 'patch' | 'windowsPerSide' | 'windowed'> {
	const { hidden_size: dim, num_attention_heads: heads, num_hidden_layers: blocks } = config;
	if (dim % heads !== 0)
		complain(context, 'hidden_size', `must be a multiple of ${heads} heads (got ${dim})`);
	return {
		dim,
		heads,
		blocks,
		hidden: Math.floor(dim * config.mlp_ratio),
		activation: config.hidden_act,
		normEpsilon: config.layer_norm_eps,
		qkvBias: config.qkv_bias,
		features: featureStages(config, context),
	};
}

/** After how many blocks features are read: `out_indices`, counted from the end where negative, or `out_features`. */
function featureStages(config: Fields<typeof vitFields>, context: Context): number[] {
	const { num_hidden_layers: blocks, out_indices: indices, out_features: names } = config;
	const stageOf = (name: string) =>
		name === 'stem' ? 0 : Number(/^stage([1-9]\d*)$/.exec(name)?.[1] ?? NaN);
	const byIndex = indices?.map((index) => (index < 0 ? index + blocks + 1 : index));
	const byName = names?.map(stageOf);
	const stages = byIndex ?? byName ?? [blocks];
	const ascend = stages.every((stage, i) => i === 0 || stage > stages[i - 1]!);
	const exist = stages.every((stage) => stage >= 0 && stage <= blocks);
	const field = byIndex ? 'out_indices' : 'out_features';
	if (stages.length === 0 || !ascend || !exist)
		complain(
			context,
			field,
			`must name stages from 0 to ${blocks} in their order (got ${(indices ?? names)?.join(', ')})`,
		);
	else if (byName && byName.join() !== stages.join())
		complain(context, 'out_features', `must be the stages of out_indices (got ${names!.join(', ')})`);
	return stages;
}

/** Side of the square grid that a table of positions for pictures of this size is taken for. */
export function tableSide(
	[height, width]: readonly [number, number],
	patch: number,
	context: Context,
): number {
	const count = Math.floor(height / patch) * Math.floor(width / patch);
	const side = Math.sqrt(count);
	if (!Number.isInteger(side) || side === 0)
		complain(
			context,
			'patch_size',
			`must divide ${height} × ${width} pixels into a square number of patches (got ${patch})`,
		);
	return side;
}

export function queryNetworkOf(
	config: Fields<typeof queryNetworkFields>,
	vit: Pick<WindowedVitConfig, 'dim' | 'features'>,
	context: Context,
	projector: Pick<QueryNetworkConfig['projector'], 'levels' | 'norm'>,
): QueryNetworkConfig {
	const dim = config.d_model;
	const heads = { self: config.decoder_self_attention_heads, cross: config.decoder_cross_attention_heads };
	if (dim % heads.cross !== 0)
		complain(context, 'd_model', `must be a multiple of ${heads.cross} heads (got ${dim})`);
	return {
		dim,
		labels: labelCount(config),
		queries: config.num_queries,
		groups: config.group_detr,
		features: { count: vit.features.length, dim: vit.dim },
		projector: {
			...projector,
			hidden: Math.floor(dim * config.hidden_expansion),
			bottlenecks: config.c2f_num_blocks,
			activation: config.activation_function,
		},
		decoder: {
			layers: config.decoder_layers,
			self: {
				heads: heads.self,
				headDim: config.head_dim ?? Math.floor(dim / heads.self),
				bias: config.attention_bias,
			},
			cross: { heads: heads.cross, points: config.decoder_n_points },
			hidden: config.decoder_ffn_dim,
			activation: config.decoder_activation_function,
		},
	};
}

export function complain(context: Context, field: string, message: string): void {
	context.addIssue({ code: 'custom', path: [field], message });
}
