import type { GraphTensor } from '../../runtime/runtime.ts';
import type { WindowLayout } from '../../vit/windows.ts';
import { paddedSlots } from './memory-layout.ts';

/**
 * Which rows a partial graph gathers for attention within windows, made anew for every frame: only windows in which a token is
 * computed take part, each with as many queries as the fullest of them has. A token's row is its place in the list of computed
 * tokens.
 */
export class WindowIndices {
	readonly #layout: WindowLayout;
	readonly #heads: number;
	readonly #memoryRows: number;
	/** [count · size]: the memory row of slots that are padding. */
	readonly #paddingAt: Int32Array;
	readonly #padding: number;
	/** [windows]: computed tokens in each window, and which of the windows that take part it is. */
	readonly #filled: Int32Array;
	readonly #part: Int32Array;

	constructor(layout: WindowLayout, heads: number) {
		const padded = paddedSlots(layout);
		this.#layout = layout;
		this.#heads = heads;
		this.#padding = padded.length;
		this.#memoryRows = padded.length + layout.slotOf.length;
		this.#paddingAt = layout.tokenAt.map((_, slot) => padded.indexOf(slot % layout.size));
		this.#filled = new Int32Array(layout.count);
		this.#part = new Int32Array(layout.count);
	}

	/**
	 * For `tokens`, the computed ones in the order of their rows, and the memory rows of all tokens:
	 * `queries` [heads · windows, k] of rows [tokens · heads], filled up with the first one;
	 * `memory` [heads · windows · slots] of memory rows [heads · rows], less `less`, which the graph adds;
	 * `back` [tokens, heads] of attended rows [heads · windows · k].
	 */
	of(
		tokens: Int32Array,
		rowOf: Int32Array,
		less: number,
	): Record<'queries' | 'memory' | 'back', GraphTensor> {
		const { size, slotOf } = this.#layout;
		const heads = this.#heads;
		const rows = tokens.length;
		const { windows, most } = this.#count(tokens);
		const queries = new Int32Array(heads * windows * most);
		const back = new Int32Array(rows * heads);
		this.#filled.fill(0);
		for (let row = 0; row < rows; row++) {
			const window = Math.floor(slotOf[tokens[row]!]! / size);
			const query = this.#filled[window]!++;
			for (let head = 0; head < heads; head++) {
				const part = head * windows + this.#part[window]!;
				queries[part * most + query] = row * heads + head;
				back[row * heads + head] = part * most + query;
			}
		}
		return {
			queries: { type: 'int32', data: queries, shape: [heads * windows, most] },
			memory: this.#memory(windows, rowOf, less),
			back: { type: 'int32', data: back, shape: [rows, heads] },
		};
	}

	/** How many windows take part, and the most tokens that are computed in one of them. */
	#count(tokens: Int32Array): { windows: number; most: number } {
		const { size, slotOf } = this.#layout;
		this.#filled.fill(0);
		for (const token of tokens) this.#filled[Math.floor(slotOf[token]! / size)]!++;
		let windows = 0;
		this.#filled.forEach((filled, window) => (this.#part[window] = filled > 0 ? windows++ : -1));
		return { windows, most: Math.max(...this.#filled) };
	}

	#memory(windows: number, rowOf: Int32Array, less: number): GraphTensor {
		const { size, tokenAt } = this.#layout;
		const numbers = windows * size;
		const data = new Int32Array(this.#heads * numbers);
		let at = 0;
		this.#part.forEach((part, window) => {
			if (part < 0) return;
			for (let slot = window * size; slot < (window + 1) * size; slot++) {
				const token = tokenAt[slot]!;
				data[at++] = (token < 0 ? this.#paddingAt[slot]! : this.#padding + rowOf[token]!) - less;
			}
		});
		for (; at < data.length; at++) data[at] = data[at - numbers]! + this.#memoryRows;
		return { type: 'int32', data, shape: [data.length] };
	}
}
