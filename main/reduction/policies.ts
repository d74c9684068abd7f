/** What a policy knows of the tokens when it picks; all columns are [tokens]. */
export type TokenState = {
	/** Change since the token was last computed, 0 to 255. */
	change: Float32Array;
	/** 1 where the token must be refreshed now. */
	due: Uint8Array;
	/** Frames in a row in which the token had changed and was not chosen. */
	waited: Uint16Array;
	/** How much the token matters, 0 to 1, as last computed; null where nobody knows. */
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
	const { change, due, waited, relevance } = state;
	const candidates: number[] = [];
	const priority = new Float64Array(change.length);
	for (let token = 0; token < change.length; token++) {
		if (due[token]) {
			priority[token] = Infinity;
		} else if (change[token]! > ranking.floor) {
			priority[token] =
				change[token]! * (relevance ? relevance[token]! : 1) * (1 + ranking.fairness * waited[token]!);
		} else {
			continue;
		}
		candidates.push(token);
	}
	if (candidates.length > limit) {
		// Ties go to the earlier token, so that a run is repeatable.
		candidates.sort((a, b) => (priority[b] === priority[a] ? a - b : priority[b]! - priority[a]!));
		candidates.length = Math.max(0, limit);
		candidates.sort((a, b) => a - b);
	}
	for (let i = 0; i < candidates.length; i++) out[i] = candidates[i]!;
	return candidates.length;
}
