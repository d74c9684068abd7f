import { z } from 'zod';
import { headCount, layerCount, layerCountOrNone, queryCount, width } from '../config-numbers.ts';
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
import type { DetrConfig } from './config.ts';
import { emitDetr } from './network.ts';

/** Hosts by `model_type`, and the queries of a file that states no number. */
const HOSTS = {
	detr: { host: 'detr', title: 'DETR', queries: 100 },
	conditional_detr: { host: 'conditional-detr', title: 'Conditional DETR', queries: 300 },
	'conditional-detr': { host: 'conditional-detr', title: 'Conditional DETR', queries: 300 },
} as const;

export const DETR_MODEL_TYPES = Object.keys(HOSTS) as (keyof typeof HOSTS)[];

const schema = z.looseObject({
	model_type: z.enum(DETR_MODEL_TYPES),
	architectures,
	num_channels: orElse(z.literal(3), 3),
	d_model: width.nullish(),
	hidden_size: width.nullish(),
	num_queries: queryCount.nullish(),
	encoder_layers: orElse(layerCountOrNone, 6),
	decoder_layers: orElse(layerCount, 6),
	encoder_attention_heads: orElse(headCount, 8),
	decoder_attention_heads: orElse(headCount, 8),
	encoder_ffn_dim: orElse(width, 2048),
	decoder_ffn_dim: orElse(width, 2048),
	activation_function: orElse(z.enum(ACTIVATION_NAMES), 'relu'),
	auxiliary_loss: orElse(z.boolean(), false),
	position_embedding_type: orElse(z.enum(['sine', 'learned']), 'sine'),
	...backboneFields,
	...labelFields,
});

const DEFAULT_WIDTH = 256;
/** Any size shows which tensors a network asks for. */
const SMALL = { width: 64, height: 64 };

/**
 * Opens the files of transformers' DetrForObjectDetection or ConditionalDetrForObjectDetection. With `auxiliary_loss` the
 * package norms what goes from one decoder layer to the next. Throws `model-unreadable` or `tensor-mismatch`.
 */
export function openHuggingFaceDetr(files: HuggingFaceFiles): {
	config: DetrConfig;
	labels: LabelNames;
	lookup: WeightLookup;
} {
	const { place } = files.config;
	const fields = parseModelConfig(schema, files.config, 'a DETR');
	const backbone = readBackbone(fields, [1, 2, 3, 4], place);
	const labels = labelsOf(fields, place);
	const config = readConfig(fields, backbone, labels);
	requireWidth(config, place);
	const { host, title } = config;
	const weights = publishedNames(files.weights.tensors, host === 'detr' ? PUBLISHED : PUBLISHED_CONDITIONAL);
	const fileNames: FileNames = (name) =>
		name.startsWith(BACKBONE_PREFIX)
			? backbone.fileName(name.slice(BACKBONE_PREFIX.length))
			: separateProjections(renamed(name, IN_FILES));
	requireLabels(weights, 'class_labels_classifier.bias', labels, unlabelled(host), place);
	const audit = new TensorAudit(weights, files.weights.place, `${title} as config.json describes it`);
	const asked = renamedLookup(audit.lookup, fileNames);
	emitDetr(config, asked, [SMALL], { clustered: false });
	askForUnusedStages(backbone, asked);
	audit.finish();
	return {
		config,
		labels,
		lookup: renamedLookup(requireTensors(weights, files.weights.place), fileNames),
	};
}

/** Logits of a query that are no label's: DETR has one for "no object". */
function unlabelled(host: DetrConfig['host']): number {
	return host === 'detr' ? 1 : 0;
}

function readConfig(
	fields: z.infer<typeof schema>,
	backbone: HuggingFaceResNet,
	{ indexByLabel }: LabelNames,
): DetrConfig {
	const { host, title, queries } = HOSTS[fields.model_type];
	return {
		host,
		clustered: false,
		title,
		dim: fields.d_model ?? fields.hidden_size ?? DEFAULT_WIDTH,
		encoderLayers: fields.encoder_layers,
		decoderLayers: fields.decoder_layers,
		encoderHeads: fields.encoder_attention_heads,
		decoderHeads: fields.decoder_attention_heads,
		encoderHidden: fields.encoder_ffn_dim,
		decoderHidden: fields.decoder_ffn_dim,
		activation: fields.activation_function,
		queries: fields.num_queries ?? queries,
		patterns: 1,
		logits: indexByLabel.length + unlabelled(host),
		sigma: 1,
		preNorm: false,
		normsBetween: fields.auxiliary_loss,
		positions: fields.position_embedding_type,
		backbone: backbone.config,
		stages: backbone.features.at(-1)!,
	};
}

/** Heads share the width evenly; sines and cosines of two axes do as well. */
function requireWidth({ dim, encoderHeads, decoderHeads, positions, host }: DetrConfig, place: string): void {
	const step = positions === 'sine' || host === 'conditional-detr' ? 4 : 2;
	if (dim % encoderHeads === 0 && dim % decoderHeads === 0 && dim % step === 0) return;
	throw new UserFacingError(
		'model-unreadable',
		`${place}: d_model must be a multiple of the heads of encoder and decoder and of ${step} (got ${dim} with ${encoderHeads} and ${decoderHeads} heads).`,
	);
}

/** From the names that emitters use, which are the authors' own, to those in files. */
const IN_FILES: readonly Renaming[] = [
	[/^transformer\./, 'model.'],
	[/^input_proj\./, 'model.input_projection.'],
	[/^query_embed\./, 'model.query_position_embeddings.'],
	[/^backbone\.1\.row_embed\./, 'model.position_embedding.row_embeddings.'],
	[/^backbone\.1\.col_embed\./, 'model.position_embedding.column_embeddings.'],
	[/^class_embed\./, 'class_labels_classifier.'],
	[/^bbox_embed\./, 'bbox_predictor.'],
	[/^model\.decoder\.norm\./, 'model.decoder.layernorm.'],
	[/\.norm1\./, '.self_attn_layer_norm.'],
	[/^(model\.encoder\..*)\.norm2\./, '$1.final_layer_norm.'],
	[/\.norm2\./, '.encoder_attn_layer_norm.'],
	[/\.norm3\./, '.final_layer_norm.'],
	[/\.linear(\d)\./, '.fc$1.'],
	[/\.(multihead|cross)_attn\./, '.encoder_attn.'],
];

/** From what newer releases call their parts to what is published. */
const PUBLISHED: readonly Renaming[] = [
	[/^model\.backbone\.model\./, 'model.backbone.conv_encoder.model.'],
	[/\.mlp\.(fc\d)\./, '.$1.'],
	[/\.o_proj\./, '.out_proj.'],
];
const PUBLISHED_CONDITIONAL: readonly Renaming[] = [
	...PUBLISHED,
	[/\.self_attn\.(q|k)_(content|pos)_proj\./, '.sa_$1$2_proj.'],
	[/^(model\.decoder\..*)\.self_attn\.v_proj\./, '$1.sa_v_proj.'],
	[/\.encoder_attn\.(q|k)_(content|pos|pos_sine)_proj\./, '.ca_$1$2_proj.'],
	[/\.encoder_attn\.v_proj\./, '.ca_v_proj.'],
];
