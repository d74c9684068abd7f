import type { TokenMap } from './tokens.ts';

/** Level of the faintest cluster; tokens in no cluster have level 0. */
const LEAST_LEVEL = 40;
/**
 * Steps of this size around a circle of circumference 1 put neighbours far apart: the fraction of the golden ratio.
 */
const STEP = (Math.sqrt(5) - 1) / 2;

/**
 * Clusters of `length` tokens each from token `first` on, as many as fit before `end`, in raster order. The levels of
 * neighbouring clusters differ clearly; dropped tokens have level 0.
 */
export function clusterMap(tokens: number, first: number, end: number, length: number): TokenMap {
	const values = new Uint8Array(tokens);
	for (let token = first; token < end; token++) {
		const turn = (Math.floor((token - first) / length) * STEP) % 1;
		values[token] = LEAST_LEVEL + Math.floor((256 - LEAST_LEVEL) * turn);
	}
	return { kind: 'clusters', values };
}
