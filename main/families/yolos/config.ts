import { z } from 'zod';
import { epsilon, headCount, layerCount, patchSide, queryCount, side, width } from '../config-numbers.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { ACTIVATION_NAMES, type Activation } from '../../graph/activations.ts';
import { parseModelConfig } from '../model-config.ts';
import { architectures } from '../hugging-face/config-fields.ts';
import type { HuggingFaceFiles } from '../hugging-face/files.ts';

/** A YOLOS as its config.json describes it; sizes in tokens or pixels. */
export type YolosConfig = {
	dim: number;
	depth: number;
	heads: number;
	/** Width of the MLPs' hidden layers. */
	hidden: number;
	activation: Activation;
	normEpsilon: number;
	/** Side of a patch, in pixels. */
	patch: number;
	/** The grid that the tables of positions were made for. */
	tableSize: { rows: number; cols: number };
	qkvBias: boolean;
	detectionTokens: number;
	/** Whether positions are added after every block but the last, too. */
	midPositions: boolean;
};

/** Fields with what transformers takes where a file has none. */
const schema = z.object({
	architectures,
	hidden_size: width.default(768),
	num_hidden_layers: layerCount.default(12),
	num_attention_heads: headCount.default(12),
	intermediate_size: width.default(3072),
	hidden_act: z.enum(ACTIVATION_NAMES).default('gelu'),
	layer_norm_eps: epsilon.default(1e-12),
	image_size: z.tuple([side, side]).default([512, 864]),
	patch_size: patchSide.default(16),
	num_channels: z.literal(3).default(3),
	qkv_bias: z.boolean().default(true),
	num_detection_tokens: queryCount.default(100),
	use_mid_position_embeddings: z.boolean().default(true),
});

/** Reads a config.json; throws `model-unreadable`, naming the first field that is wrong. */
export function readYolosConfig(source: HuggingFaceFiles['config']): YolosConfig {
	const given = parseModelConfig(schema, source, 'YOLOS');
	const [height, width] = given.image_size;
	const { patch_size: patch, hidden_size: dim, num_attention_heads: heads } = given;
	if (dim % heads !== 0) {
		throw new UserFacingError(
			'model-unreadable',
			`${source.place}: hidden_size must be a multiple of num_attention_heads (got ${dim} and ${heads}).`,
		);
	}
	return {
		dim,
		depth: given.num_hidden_layers,
		heads,
		hidden: given.intermediate_size,
		activation: given.hidden_act,
		normEpsilon: given.layer_norm_eps,
		patch,
		tableSize: { rows: Math.floor(height / patch), cols: Math.floor(width / patch) },
		qkvBias: given.qkv_bias,
		detectionTokens: given.num_detection_tokens,
		midPositions: given.use_mid_position_embeddings,
	};
}
