import { ROUNDING } from './packing.ts';

/**
 * What a budget affords in a frame where an input may cost more than a frame's share: what is not spent is saved up, at most
 * for one input or for one frame. Over any number of frames no more is spent than was allowed, and one input.
 */
export class Allowance {
	/** In inputs. */
	#saved = 0;

	/** Takes a frame's share, in inputs; gives what may be spent now. */
	grant(inputs: number): number {
		this.#saved = Math.min(this.#saved + inputs, Math.max(inputs, 1));
		return this.#saved + ROUNDING; // shares such as 1/3 add up to 1
	}

	spend(inputs: number): void {
		this.#saved = Math.max(0, this.#saved - inputs);
	}

	get state(): number {
		return this.#saved;
	}

	set state(saved: number) {
		this.#saved = saved;
	}
}
