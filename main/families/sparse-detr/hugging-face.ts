import { z } from 'zod';
import {
	headCount,
	layerCount,
	layerCountOrNone,
	levelCount,
	pointCount,
	queryCount,
	width,
} from '../config-numbers.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { ACTIVATION_NAMES } from '../../graph/activations.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { requireTensors } from '../../weights/weights.ts';
import type { LabelNames } from '../coco-names.ts';
import { architectures, orElse } from '../hugging-face/config-fields.ts';
import { parseModelConfig } from '../model-config.ts';
import type { HuggingFaceFiles } from '../hugging-face/files.ts';
import { labelFields, labelsOf, requireLabels } from '../hugging-face/labels.ts';
import {
	type FileNames,
	publishedNames,
	renamed,
	renamedLookup,
	type Renaming,
	separateProjections,
} from '../hugging-face/renamed-weights.ts';
import {
	askForUnusedStages,
	BACKBONE_PREFIX,
	backboneFields,
	type HuggingFaceResNet,
	readBackbone,
} from '../hugging-face/resnet-backbone.ts';
import { GROUPS, type SparseDetrConfig } from './config.ts';
import { askForGraph } from './tensors.ts';
import { TiedHeads } from './tied-heads.ts';

export const DEFORMABLE_MODEL_TYPES = ['deformable_detr', 'deformable-detr'] as const;

const schema = z.looseObject({
	model_type: z.enum(DEFORMABLE_MODEL_TYPES),
	architectures,
	num_channels: orElse(z.literal(3), 3),
	d_model: width.nullish(),
	hidden_size: width.nullish(),
	num_queries: orElse(queryCount, 300),
	num_feature_levels: orElse(levelCount, 4),
	encoder_layers: orElse(layerCountOrNone, 6),
	decoder_layers: orElse(layerCount, 6),
	encoder_attention_heads: orElse(headCount, 8),
	decoder_attention_heads: orElse(headCount, 8),
	encoder_ffn_dim: orElse(width, 1024),
	decoder_ffn_dim: orElse(width, 1024),
	encoder_n_points: orElse(pointCount, 4),
	decoder_n_points: orElse(pointCount, 4),
	activation_function: orElse(z.enum(ACTIVATION_NAMES), 'relu'),
	position_embedding_type: orElse(z.enum(['sine', 'learned']), 'sine'),
	with_box_refine: orElse(z.boolean(), false),
	two_stage: orElse(z.boolean(), false),
	two_stage_num_proposals: orElse(queryCount, 300),
	tie_word_embeddings: orElse(z.boolean(), true),
	...backboneFields,
	...labelFields,
});
type Fields = z.infer<typeof schema>;

const MODEL = 'a Deformable DETR';
const DEFAULT_WIDTH = 256;

/**
 * Opens the files of transformers' DeformableDetrForObjectDetection. Unlike the authors' code, the package refines
 * references wherever `with_box_refine` is set. Throws `model-unreadable` or `tensor-mismatch`.
 */
export function openHuggingFaceDeformableDetr(files: HuggingFaceFiles): {
	config: SparseDetrConfig;
	labels: LabelNames;
	lookup: WeightLookup;
} {
	const { place } = files.config;
	const fields = parseModelConfig(schema, files.config, MODEL);
	const { backbone, labels, config: described } = readConfig(fields, place);
	const weights = publishedNames(files.weights.tensors, PUBLISHED);
	const heads = new TiedHeads(described, weights, fields.tie_word_embeddings);
	const config = { ...described, ownHeads: heads.differ };
	const fileNames: FileNames = (name) => {
		if (name.startsWith(BACKBONE_PREFIX)) return backbone.fileName(name.slice(BACKBONE_PREFIX.length));
		return heads.fileName(name) ?? separateProjections(renamed(name, IN_FILES));
	};
	requireLabels(weights, heads.fileName('class_embed.0.bias')!, labels, 0, place);
	const audit = new TensorAudit(weights, files.weights.place, 'Deformable DETR as config.json describes it');
	const asked = renamedLookup(audit.lookup, fileNames);
	askForGraph(config, asked);
	askForUnusedStages(backbone, asked);
	heads.ask(asked);
	audit.finish();
	return {
		config,
		labels,
		lookup: renamedLookup(requireTensors(weights, files.weights.place), fileNames),
	};
}

/** What a config.json says of the network, whatever the weights are. */
function readConfig(
	fields: Fields,
	place: string,
): {
	config: SparseDetrConfig;
	labels: LabelNames;
	backbone: HuggingFaceResNet;
} {
	const dim = fields.d_model ?? fields.hidden_size ?? DEFAULT_WIDTH;
	const levels = fields.num_feature_levels;
	const backbone = readBackbone(fields, levels > 1 ? [2, 3, 4] : [4], place);
	const labels = labelsOf(fields, place);
	const config: SparseDetrConfig = {
		backbone: { kind: 'resnet', ...backbone.config },
		features: backbone.features,
		dim,
		levels,
		positions: fields.position_embedding_type,
		encoderLayers: fields.encoder_layers,
		decoderLayers: fields.decoder_layers,
		encoderHeads: fields.encoder_attention_heads,
		decoderHeads: fields.decoder_attention_heads,
		encoderHidden: fields.encoder_ffn_dim,
		decoderHidden: fields.decoder_ffn_dim,
		encoderPoints: fields.encoder_n_points,
		decoderPoints: fields.decoder_n_points,
		activation: fields.activation_function,
		queries: fields.two_stage ? fields.two_stage_num_proposals : fields.num_queries,
		classes: labels.indexByLabel.length,
		twoStage: fields.two_stage
			? { positionFeatures: dim / 2, contentFromTokens: false, scoreOverClasses: false }
			: null,
		refines: fields.with_box_refine,
		ownHeads: false,
		scorer: false,
		auxiliaryHeads: false,
	};
	requireSizes(config, fields, place);
	return { config, labels, backbone };
}

function requireSizes(config: SparseDetrConfig, fields: Fields, place: string): void {
	const { dim, encoderHeads, decoderHeads, levels, features } = config;
	const fault = (what: string) => new UserFacingError('model-unreadable', `${place}: ${what}.`);
	if (dim % encoderHeads !== 0 || dim % decoderHeads !== 0 || dim % GROUPS !== 0) {
		throw fault(
			`d_model must be a multiple of the heads of encoder and decoder and of ${GROUPS} (got ${dim} with ${encoderHeads} and ${decoderHeads} heads)`,
		);
	}
	if (levels < features.length) {
		throw fault(
			`num_feature_levels must be at least the number of maps that the backbone gives (got ${levels} and ${features.length})`,
		);
	}
	if (fields.two_stage && !fields.with_box_refine)
		throw fault('a two_stage model must have with_box_refine as well');
}

/** From the names that emitters use, which are the authors' own, to those in files. */
const IN_FILES: readonly Renaming[] = [
	[/^transformer\./, 'model.'],
	[/^input_proj\./, 'model.input_proj.'],
	[/^query_embed\./, 'model.query_position_embeddings.'],
	[/^backbone\.1\.row_embed\./, 'model.position_embedding.row_embeddings.'],
	[/^backbone\.1\.col_embed\./, 'model.position_embedding.column_embeddings.'],
	[/^(model\.encoder\..*)\.norm1\./, '$1.self_attn_layer_norm.'],
	[/^(model\.encoder\..*)\.norm2\./, '$1.final_layer_norm.'],
	// The numbers of the decoder's norms do not follow the order of their use.
	[/\.norm1\./, '.encoder_attn_layer_norm.'],
	[/\.norm2\./, '.self_attn_layer_norm.'],
	[/\.norm3\./, '.final_layer_norm.'],
	[/\.linear(\d)\./, '.fc$1.'],
	[/\.cross_attn\./, '.encoder_attn.'],
];

/** From what newer releases call their parts to what is published. */
const PUBLISHED: readonly Renaming[] = [
	[/^model\.backbone\.model\./, 'model.backbone.conv_encoder.model.'],
	[/\.mlp\.(fc\d)\./, '.$1.'],
	[/\.self_attn\.o_proj\./, '.self_attn.out_proj.'],
];
