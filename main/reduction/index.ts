import { UserFacingError } from '../domain/errors.ts';
import { dense } from './dense.ts';
import { enact } from './enact/enact.ts';
import { eventful } from './eventful/eventful.ts';
import type { Host } from './host.ts';
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

/** By the id of each mode that a network can't be run in, the reason. */
export function refusalsOf(host: Host): Record<string, string> {
	const refusals = REDUCTION_MODES.map(({ id, refuses }) => [id, refuses(host)] as const);
	return Object.fromEntries(refusals.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** As `findMode`, for a network; throws `unknown-mode` with the mode's reason where it does not work on it. */
export function findModeFor(host: Host, id: string): ReductionMode {
	const mode = findMode(id);
	const refusal = mode.refuses(host);
	if (refusal === null) return mode;
	throw new UserFacingError('unknown-mode', `Mode ${mode.id} does not work with this model: ${refusal}.`);
}
