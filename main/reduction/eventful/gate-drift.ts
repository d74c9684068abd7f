import type { TokenGate } from './token-gate.ts';

/** What a gate selected last, and the errors it selected by. */
type Selected = Pick<TokenGate, 'norms' | 'indices' | 'count' | 'isOpen'>;

/**
 * Loss, 1 − F1, predicted from what gates hold back: (rate · held back) ^ exponent. Measured with Lookout on TUD-Stadtmitte over
 * shares; audits correct it by a factor while a run goes on.
 */
const RATE = 1.43;
const EXPONENT = 1.6;
/** Most that the share changes from frame to frame, as a factor. */
const QUICKEST = 1.25;
const FIRST_SHARE = 0.3;
const LEAST_SHARE = 0.01;

/** What gates hold back: the mean error norm of the tokens that were not selected, over all gates, per root of a dimension. */
export function heldBack(gates: readonly TokenGate[], dim: number): number {
	let sum = 0;
	let tokens = 0;
	for (const { norms, indices, count, isOpen } of gates) {
		tokens += norms.length;
		if (isOpen) continue;
		for (const norm of norms) sum += norm;
		for (let i = 0; i < count; i++) sum -= norms[indices[i]!]!;
	}
	return sum / (tokens * Math.sqrt(dim));
}

/** How many tokens a gate holds back though they changed; it may let others pass that did not, where its share is larger. */
export function countHeldBack({ norms, indices, count, isOpen }: Selected): number {
	if (isOpen) return 0;
	let held = 0;
	for (const norm of norms) if (norm > 0) held++;
	for (let i = 0; i < count; i++) if (norms[indices[i]!]! > 0) held--;
	return held;
}

/** The predicted loss, 0 to 1, of a frame. */
export function lossOf(held: number): number {
	return Math.min(1, (RATE * held) ** EXPONENT);
}

/**
 * The share of the tokens that gates let pass, steered so that they hold back as much as a loss allows. One threshold for all gates
 * would not do: errors before projections are small, and a threshold that suits the other gates holds all of them back (measured:
 * an agreement of 0.95 at nine tenths of dense's cost, where a share reaches 0.97 at six tenths).
 */
export class SteeredShare {
	value = FIRST_SHARE;

	/** The share for the next frame, where the last one held this much back. */
	next(loss: number, held: number): number {
		const goal = loss ** (1 / EXPONENT) / RATE;
		const factor = held > 0 ? goal / held : QUICKEST;
		const wanted = this.value / Math.max(1 / QUICKEST, Math.min(QUICKEST, factor));
		this.value = Math.max(LEAST_SHARE, Math.min(1, wanted));
		return this.value;
	}
}
