import type { TokenMap } from '../domain/tokens.ts';

/** A scorer's logits [tokens] as a map of probabilities, 0 to 255. */
export function relevanceMap(logits: Float32Array): TokenMap {
	const values = Uint8Array.from(logits, (logit) => Math.round(255 / (1 + Math.exp(-logit))));
	return { kind: 'relevance', values };
}
