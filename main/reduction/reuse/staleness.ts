import { positives } from './positives.ts';

/**
 * How much of what dense would show is lost, 1 − F1, predicted from what is stale: measured with Lookout on two clips (PETS09-S2L1,
 * TUD-Stadtmitte) over the settings of all policies. Audits correct it by a factor while a run goes on.
 */
const LOSS_PER_STALENESS = 0.0038;
/** Losses grow faster than staleness: one token that is out of date hides in a box, several move it. */
const LOSS_EXPONENT = 1.5;
/** What is lost though nothing waits: changes below the noise floor, and keys of tokens that saw other ones before. */
const LEAST_LOSS = 0.013;
/** The noise floor, in grey levels, at which `LEAST_LOSS` was measured. */
const MEASURED_FLOOR = 2;
/** Added to the sum of scores, so that noise in a scene without objects is not everything there is. */
const EMPTY_SCENE = 2;
/** Share of the tokens that stands for the sum of scores where answers have none. */
const WITHOUT_SCORES = 0.008;

/** A token's staleness: its change since it was computed, weighted by how much it matters; and what waiting costs a frame. */
export class Staleness {
	/** [tokens] */
	readonly values: Float64Array;
	readonly #room: Float64Array;
	/** What the sum of staleness is held against. */
	#scale = 1;
	#floor = 0;

	constructor(tokens: number) {
		this.values = new Float64Array(tokens);
		this.#room = new Float64Array(tokens);
	}

	/**
	 * Takes a frame: change per token, 0 to 255, of which what is not above `floor` is noise; relevance per token and the sum of
	 * the tokens' best scores, null where answers have no scores.
	 */
	measure(
		change: Float32Array,
		floor: number,
		scored: { relevance: Float32Array; scores: number } | null,
	): void {
		this.#floor = floor;
		for (let token = 0; token < change.length; token++) {
			const value = change[token]!;
			this.values[token] = value > floor ? value * (scored ? scored.relevance[token]! : 1) : 0;
		}
		this.#scale = scored ? scored.scores + EMPTY_SCENE : WITHOUT_SCORES * change.length;
	}

	/** The predicted loss, 0 to 1, of a frame in which tokens of this much staleness together wait. */
	loss(waiting: number): number {
		const least = LEAST_LOSS * Math.min(1, this.#floor / MEASURED_FLOOR);
		return Math.min(1, least + ((LOSS_PER_STALENESS * waiting) / this.#scale) ** LOSS_EXPONENT);
	}

	/** The least staleness that must be computed for the frame's loss to stay within `loss`; Infinity where all may wait. */
	cutoff(loss: number): number {
		const least = LEAST_LOSS * Math.min(1, this.#floor / MEASURED_FLOOR);
		const allowed = (Math.max(0, loss - least) ** (1 / LOSS_EXPONENT) / LOSS_PER_STALENESS) * this.#scale;
		const stale = positives(this.values, this.#room); // in most scenes a few of all
		let waiting = 0;
		for (const value of stale.sort()) {
			waiting += value;
			if (waiting > allowed) return value;
		}
		return Infinity;
	}
}

/** The noise floor, in grey levels, under which a loss of `loss` can be kept: the usual one, or a lower one for little loss. */
export function floorFor(loss: number, usual: number): number {
	return usual * Math.min(1, loss / LEAST_LOSS);
}
