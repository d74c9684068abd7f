import { UserFacingError } from '../domain/errors.ts';
import { dense } from './dense.ts';
import { enact } from './enact.ts';
import { eventful } from './eventful.ts';
import type { ReductionMode } from './mode.ts';
import { motion } from './motion.ts';
import { sparse } from './sparse.ts';
import { tokenCache } from './token-cache.ts';

/** All modes, in the order in which a person meets them. */
export const REDUCTION_MODES: readonly ReductionMode[] = [dense, tokenCache, eventful, sparse, enact, motion];

/** The mode called `id`; throws `unknown-mode`. */
export function findMode(id: string): ReductionMode {
	const mode = REDUCTION_MODES.find((candidate) => candidate.id === id);
	if (mode) return mode;
	const known = REDUCTION_MODES.map((candidate) => candidate.id).join(', ');
	throw new UserFacingError('unknown-mode', `There is no mode "${id}": the modes are ${known}.`);
}
