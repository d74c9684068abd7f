import { UserFacingError } from '../domain/errors.ts';
import type { VitPlan } from '../vit/plan.ts';
import { dense } from './dense.ts';
import { enact } from './enact/enact.ts';
import { eventful } from './eventful/eventful.ts';
import type { ReductionMode } from './mode.ts';
import { motion } from './motion.ts';
import { sparse } from './sparse/sparse.ts';
import { tokenCache } from './token-cache/token-cache.ts';

/** All modes, in the order in which a person meets them. */
export const REDUCTION_MODES: readonly ReductionMode[] = [dense, tokenCache, eventful, sparse, enact, motion];

/** The mode called `id`; throws `unknown-mode`. */
export function findMode(id: string): ReductionMode {
	const mode = REDUCTION_MODES.find((candidate) => candidate.id === id);
	if (mode) return mode;
	const known = REDUCTION_MODES.map((candidate) => candidate.id).join(', ');
	throw new UserFacingError('unknown-mode', `There is no mode "${id}": the modes are ${known}.`);
}

/** The ids of the modes that work on a plan, in the same order. */
export function modesOf(plan: VitPlan): string[] {
	return REDUCTION_MODES.filter((mode) => mode.refuses(plan) === null).map(({ id }) => id);
}

/** As `findMode`, for a plan; throws `unknown-mode` with the mode's reason where it does not work on it. */
export function findModeFor(plan: VitPlan, id: string): ReductionMode {
	const mode = findMode(id);
	const refusal = mode.refuses(plan);
	if (refusal === null) return mode;
	throw new UserFacingError('unknown-mode', `Mode ${mode.id} does not work with this model: ${refusal}.`);
}
