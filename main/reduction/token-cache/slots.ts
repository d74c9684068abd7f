import { assert } from '../../domain/errors.ts';

/**
 * In which rows of a memory tokens stand. Attention does not mind the order of its keys, so tokens may change places: those
 * that are computed next stand last, where their fresh rows can be written one behind the other. `pinned` tokens, which are
 * computed in every frame, stand behind all others for good.
 */
export class Slots {
	/** [tokens]: the token in each slot. */
	readonly tokenAt: Int32Array;
	/** [tokens]: the slot of each token. */
	readonly slotOf: Int32Array;
	readonly #pinned: Int32Array;
	readonly #selected: Uint8Array;
	readonly #from: Int32Array;
	readonly #to: Int32Array;

	constructor(tokens: number, pinned: Int32Array) {
		this.#pinned = pinned;
		this.tokenAt = new Int32Array(tokens);
		this.slotOf = new Int32Array(tokens);
		this.#selected = new Uint8Array(tokens);
		this.#from = new Int32Array(tokens);
		this.#to = new Int32Array(tokens);
		this.settle(initialOrder(tokens, pinned));
	}

	/** Puts every token where `tokenAt` says. */
	settle(tokenAt: Int32Array): void {
		tokenAt.forEach((token, slot) => this.#put(token, slot));
	}

	/** Puts tokens in their own order, pinned ones last. */
	reset(): void {
		this.settle(initialOrder(this.tokenAt.length, this.#pinned));
	}

	/**
	 * Brings `tokens[0..count)`, none of them pinned, to the last slots before the pinned ones, in their order. What was there
	 * goes where they were: the row of slot `from[i]` must be moved to slot `to[i]`. Their own old rows are lost.
	 */
	arrange(tokens: Int32Array, count: number): { from: Int32Array; to: Int32Array } {
		const end = this.tokenAt.length - this.#pinned.length;
		const first = end - count;
		this.#selected.fill(0);
		for (let i = 0; i < count; i++) this.#selected[tokens[i]!] = 1;
		let moves = 0;
		for (let slot = first; slot < end; slot++) {
			if (!this.#selected[this.tokenAt[slot]!]) this.#from[moves++] = slot;
		}
		let places = 0;
		for (let i = 0; i < count; i++) {
			const slot = this.slotOf[tokens[i]!]!;
			if (slot < first) this.#to[places++] = slot;
		}
		assert(moves === places, 'as many tokens leave the last slots as come to them');
		for (let i = 0; i < moves; i++) this.#put(this.tokenAt[this.#from[i]!]!, this.#to[i]!);
		for (let i = 0; i < count; i++) this.#put(tokens[i]!, first + i);
		return { from: this.#from.subarray(0, moves), to: this.#to.subarray(0, moves) };
	}

	#put(token: number, slot: number): void {
		this.tokenAt[slot] = token;
		this.slotOf[token] = slot;
	}
}

function initialOrder(tokens: number, pinned: Int32Array): Int32Array {
	const last = new Set(pinned);
	const all = Array.from({ length: tokens }, (_, token) => token);
	return Int32Array.from([...all.filter((token) => !last.has(token)), ...pinned]);
}
