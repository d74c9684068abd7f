import { z } from 'zod';
import { UserFacingError } from '../../domain/errors.ts';
import { displayScores, parseModelConfig } from '../model-config.ts';
import type { SourceConfig } from '../source.ts';

export const LOOKOUT_FORMAT = 'token-local detector, version 1';

const side = z.number().int().min(0);
const width = z.number().int().positive();

const schema = z.object({
	format: z.literal(LOOKOUT_FORMAT),
	name: z.string().min(1).default('Lookout'),
	classes: z.array(z.string().min(1)).min(1),
	mean: z.array(z.number()).length(3),
	std: z.array(z.number().positive()).length(3),
	dim: width,
	depth: width,
	heads: width,
	mlp_ratio: width,
	patch: width,
	window: width,
	stem: z.object({
		widths: z.array(width).min(2),
		stride: width,
		padding: z.object({ left: side, top: side, right: side, bottom: side }),
	}),
	rope: z.object({ max: z.number().positive(), min: z.number().positive() }),
	nms: z.object({ iou: z.number().min(0).max(1), max: width, score: z.number().min(0).max(1) }),
	display_scores: displayScores,
	scorer: z.object({
		after_blocks: z.number().int().min(0),
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
