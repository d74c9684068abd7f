import { describe, expect, it } from 'vitest';
import { fitInto, paneGrid } from './fit.ts';

describe('a picture in a pane', () => {
	it.each([
		['as it is', { width: 768, height: 576 }, { width: 768, height: 576 }, 1, { width: 768, height: 576 }],
		[
			'between bars at the sides',
			{ width: 1000, height: 576 },
			{ width: 768, height: 576 },
			1,
			{ width: 768, height: 576 },
		],
		[
			'between bars above and below',
			{ width: 768, height: 900 },
			{ width: 768, height: 576 },
			1,
			{ width: 768, height: 576 },
		],
		[
			'in pixels of the screen',
			{ width: 100, height: 100 },
			{ width: 200, height: 100 },
			2,
			{ width: 200, height: 100 },
		],
		[
			'in whole pixels on uneven screens',
			{ width: 101, height: 77 },
			{ width: 161, height: 121 },
			1.5,
			{ width: 151, height: 113 },
		],
		['nowhere yet', { width: 0, height: 0 }, { width: 161, height: 121 }, 1, { width: 1, height: 1 }],
	])('stands %s', (_, room, displaySize, ratio, pixels) => {
		const fit = fitInto(room, displaySize, ratio);
		expect(fit.pixels).toEqual(pixels);
		expect(fit.css.width * ratio).toBeCloseTo(pixels.width, 9);
		expect(fit.css.height * ratio).toBeCloseTo(pixels.height, 9);
	});
});

describe('panes', () => {
	it.each([
		[1, { width: 900, height: 600 }, { columns: 1, rows: 1 }],
		[2, { width: 1600, height: 600 }, { columns: 2, rows: 1 }],
		[2, { width: 600, height: 1600 }, { columns: 1, rows: 2 }],
		[3, { width: 900, height: 700 }, { columns: 2, rows: 2 }],
		[4, { width: 900, height: 700 }, { columns: 2, rows: 2 }],
		[4, { width: 0, height: 0 }, { columns: 1, rows: 4 }],
	])('%i in %o stand in %o', (count, room, grid) => {
		expect(paneGrid(room, { width: 768, height: 576 }, count)).toEqual(grid);
	});
});
