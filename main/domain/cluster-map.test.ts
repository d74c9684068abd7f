import { describe, expect, it } from 'vitest';
import { clusterMap } from './cluster-map.ts';

describe('a map of clusters', () => {
	it.each([
		['leaves out what was dropped at both ends', 11, 1, 9, 4, [0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0]],
		['has one cluster where all tokens are in it', 3, 0, 3, 3, [1, 1, 1]],
		['has a cluster per token at length 1', 4, 0, 4, 1, [1, 2, 3, 4]],
	])('%s', (_, tokens, first, end, length, clusters) => {
		const { values } = clusterMap(tokens, first, end, length);
		const levels = new Map<number, number>();
		const numbered = [...values].map((value) => {
			if (value === 0) return 0;
			if (!levels.has(value)) levels.set(value, levels.size + 1);
			return levels.get(value);
		});
		expect(numbered).toEqual(clusters);
	});

	it('tells neighbours apart, however many there are', () => {
		const { values } = clusterMap(3000, 0, 3000, 3);
		for (let token = 3; token < 3000; token += 3)
			expect(Math.abs(values[token]! - values[token - 1]!)).toBeGreaterThan(60);
	});
});
