import { nthLargest } from '../../domain/nth-largest.ts';

/** How a gate picks tokens by the norms of their errors (Eventful Transformers, section 4.1 and appendix). */
export type GatePolicy =
	| { kind: 'top-k'; k: number }
	/** Strictly more than this. */
	| { kind: 'threshold'; threshold: number }
	/** A fraction of the tokens, rounded down. */
	| { kind: 'fraction'; fraction: number };

/** Picks tokens by their error norms: into `out`, ascending; returns how many. A k beyond the tokens takes them all. */
export function pickTokens(policy: GatePolicy, norms: Float32Array, out: Int32Array): number {
	switch (policy.kind) {
		case 'top-k':
			return pickLargest(norms, policy.k, out);
		case 'fraction':
			return pickLargest(norms, Math.floor(policy.fraction * norms.length), out);
		case 'threshold': {
			let count = 0;
			for (let token = 0; token < norms.length; token++) {
				if (norms[token]! > policy.threshold) out[count++] = token;
			}
			return count;
		}
	}
}

/** Picks the k largest; among equal norms at the cutoff the first ones, so that runs are repeatable. */
function pickLargest(norms: Float32Array, k: number, out: Int32Array): number {
	const limit = Math.min(k, norms.length);
	if (limit === 0) return 0;
	const cutoff = nthLargest(norms.slice(), limit);
	let atCutoff = limit;
	for (const norm of norms) if (norm > cutoff) atCutoff--;
	let count = 0;
	for (let token = 0; token < norms.length; token++) {
		const norm = norms[token]!;
		if (norm > cutoff || (norm === cutoff && atCutoff-- > 0)) out[count++] = token;
	}
	return count;
}
