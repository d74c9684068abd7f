import { describe, expect, it } from 'vitest';
import { areaOf, layTiles, type TileLayout } from './tile-layout.ts';

const gridOf = (rows: number, cols: number) => ({ rows, cols, stride: 16, windowSize: 16, windowOffset: 0 });
const lay = (rows: number, cols: number, side: number, overlap: number) =>
	layTiles(gridOf(rows, cols), { rows: side, cols: side }, overlap);

const startsOf = ({ tiles }: TileLayout, side: 'left' | 'top') => [
	...new Set(tiles.map((tile) => tile[side])),
];

describe('tiles', () => {
	it.each([
		['a picture smaller than a tile', 12, 20, 40, 6, [0], [0]],
		['of a tile’s own size', 40, 40, 40, 6, [0], [0]],
		['as many tiles as fit exactly', 40, 74, 40, 6, [0], [0, 34]],
		['a multiple of the tile without overlap', 40, 80, 40, 0, [0], [0, 40]],
		['one cell more than a tile', 40, 41, 40, 6, [0], [0, 1]],
		['a remainder, which is spread', 68, 120, 40, 6, [0, 28], [0, 27, 53, 80]],
		['no more overlap than half a tile', 40, 60, 40, 39, [0], [0, 20]],
		['a tall picture', 100, 30, 40, 6, [0, 30, 60], [0]],
	])('of %s', (_, rows, cols, side, overlap, tops, lefts) => {
		const layout = lay(rows, cols, side, overlap);
		expect(startsOf(layout, 'top')).toEqual(tops);
		expect(startsOf(layout, 'left')).toEqual(lefts);
		expect(layout.tiles.length).toBe(tops.length * lefts.length);
	});

	it.each([
		[68, 120, 40, 6],
		[135, 240, 40, 6],
		[33, 41, 32, 8],
		[100, 30, 40, 20],
	])(
		'of %i × %i cells hold every cell, and its surroundings, in the one it belongs to',
		(rows, cols, side, overlap) => {
			const { tiles, home } = lay(rows, cols, side, overlap);
			const margin = overlap >> 1;
			const alone = Array.from(home.entries()).filter(([cell, tile]) => {
				const [row, col] = [Math.floor(cell / cols), cell % cols];
				const { left, top, right, bottom } = tiles[tile]!;
				const across = left <= Math.max(0, col - margin) && right >= Math.min(cols, col + margin);
				return !across || top > Math.max(0, row - margin) || bottom < Math.min(rows, row + margin);
			});
			expect(alone).toEqual([]);
			for (const tile of tiles) expect(areaOf(tile)).toBe(Math.min(rows, side) * Math.min(cols, side));
		},
	);
});
