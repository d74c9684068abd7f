import { z } from 'zod';
import {
	headCount,
	layerCount,
	layerIndex,
	patchSide,
	queryCount,
	side,
	width,
	widthRatio,
} from '../config-numbers.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { displayScores, parseModelConfig } from '../model-config.ts';
import type { SourceConfig } from '../source.ts';

export const LOOKOUT_FORMAT = 'token-local detector, version 1';

/** Pixels around the picture. */
const padding = z.int().nonnegative().max(16_384);

const schema = z.object({
	format: z.literal(LOOKOUT_FORMAT),
	name: z.string().min(1).default('Lookout'),
	classes: z.array(z.string().min(1)).min(1),
	mean: z.array(z.number()).length(3),
	std: z.array(z.number().positive()).length(3),
	dim: width,
	depth: layerCount,
	heads: headCount,
	mlp_ratio: widthRatio.int(),
	patch: patchSide,
	window: side,
	stem: z.object({
		widths: z.array(width).min(2),
		stride: patchSide,
		padding: z.object({ left: padding, top: padding, right: padding, bottom: padding }),
	}),
	rope: z.object({ max: z.number().positive(), min: z.number().positive() }),
	nms: z.object({ iou: z.number().min(0).max(1), max: queryCount, score: z.number().min(0).max(1) }),
	display_scores: displayScores,
	scorer: z.object({
		after_blocks: layerIndex.min(0),
		width: width.default(64),
		own_blocks_up_to: z.number().min(0).max(1).default(0),
	}),
	cluster: z
		.object({ sigma: z.number().min(0.5).max(64) })
		.nullable()
		.default(null),
});

/** model.json of a Lookout, checked. */
export type LookoutConfig = z.infer<typeof schema>;

/** Checks a model.json; throws `model-unreadable`, naming the file and the first field that is wrong. */
export function parseLookoutConfig(source: Pick<SourceConfig, 'place' | 'json'>): LookoutConfig {
	const config = parseModelConfig(schema, source, 'Lookout');
	if (config.dim % (4 * config.heads) !== 0) {
		throw new UserFacingError(
			'model-unreadable',
			`${source.place}: dim must be a multiple of 4 × heads = ${4 * config.heads} (got ${config.dim}).`,
		);
	}
	return config;
}
