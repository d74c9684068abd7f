import { expect, it } from 'vitest';
import { RowOrder } from './row-order.ts';

const TOKENS = 12;
const PINNED = Int32Array.of(0, 11);
const SELECTIONS = [[3, 7], [7, 3, 4], [1], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [5, 10, 2], []];

it('gives computed tokens the last rows, in their order, and keeps those of all others', () => {
	const order = new RowOrder(TOKENS, PINNED);
	/** The token whose keys and values stand in each row. */
	const memory = Array.from(order.tokenAt);
	for (const selected of SELECTIONS) {
		const { from, to } = order.arrange(Int32Array.of(...selected, ...PINNED), selected.length);
		from.forEach((row, i) => (memory[to[i]!] = memory[row]!));
		expect([...order.tokenAt].slice(-selected.length - PINNED.length)).toEqual([...selected, ...PINNED]);
		for (const token of [...selected, ...PINNED]) memory[order.rowOf[token]!] = token;
		expect(memory).toEqual([...order.tokenAt]);
		expect([...order.tokenAt].sort((a, b) => a - b)).toEqual(Array.from({ length: TOKENS }, (_, i) => i));
		order.rowOf.forEach((row, token) => expect(order.tokenAt[row]).toBe(token));
	}
});

it('copies no row where tokens are computed again', () => {
	const order = new RowOrder(TOKENS, PINNED);
	order.arrange(Int32Array.of(4, 8), 2);
	expect(order.arrange(Int32Array.of(8, 4), 2).from).toHaveLength(0);
	order.reset();
	expect([...order.tokenAt]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 11]);
});
