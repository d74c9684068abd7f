import { z } from 'zod';
import { epsilon, layerIndex, patchSide, windowsPerSide } from '../config-numbers.ts';
import { orElse } from '../hugging-face/config-fields.ts';
import {
	queryNetworkFields,
	queryNetworkOf,
	type QueryNetworkConfig,
	type LabelFields,
	sides,
	tableSide,
	vitFields,
	vitOf,
	type WindowedVitConfig,
} from '../lw-detr/config.ts';

/** The windowed DINOv2 of RF-DETR. */
export type WindowedDinoConfig = WindowedVitConfig & {
	/** Side of the square grid that the table of positions was made for. */
	positions: number;
	/** Whether the MLP has a gate (Shazeer, GLU Variants Improve Transformer). */
	gated: boolean;
	/** Whether features go through the layer norm that all of them share. */
	normsFeatures: boolean;
};

export type RfDetrConfig = { vit: WindowedDinoConfig; network: QueryNetworkConfig; labels: LabelFields };

/** config.json of the transformer alone (transformers' RfDetrDinov2Config). */
export const windowedDinoSchema = z
	.object({
		...vitFields,
		model_type: orElse(z.literal('rf_detr_dinov2'), 'rf_detr_dinov2'),
		image_size: orElse(sides, [224, 224]),
		patch_size: orElse(patchSide, 14),
		num_windows: orElse(windowsPerSide, 4),
		window_block_indexes: z.array(layerIndex).nullish(),
		use_swiglu_ffn: orElse(z.boolean(), false),
		apply_layernorm: orElse(z.boolean(), true),
		reshape_hidden_states: orElse(z.literal(true), true),
	})
	.transform((config, context): WindowedDinoConfig => {
		const vit = vitOf(config, context);
		const hidden = vit.hidden;
		return {
			...vit,
			// Two thirds of the MLP's usual width, up to a multiple of 8.
			hidden: config.use_swiglu_ffn ? Math.ceil(Math.floor((hidden * 2) / 3) / 8) * 8 : hidden,
			activation: config.use_swiglu_ffn ? 'silu' : vit.activation,
			patch: config.patch_size,
			windowsPerSide: config.num_windows,
			windowed: new Set(config.window_block_indexes ?? windowedBlocks(config.out_indices ?? vit.features)),
			positions: tableSide(config.image_size, config.patch_size, context),
			gated: config.use_swiglu_ffn,
			normsFeatures: config.apply_layernorm,
		};
	});

/** All blocks up to the last feature but those whose numbers, from 0, are the features': so the package has it. */
function windowedBlocks(features: readonly number[]): number[] {
	const end = features.at(-1)! + 1;
	return Array.from({ length: Math.max(0, end) }, (_, block) => block).filter(
		(block) => !features.includes(block),
	);
}

/** Of a config.json without a backbone_config. */
const USUAL_VIT = {
	num_attention_heads: 6,
	out_features: ['stage2', 'stage5', 'stage8', 'stage11'],
	hidden_size: 384,
	image_size: 518,
};

/** config.json of RF-DETR (transformers' RfDetrConfig). */
export const rfDetrSchema = z
	.object({
		...queryNetworkFields,
		model_type: z.literal('rf_detr'),
		backbone_config: windowedDinoSchema
			.nullish()
			.transform((vit) => vit ?? windowedDinoSchema.parse(USUAL_VIT)),
		layer_norm_eps: orElse(epsilon, 1e-5),
		num_feature_levels: orElse(z.literal(1), 1),
	})
	.transform((config, context): RfDetrConfig => {
		const vit = config.backbone_config;
		return {
			vit,
			labels: config,
			network: queryNetworkOf(config, vit, context, {
				levels: [{ scale: 1, prefix: 'model.backbone.projector.' }],
				norm: { over: 'channels', epsilon: config.layer_norm_eps },
			}),
		};
	});
