import type { TokenMap } from './tokens.ts';

/** Level of the faintest cluster; tokens in no cluster have level 0. */
const LEAST_LEVEL = 40;
/** Steps of this size, taken round a circle of 1, put neighbours far apart: the golden ratio's fraction. */
const STEP = (Math.sqrt(5) - 1) / 2;

/**
 * Clusters of `length` tokens each from token `first` on, as many as fit before `end`, in raster order. Neighbouring
 * clusters have levels that differ clearly; tokens that were dropped have 0.
 */
export function clusterMap(tokens: number, first: number, end: number, length: number): TokenMap {
	const values = new Uint8Array(tokens);
	for (let token = first; token < end; token++) {
		const turn = (Math.floor((token - first) / length) * STEP) % 1;
		values[token] = LEAST_LEVEL + Math.floor((256 - LEAST_LEVEL) * turn);
	}
	return { kind: 'clusters', values };
}
