import type { TokenMap } from '../domain/tokens.ts';

/** A scorer's logits [tokens] as a map of probabilities, 0 to 255. */
export function relevanceMap(logits: Float32Array): TokenMap {
	const values = new Uint8Array(logits.length); // a loop, since Uint8Array.from takes five times as long
	for (let i = 0; i < logits.length; i++) values[i] = Math.round(255 / (1 + Math.exp(-logits[i]!)));
	return { kind: 'relevance', values };
}
