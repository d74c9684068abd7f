import { scatter } from '../scatter.ts';

/**
 * Spread refresh: every token is computed at least once in `period` frames, and never all at once. A token's
 * turn comes between half a period and a period after its last computation; where in between is its own,
 * different each time, so that tokens that were computed together come due apart.
 */
export function markDue(lastComputed: Int32Array, frame: number, period: number, due: Uint8Array): void {
	if (period <= 0) {
		due.fill(0);
		return;
	}
	for (let token = 0; token < lastComputed.length; token++) {
		due[token] = hasItsTurn(token, lastComputed[token]!, frame, period) ? 1 : 0;
	}
}

/** Whether a token that was last computed in frame `last` has its turn; see `markDue`. `period`: in frames, at least 1. */
export function hasItsTurn(token: number, last: number, frame: number, period: number): boolean {
	const spread = Math.ceil(period / 2);
	const age = frame - last;
	return age >= period - spread && age >= period - (scatter(token, last) % spread);
}
