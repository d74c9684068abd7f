import { describe, expect, it } from 'vitest';
import { assign } from './assignment.ts';

/** Least cost over all ways to pair, each row left alone at the price of `limit`. */
function leastCost(costs: number[][], limit: number, row = 0, taken = new Set<number>()): number {
	if (row === costs.length) return 0;
	let least = limit + leastCost(costs, limit, row + 1, taken);
	costs[row]!.forEach((cost, col) => {
		if (taken.has(col) || cost >= limit) return;
		least = Math.min(least, cost + leastCost(costs, limit, row + 1, new Set([...taken, col])));
	});
	return least;
}

const paid = (costs: number[][], columns: Int32Array, limit: number) =>
	costs.reduce((sum, row, i) => sum + (columns[i]! < 0 ? limit : row[columns[i]!]!), 0);

describe('assign', () => {
	it.each<[string, number[][], number, number[]]>([
		['nothing to pair', [], 1, []],
		['rows without columns stay alone', [[], []], 1, [-1, -1]],
		// prettier-ignore
		['the nearest is given up where that helps both', [[0.1, 0.2], [0.15, 0.9]], 1, [1, 0]],
		['what costs the limit is refused', [[0.8]], 0.8, [-1]],
		['more rows than columns', [[0.5], [0.2], [0.4]], 1, [-1, 0, -1]],
		['impossible pairs', [[Infinity, 0.3]], 1, [1]],
		['pairs of boxes that are no boxes', [[Number.NaN, 0.3]], 1, [1]],
		// prettier-ignore
		['one good pair rather than two bad ones', [[0.1, 0.7], [0.7, Infinity]], 0.6, [0, -1]],
	])('%s', (_, costs, limit, expected) => {
		const cols = costs[0]?.length ?? 0;
		expect([...assign(Float64Array.from(costs.flat()), costs.length, cols, limit)]).toEqual(expected);
	});

	it('is as cheap as trying everything', () => {
		let seed = 7;
		const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
		for (let round = 0; round < 200; round++) {
			const rows = 1 + Math.floor(random() * 5);
			const cols = 1 + Math.floor(random() * 5);
			const costs = Array.from({ length: rows }, () =>
				Array.from({ length: cols }, () => (random() < 0.3 ? Infinity : random())),
			);
			const columns = assign(Float64Array.from(costs.flat()), rows, cols, 0.7);
			const pairs = [...columns].filter((col) => col >= 0);
			expect(new Set(pairs).size).toBe(pairs.length);
			expect(paid(costs, columns, 0.7)).toBeCloseTo(leastCost(costs, 0.7), 9);
		}
	});
});
