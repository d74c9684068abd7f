import { bottleneckStages, type ResNetConfig } from '../../backbones/resnet.ts';
import { BEST_HUNDRED, BEST_LABELS, type QueryRanking } from '../../boxes/ranked-queries.ts';
import { UserFacingError } from '../../domain/errors.ts';
import type { Activation } from '../../graph/activations.ts';
import type { Weights } from '../../weights/safetensors.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { type LabelNames, labelNames } from '../coco-names.ts';

export type DetrHost = 'detr' | 'conditional-detr' | 'anchor-detr';

/** A DETR as its tensors' shapes and the arguments of its training describe it. */
export type DetrConfig = {
	host: DetrHost;
	/** Whether the encoder's attention is ENACT's, over clustered keys and values. */
	clustered: boolean;
	title: string;
	dim: number;
	encoderLayers: number;
	decoderLayers: number;
	encoderHeads: number;
	decoderHeads: number;
	/** Width of the feed-forward networks' hidden layer. */
	encoderHidden: number;
	decoderHidden: number;
	/** Of the feed-forward networks. */
	activation: Activation;
	/** Object queries; with Anchor DETR, anchor positions, each of which carries `patterns` queries. */
	queries: number;
	patterns: number;
	/** Logits per query, the one for "no object" included where the host has one. */
	logits: number;
	/** Smoothing of the entropy that sets the length of clusters. */
	sigma: number;
	/** Norms before attention and feed-forward instead of after them. */
	preNorm: boolean;
	/** The decoder's final norm stands behind every layer, so that the next one starts from what it leaves. */
	normsBetween: boolean;
	/** Positions of the feature map's cells: sines, or the sum of learned ones of rows and columns. */
	positions: 'sine' | 'learned';
	backbone: ResNetConfig;
	/** Stages of the backbone before the feature map. */
	stages: number;
};

/** What hosts call the parts that tell their sizes. */
type HostNames = {
	title: string;
	encoder: string;
	decoder: string;
	/** After `<encoder>0.`: only checkpoints with ENACT have it, and the first linear layer of the feed-forward network. */
	clustering: string;
	hidden: string;
	classes: string;
	queries: string;
	backbone: string;
};

const DETR_NAMES: HostNames = {
	title: 'DETR',
	encoder: 'transformer.encoder.layers.',
	decoder: 'transformer.decoder.layers.',
	clustering: 'self_attn.W_prob.weight',
	hidden: 'linear1.weight',
	classes: 'class_embed.weight',
	queries: 'query_embed.weight',
	backbone: 'backbone.0.body.',
};
const NAMES: Readonly<Record<DetrHost, HostNames>> = {
	detr: DETR_NAMES,
	'conditional-detr': { ...DETR_NAMES, title: 'Conditional DETR' },
	'anchor-detr': {
		title: 'Anchor DETR',
		encoder: 'transformer.encoder_layers.',
		decoder: 'transformer.decoder_layers.',
		clustering: 'ENACT.W_prob.weight',
		hidden: 'ffn.linear1.weight',
		classes: 'transformer.class_embed.0.weight',
		queries: 'transformer.position.weight',
		backbone: 'backbone.body.',
	},
};
const STAGES = [1, 2, 3, 4];
const DEFAULT_HEADS = 8;
/** Of heads and sigma: what no published model comes near. */
const LEAST_ARGUMENT = 0.5;
const LARGEST_ARGUMENT = 64;

/** Which host's names the tensors have; null = none. */
export function recognizeHost(weights: Weights): DetrHost | null {
	if (weights.has('transformer.pattern.weight') && weights.has('transformer.adapt_pos1d.0.weight'))
		return 'anchor-detr';
	if (!weights.has('query_embed.weight')) return null;
	if (weights.has('transformer.decoder.layers.0.ca_qpos_sine_proj.weight')) return 'conditional-detr';
	return weights.has('transformer.decoder.layers.0.multihead_attn.in_proj_weight') ? 'detr' : null;
}

/**
 * Reads the configuration. What shapes do not tell comes from `args` of the training, else from the published
 * defaults: 8 heads, norms behind, sigma 3 (Anchor DETR 5), dilation with Anchor DETR only.
 */
export function readDetrConfig(checkpoint: Pick<Checkpoint, 'path' | 'weights' | 'options'>): DetrConfig {
	const { path, weights } = checkpoint;
	const host = recognizeHost(weights);
	if (!host) throw new UserFacingError('tensor-mismatch', `${path} has no tensors named as a DETR's are.`);
	const names = NAMES[host];
	const args = readArguments(checkpoint.options);
	const anchor = host === 'anchor-detr';
	const clustered = weights.has(`${names.encoder}0.${names.clustering}`);
	const preNorm = args['pre_norm'] === true || weights.has('transformer.encoder.norm.weight');
	refuseVariants(host, args, preNorm, path);

	const [patterns, dim] = anchor
		? matrixSize(checkpoint, 'transformer.pattern.weight')
		: [1, matrixSize(checkpoint, names.queries)[1]];
	const heads = numberArgument(args, 'nheads', DEFAULT_HEADS, path);
	const hidden = matrixSize(checkpoint, `${names.encoder}0.${names.hidden}`)[0];
	const config: DetrConfig = {
		host,
		clustered,
		title: `${names.title}${clustered ? ' with ENACT' : ''}`,
		dim,
		encoderLayers: countIndexed(weights, names.encoder),
		decoderLayers: countIndexed(weights, names.decoder),
		encoderHeads: heads,
		decoderHeads: heads,
		encoderHidden: hidden,
		decoderHidden: hidden,
		activation: 'relu',
		queries: matrixSize(checkpoint, names.queries)[0],
		patterns,
		logits: matrixSize(checkpoint, names.classes)[0],
		sigma: numberArgument(args, 'smoothing_sigma', anchor ? 5 : 3, path),
		preNorm,
		normsBetween: false,
		positions: 'sine',
		backbone: readBackbone(checkpoint, names.backbone, {
			dilateLast: anchor ? args['dilation'] !== false : args['dilation'] === true,
		}),
		stages: STAGES.length,
	};
	// Sines and cosines of two axes; Anchor DETR's group norm.
	const step = anchor ? 32 : 4;
	if (!Number.isInteger(heads) || config.dim % heads !== 0 || config.dim % step !== 0) {
		throw new UserFacingError(
			'model-unreadable',
			`${path}: the width of a ${config.title} must be a multiple of its heads and of ${step} (got ${config.dim} and ${heads} heads).`,
		);
	}
	return config;
}

/** How the published post-processing ranks: DETR has a label for "no object" besides. */
export function rankingOf({ host }: Pick<DetrConfig, 'host'>): QueryRanking {
	return host === 'detr' ? BEST_LABELS : BEST_HUNDRED;
}

export function classesOf({ host, logits }: Pick<DetrConfig, 'host' | 'logits'>): LabelNames {
	return labelNames(host === 'detr' ? logits - 1 : logits);
}

/** What some trainings can ask for and no published checkpoint has. */
function refuseVariants(
	host: DetrHost,
	args: Readonly<Record<string, unknown>>,
	preNorm: boolean,
	path: string,
): void {
	const attention = args['attention_type'] ?? 'RCDA';
	if (host === 'anchor-detr' && attention !== 'RCDA') {
		throw new UserFacingError(
			'model-unreadable',
			`${path}: args.attention_type must be RCDA (got ${JSON.stringify(attention)}).`,
		);
	}
	if (preNorm && host !== 'detr') {
		throw new UserFacingError(
			'model-unreadable',
			`${path}: ${NAMES[host].title} has no variant with norms first (pre_norm).`,
		);
	}
}

function readBackbone(
	checkpoint: Pick<Checkpoint, 'path' | 'weights'>,
	prefix: string,
	options: { dilateLast: boolean },
): ResNetConfig {
	const width = (name: string) => matrixSize(checkpoint, `${prefix}${name}`)[0];
	return {
		prefix,
		stem: width('conv1.weight'),
		block: 'bottleneck',
		stages: bottleneckStages(
			STAGES.map((stage) => width(`layer${stage}.0.conv1.weight`)),
			STAGES.map((stage) => countIndexed(checkpoint.weights, `${prefix}layer${stage}.`)),
			options.dilateLast,
		),
	};
}

/** The arguments of the training, which published checkpoints keep under `args`. */
function readArguments(options: unknown): Readonly<Record<string, unknown>> {
	const args = typeof options === 'object' && options !== null && 'args' in options ? options.args : null;
	return typeof args === 'object' && args !== null ? (args as Record<string, unknown>) : {};
}

function numberArgument(
	args: Readonly<Record<string, unknown>>,
	name: string,
	otherwise: number,
	path: string,
): number {
	const value = args[name] ?? otherwise;
	if (typeof value === 'number' && value >= LEAST_ARGUMENT && value <= LARGEST_ARGUMENT) return value;
	throw new UserFacingError(
		'model-unreadable',
		`${path}: args.${name} must be a number from ${LEAST_ARGUMENT} to ${LARGEST_ARGUMENT} (got ${JSON.stringify(value)}).`,
	);
}

/** The first two sizes of a matrix or a kernel. */
function matrixSize(
	{ path, weights }: Pick<Checkpoint, 'path' | 'weights'>,
	name: string,
): readonly [rows: number, columns: number] {
	const tensor = weights.get(name);
	if (!tensor) throw new UserFacingError('tensor-mismatch', `${path} lacks the tensor ${name}.`);
	const [rows = 0, columns = 0] = tensor.shape;
	if (rows > 0 && columns > 0) return [rows, columns];
	throw new UserFacingError(
		'tensor-mismatch',
		`${path}: the tensor ${name} should have at least two sizes above 0 (got [${tensor.shape.join(', ')}]).`,
	);
}

/** How many different numbers follow `prefix` in tensor names. */
function countIndexed(weights: Weights, prefix: string): number {
	const names = [...weights.keys()].filter((name) => name.startsWith(prefix));
	return new Set(names.map((name) => name.slice(prefix.length).split('.')[0])).size;
}
