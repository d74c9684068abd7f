import { assert } from '../../domain/errors.ts';

/**
 * Which row of a memory belongs to which token. Attention does not mind the order of its keys, so tokens may change rows: those
 * that are computed next have the last ones, where fresh keys and values can be written one behind the other. `pinned` tokens,
 * which are computed in every frame, have rows behind all others for good.
 */
export class RowOrder {
	/** [tokens]: the token of each row. */
	readonly tokenAt: Int32Array;
	/** [tokens]: the row of each token. */
	readonly rowOf: Int32Array;
	readonly #pinned: Int32Array;
	readonly #selected: Uint8Array;
	readonly #from: Int32Array;
	readonly #to: Int32Array;

	constructor(tokens: number, pinned: Int32Array) {
		this.#pinned = pinned;
		this.tokenAt = new Int32Array(tokens);
		this.rowOf = new Int32Array(tokens);
		this.#selected = new Uint8Array(tokens);
		this.#from = new Int32Array(tokens);
		this.#to = new Int32Array(tokens);
		this.settle(initialOrder(tokens, pinned));
	}

	/** Gives every row to the token that `tokenAt` says. */
	settle(tokenAt: Int32Array): void {
		tokenAt.forEach((token, row) => this.#put(token, row));
	}

	/** Gives rows to tokens in their own order, pinned ones last. */
	reset(): void {
		this.settle(initialOrder(this.tokenAt.length, this.#pinned));
	}

	/**
	 * Gives `tokens[0..count)`, none of them pinned, the last rows before the pinned ones, in their order. The tokens that had
	 * these get theirs: row `from[i]` must be copied over row `to[i]`.
	 */
	arrange(tokens: Int32Array, count: number): { from: Int32Array; to: Int32Array } {
		const end = this.tokenAt.length - this.#pinned.length;
		const first = end - count;
		this.#selected.fill(0);
		for (let i = 0; i < count; i++) this.#selected[tokens[i]!] = 1;
		let moves = 0;
		for (let row = first; row < end; row++) {
			if (!this.#selected[this.tokenAt[row]!]) this.#from[moves++] = row;
		}
		let free = 0;
		for (let i = 0; i < count; i++) {
			const row = this.rowOf[tokens[i]!]!;
			if (row < first) this.#to[free++] = row;
		}
		assert(moves === free, 'as many tokens give up the last rows as get them');
		for (let i = 0; i < moves; i++) this.#put(this.tokenAt[this.#from[i]!]!, this.#to[i]!);
		for (let i = 0; i < count; i++) this.#put(tokens[i]!, first + i);
		return { from: this.#from.subarray(0, moves), to: this.#to.subarray(0, moves) };
	}

	/** Rows stay; `successor[token]` is the token that the row of each token has from now on. */
	rename(successor: Int32Array): void {
		this.tokenAt.forEach((token, row) => this.#put(successor[token]!, row));
	}

	#put(token: number, row: number): void {
		this.tokenAt[row] = token;
		this.rowOf[token] = row;
	}
}

/** Tokens in their own order, pinned ones last. */
export function initialOrder(tokens: number, pinned: Int32Array): Int32Array {
	const last = new Set(pinned);
	const all = Array.from({ length: tokens }, (_, token) => token);
	return Int32Array.from([...all.filter((token) => !last.has(token)), ...pinned]);
}
