import { UserFacingError } from '../domain/errors.ts';
import { dense } from './dense.ts';
import { enact } from './enact/enact.ts';
import { eventful } from './eventful/eventful.ts';
import type { Host, Offer } from './host.ts';
import type { ReductionMode } from './mode.ts';
import { motion } from './motion.ts';
import { sparse } from './sparse/sparse.ts';
import { tiles } from './tiles/tiles.ts';
import { tokenCache } from './token-cache/token-cache.ts';

/** What a network without an offer is or has. */
const MISSING: Readonly<Record<Offer, string>> = {
	whole: 'does not run',
	vit: 'is no vision transformer',
	ranked: 'has no scorer, which ranks the tokens to keep',
	clustered: 'has no weights to cluster keys and values by',
};

/** All modes, in the order in which a person meets them. */
export const REDUCTION_MODES: readonly ReductionMode[] = [
	dense,
	tokenCache,
	tiles,
	eventful,
	sparse,
	enact,
	motion,
];

/** The mode called `id`; throws `unknown-mode`. */
export function findMode(id: string): ReductionMode {
	const mode = REDUCTION_MODES.find((candidate) => candidate.id === id);
	if (mode) return mode;
	const known = REDUCTION_MODES.map((candidate) => candidate.id).join(', ');
	throw new UserFacingError('unknown-mode', `There is no mode "${id}": the modes are ${known}.`);
}

/** Why a mode can't run a network; null where it can. */
function refusalOf(mode: ReductionMode, host: Host): string | null {
	if (!host[mode.needs]) return `${host.name} ${MISSING[mode.needs]}`;
	return mode.refuses?.(host) ?? null;
}

/** By the id of each mode that a network can't be run in, the reason. */
export function refusalsOf(host: Host): Record<string, string> {
	const refusals = REDUCTION_MODES.map((mode) => [mode.id, refusalOf(mode, host)] as const);
	return Object.fromEntries(refusals.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** As `findMode`, for a network; throws `unknown-mode` with the mode's reason where it does not work on it. */
export function findModeFor(host: Host, id: string): ReductionMode {
	const mode = findMode(id);
	const refusal = refusalOf(mode, host);
	if (refusal === null) return mode;
	const others = REDUCTION_MODES.filter((one) => refusalOf(one, host) === null).map((one) => one.id);
	throw new UserFacingError('unknown-mode', `Mode ${mode.id} does not work with this model: ${refusal}.`, {
		remedy: `Choose a mode that does: ${others.join(', ')}.`,
	});
}
