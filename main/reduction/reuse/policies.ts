import { nthLargest } from '../../domain/nth-largest.ts';
import { positives } from './positives.ts';

/** What a policy knows of the tokens when it picks; all columns are [tokens]. */
export type TokenState = {
	/** Change since the token was last computed, 0 to 255. */
	change: Float32Array;
	/** 1 where the token must be refreshed now. */
	due: Uint8Array;
	/** Frames in a row in which the token had changed and was not chosen. */
	waited: Uint16Array;
	/** How much the token matters; null where all matter alike. */
	relevance: Float32Array | null;
};

/** Picks every token that is due or changed by more than `threshold`. Writes to `out`, returns how many. */
export function pickAbove(state: TokenState, threshold: number, out: Int32Array): number {
	const { change, due } = state;
	let count = 0;
	for (let token = 0; token < change.length; token++) {
		if (due[token] || change[token]! > threshold) out[count++] = token;
	}
	return count;
}

/** Picks every token that is due or at least as stale as `cutoff`. Writes to `out`, returns how many. */
export function pickStale(staleness: Float64Array, due: Uint8Array, cutoff: number, out: Int32Array): number {
	let count = 0;
	for (let token = 0; token < staleness.length; token++) {
		if (due[token] || staleness[token]! >= cutoff) out[count++] = token;
	}
	return count;
}

export type Ranking = {
	/** Tokens that changed no more than this, 0 to 255, are never picked for their change. */
	floor: number;
	/** Share by which a token's priority grows with every frame it waited. */
	fairness: number;
};

/**
 * Picks at most `limit` tokens: those due for refresh first, then by priority = change × relevance ×
 * (1 + fairness × frames waited), so that what keeps changing a little gets its turn among what changes a lot.
 * Writes to `out` in ascending order, returns how many.
 */
export function pickBest(state: TokenState, limit: number, ranking: Ranking, out: Int32Array): number {
	const priorities = prioritise(state, ranking);
	const cutoff = priorityAt(priorities, limit);
	let better = 0;
	for (let token = 0; token < priorities.length; token++) if (priorities[token]! > cutoff) better++;
	// Of those that stand at the cutoff itself the earlier ones go in, so that a run is repeatable.
	let atCutoff = cutoff > 0 ? limit - better : 0;
	let count = 0;
	for (let token = 0; token < priorities.length; token++) {
		const priority = priorities[token]!;
		if (priority > cutoff || (priority === cutoff && atCutoff-- > 0)) out[count++] = token;
	}
	return count;
}

/** Priorities of all tokens; 0 = not to be picked. */
function prioritise(state: TokenState, ranking: Ranking): Float64Array {
	const { change, due, waited, relevance } = state;
	const priorities = new Float64Array(change.length);
	for (let token = 0; token < change.length; token++) {
		if (due[token]) {
			priorities[token] = Infinity;
		} else if (change[token]! > ranking.floor) {
			const weight = relevance ? relevance[token]! : 1;
			priorities[token] = change[token]! * weight * (1 + ranking.fairness * waited[token]!);
		}
	}
	return priorities;
}

/** The n-th largest of the positive values; 0 where there are no more than n. */
function priorityAt(values: Float64Array, n: number): number {
	const positive = positives(values, new Float64Array(values.length));
	if (positive.length <= n) return 0;
	return n > 0 ? nthLargest(positive, n) : Infinity;
}
