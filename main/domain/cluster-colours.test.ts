import { describe, expect, it } from 'vitest';
import { CLUSTER_COLOUR_COUNT, clusterColour, clusterLevels } from './cluster-colours.ts';
import { clusterMap } from './cluster-map.ts';

/** Pairs of tokens that touch, belong to different clusters and have one colour. */
function clashes(values: Uint8Array, levels: Uint8Array, rows: number, cols: number): number {
	let count = 0;
	const differ = (a: number, b: number) => {
		if (values[a] !== values[b] && values[a]! > 0 && values[b]! > 0 && levels[a] === levels[b]) count++;
	};
	for (let token = 0; token < rows * cols; token++) {
		if (token % cols > 0) differ(token, token - 1);
		if (token >= cols) differ(token, token - cols);
	}
	return count;
}

describe('clusters that touch have different colours', () => {
	it.each([
		['long ones, over whole rows', 90, 20, 30],
		['short ones, several to a row', 7, 20, 30],
		['as many as there are numbers', 3, 20, 30],
	])('%s', (_, length, rows, cols) => {
		const { values } = clusterMap(rows * cols, 10, rows * cols, length);
		const levels = clusterLevels(values, { rows, cols });
		expect(clashes(values, levels, rows, cols)).toBe(0);
		expect([...levels.subarray(0, 10)]).toEqual(Array(10).fill(0)); // dropped tokens
		expect(new Set(levels).size).toBeGreaterThan(2);
	});

	it('squares like those of a chess board, each with eight around it', () => {
		const values = Uint8Array.from({ length: 24 * 24 }, (_, token) => {
			const [row, col] = [Math.floor(token / 24), token % 24];
			return 1 + (Math.floor(row / 3) * 8 + Math.floor(col / 3));
		});
		expect(clashes(values, clusterLevels(values, { rows: 24, cols: 24 }), 24, 24)).toBe(0);
	});
});

it('a cluster has one colour wherever its tokens lie', () => {
	const values = Uint8Array.of(5, 9, 5, 9, 5, 0);
	const levels = clusterLevels(values, { rows: 1, cols: 6 });
	expect([levels[0], levels[2], levels[4]]).toEqual([levels[0], levels[0], levels[0]]);
	expect(levels[5]).toBe(0);
});

it('has as many colours as levels', () => {
	const colours = Array.from({ length: CLUSTER_COLOUR_COUNT }, (_, i) => clusterColour(i + 1).join());
	expect(new Set(colours).size).toBe(CLUSTER_COLOUR_COUNT);
});
