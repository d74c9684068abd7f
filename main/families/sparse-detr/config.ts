import { z } from 'zod';
import { headCount, queryCount } from '../config-numbers.ts';
import { bottleneckStages, type ResNetConfig } from '../../backbones/resnet.ts';
import { UserFacingError } from '../../domain/errors.ts';
import type { Activation } from '../../graph/activations.ts';
import type { Weights } from '../../weights/safetensors.ts';

/** What stands before the tensors of a residual or a Swin backbone. */
export const BACKBONE_PREFIX = 'backbone.0.body.';

/** Everything about a Deformable or Sparse DETR that its graph depends on. */
export type SparseDetrConfig = {
	backbone: SparseDetrBackbone;
	/** Which of the backbone's maps are levels, by the stages before them; other levels come from the last of them. */
	features: readonly number[];
	/** Width of tokens. */
	dim: number;
	levels: number;
	/** Positions of tokens: sines, or the sum of learned ones of rows and columns. */
	positions: 'sine' | 'learned';
	encoderLayers: number;
	decoderLayers: number;
	encoderHeads: number;
	decoderHeads: number;
	/** Inner width of the feed-forward layers. */
	encoderHidden: number;
	decoderHidden: number;
	/** Of the feed-forward layers. */
	activation: Activation;
	/** Sampling points per head and level. */
	encoderPoints: number;
	decoderPoints: number;
	queries: number;
	/** Logits per query. */
	classes: number;
	/** Null: queries and their references are learned. */
	twoStage: TwoStage | null;
	/** A decoder layer starts from the boxes of the layer before; otherwise all start from the first references. */
	refines: boolean;
	/** Refinement and proposals have heads of their own (under `transformer.decoder.`), not those that predict. */
	ownHeads: boolean;
	/** Whether a scoring network ranks the tokens that the encoder updates. */
	scorer: boolean;
	/** Copies of the heads for auxiliary losses, which inference leaves alone. */
	auxiliaryHeads: boolean;
};

export type SparseDetrBackbone =
	| ({ kind: 'resnet' } & ResNetConfig)
	| { kind: 'swin'; dim: number; depths: readonly number[]; heads: readonly number[]; window: number };

/** Queries are the best of the encoder's tokens (Zhu et al., ICLR 2021, section 4.2; Roh et al., ICLR 2022). */
export type TwoStage = {
	/** Features per number in the sine embedding of a proposal; 128 as published. */
	positionFeatures: number;
	/** The content of a query is its token; otherwise it comes from its position. */
	contentFromTokens: boolean;
	/** A token's score is its best class's; otherwise that of class 0. */
	scoreOverClasses: boolean;
};

/** What published checkpoints say of themselves, as far as it cannot be seen in their tensors. */
const argsSchema = z.looseObject({
	nheads: headCount.default(8),
	num_queries: queryCount.default(300),
	eff_specific_head: z.boolean().optional(),
	dilation: z.boolean().default(false),
});

const MODEL = 'Deformable or Sparse DETR';

/** Such as "Sparse DETR, ResNet-50". */
export function configTitle({ backbone, scorer }: SparseDetrConfig): string {
	const layout =
		backbone.kind === 'resnet'
			? backbone.stages.map(({ blocks }) => blocks).join()
			: `${backbone.dim}:${backbone.depths.join()}`;
	const fallback = backbone.kind === 'resnet' ? 'ResNet' : 'Swin';
	return `${scorer ? 'Sparse' : 'Deformable'} DETR, ${BACKBONE_TITLES[layout] ?? fallback}`;
}

const BACKBONE_TITLES: Readonly<Record<string, string>> = {
	'3,4,6,3': 'ResNet-50',
	'3,4,23,3': 'ResNet-101',
	'96:2,2,6,2': 'Swin-T',
};

/** Whether tensors are named as those of a Deformable or Sparse DETR are. */
export function isSparseDetr(weights: Weights): boolean {
	return (
		weights.has('transformer.level_embed') &&
		weights.has(`${LAYER('encoder', 0)}self_attn.sampling_offsets.weight`)
	);
}

/**
 * The configuration that the tensors of a checkpoint, and the arguments of its training (null where it has none), stand
 * for. Throws `model-unreadable` or `tensor-mismatch`, naming `place`, where they stand for none.
 */
export function readConfig(weights: Weights, args: unknown, place: string): SparseDetrConfig {
	const parsed = argsSchema.safeParse(args ?? {});
	if (!parsed.success) {
		const issue = parsed.error.issues[0];
		throw new UserFacingError(
			'model-unreadable',
			`${place}: args.${issue?.path.join('.')} is not as ${MODEL} needs it (${issue?.message}).`,
		);
	}
	const { nheads: heads, num_queries, eff_specific_head, dilation } = parsed.data;
	const sizes = new Sizes(weights, place);
	const [levels, dim] = sizes.of('transformer.level_embed', 2) as [number, number];
	const points = (part: 'encoder' | 'decoder', name: string) =>
		sizes.of(`${LAYER(part, 0)}${name}.attention_weights.bias`, 1)[0]! / (heads * levels);
	const proposes = weights.has('transformer.enc_output.weight');
	const [width, features] = proposes
		? (sizes.of('transformer.pos_trans.weight', 2) as [number, number])
		: [0, 0];
	const contentFromTokens = width === dim;
	const hidden = sizes.of(`${LAYER('encoder', 0)}linear1.bias`, 1)[0]!;
	const config: SparseDetrConfig = {
		backbone: readBackbone(weights, sizes, dilation, place),
		features: levels > 1 ? [2, 3, 4] : [4],
		dim,
		levels,
		positions: 'sine',
		encoderLayers: sizes.count((i) => `${LAYER('encoder', i)}norm1.weight`),
		decoderLayers: sizes.count((i) => `${LAYER('decoder', i)}norm1.weight`),
		encoderHeads: heads,
		decoderHeads: heads,
		encoderHidden: hidden,
		decoderHidden: hidden,
		activation: 'relu',
		encoderPoints: points('encoder', 'self_attn'),
		decoderPoints: points('decoder', 'cross_attn'),
		queries: proposes ? num_queries : sizes.of('query_embed.weight', 2)[0]!,
		classes: sizes.of('class_embed.0.bias', 1)[0]!,
		twoStage: proposes
			? {
					positionFeatures: features / 4,
					contentFromTokens,
					// Both options come together in all published configurations.
					scoreOverClasses: eff_specific_head ?? contentFromTokens,
				}
			: null,
		// As published: the heads are handed to the decoder of two-stage models alone.
		refines: proposes,
		ownHeads: false,
		scorer: weights.has('transformer.enc_mask_predictor.layer1.0.weight'),
		auxiliaryHeads: weights.has('transformer.encoder.class_embed.0.weight'),
	};
	const numbers = [config.encoderPoints, config.decoderPoints, dim / heads, dim / GROUPS, features / 8];
	if (numbers.every(Number.isInteger)) return config;
	throw new UserFacingError(
		'tensor-mismatch',
		`${place} does not fit a ${MODEL} of ${heads} heads: its tokens have ${dim} numbers and its first encoder layer ` +
			`has ${config.encoderPoints} points per head and level.`,
	);
}

/** Of the group norms behind the input projections. */
export const GROUPS = 32;
const LAYER = (part: 'encoder' | 'decoder', i: number) => `transformer.${part}.layers.${i}.`;

function readBackbone(
	weights: Weights,
	sizes: Sizes,
	dilateLast: boolean,
	place: string,
): SparseDetrBackbone {
	const at = (name: string) => `${BACKBONE_PREFIX}${name}`;
	if (weights.has(at('patch_embed.proj.weight'))) return readSwin(sizes, at);
	if (!weights.has(at('layer1.0.conv3.weight'))) {
		throw new UserFacingError(
			'tensor-mismatch',
			`${place} has neither a ResNet of bottleneck blocks nor a Swin transformer under ${BACKBONE_PREFIX}.`,
		);
	}
	const stages = [1, 2, 3, 4];
	return {
		kind: 'resnet',
		prefix: BACKBONE_PREFIX,
		stem: sizes.of(at('conv1.weight'), 4)[0]!,
		block: 'bottleneck',
		stages: bottleneckStages(
			stages.map((stage) => sizes.of(at(`layer${stage}.0.conv1.weight`), 4)[0]!),
			stages.map((stage) => sizes.count((i) => at(`layer${stage}.${i}.conv1.weight`))),
			dilateLast,
		),
	};
}

function readSwin(sizes: Sizes, at: (name: string) => string): SparseDetrBackbone {
	const stages = [0, 1, 2, 3];
	const tables = stages.map((stage) =>
		sizes.of(at(`layers.${stage}.blocks.0.attn.relative_position_bias_table`), 2),
	);
	return {
		kind: 'swin',
		dim: sizes.of(at('patch_embed.proj.bias'), 1)[0]!,
		depths: stages.map((stage) => sizes.count((i) => at(`layers.${stage}.blocks.${i}.norm1.weight`))),
		heads: tables.map((table) => table[1]!),
		// A table has (2 · window − 1)² rows.
		window: (Math.sqrt(tables[0]![0]!) + 1) / 2,
	};
}

/** What the shapes of a file's tensors say. */
class Sizes {
	readonly #weights: Weights;
	readonly #place: string;

	constructor(weights: Weights, place: string) {
		this.#weights = weights;
		this.#place = place;
	}

	/** Throws `tensor-mismatch` where there is no such tensor with `axes` axes. */
	of(name: string, axes: number): readonly number[] {
		const shape = this.#weights.get(name)?.shape;
		if (shape?.length === axes) return shape;
		const what = shape ? `has ${name} with ${shape.length} axes, not ${axes}` : `lacks ${name}`;
		throw new UserFacingError('tensor-mismatch', `${this.#place} is not a ${MODEL}: it ${what}.`);
	}

	/** How many of 0, 1, … there are in a row. */
	count(name: (i: number) => string): number {
		let i = 0;
		while (this.#weights.has(name(i))) i++;
		return i;
	}
}
