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
	const spread = Math.ceil(period / 2);
	for (let token = 0; token < lastComputed.length; token++) {
		const last = lastComputed[token]!;
		const age = frame - last;
		due[token] = age >= period - spread && age >= period - (scatter(token, last) % spread) ? 1 : 0;
	}
}
