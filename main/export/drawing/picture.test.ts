import { describe, expect, it } from 'vitest';
import { Picture } from './picture.ts';

/** One letter a pixel: the first of its red, green and blue that is 255, `.` for black. */
function sketch(picture: Picture): string[] {
	return Array.from({ length: picture.height }, (_, y) =>
		Array.from({ length: picture.width }, (_, x) => {
			const [r, g, b] = picture.rgba.subarray(4 * (y * picture.width + x));
			return r === 255 ? 'r' : g === 255 ? 'g' : b === 255 ? 'b' : '.';
		}).join(''),
	);
}

const RED = [255, 0, 0] as const;

describe('Picture', () => {
	it.each<[string, [number, number, number, number], string[]]>([
		['inside', [1, 1, 2, 1], ['....', '.rr.', '....']],
		['over the top left corner', [-3, -3, 5, 4], ['rr..', '....', '....']],
		['over the bottom right corner', [3, 1, 9, 9], ['....', '...r', '...r']],
		['wholly outside', [4, 0, 3, 3], ['....', '....', '....']],
		['empty', [1, 1, 0, 2], ['....', '....', '....']],
	])('fills and blends rectangles clipped: %s', (_what, [x, y, width, height], expected) => {
		const filled = new Picture({ width: 4, height: 3 });
		filled.fillRect(x, y, width, height, RED);
		expect(sketch(filled)).toEqual(expected);
		const blended = new Picture({ width: 4, height: 3 });
		blended.blendRect(x, y, width, height, RED, 255);
		expect(sketch(blended)).toEqual(expected);
	});

	it.each<[string, [number, number, number, number], string[]]>([
		['along a row', [1, 1, 2, 1], ['....', '.rr.', '....']],
		['along a column, over the edge', [0, 1, 0, 9], ['....', 'r...', 'r...']],
		['from corner to corner', [0, 0, 2, 2], ['r...', '.r..', '..r.']],
		['that is a dot', [2, 2, 2, 2], ['....', '....', '..r.']],
	])('draws a line %s', (_, [x, y, toX, toY], expected) => {
		const picture = new Picture({ width: 4, height: 3 });
		picture.strokeLine({ x, y }, { x: toX, y: toY }, 1, RED);
		expect(sketch(picture)).toEqual(expected);
	});

	it.each([
		[0, 10],
		[128, 133],
		[255, 255],
	])('blends 255 over 10 with alpha %i to %i', (alpha, expected) => {
		const picture = new Picture({ width: 1, height: 1 });
		picture.fillRect(0, 0, 1, 1, [10, 10, 10]);
		picture.blendRect(0, 0, 1, 1, [255, 255, 255], alpha);
		expect([...picture.rgba.subarray(0, 3)]).toEqual([expected, expected, expected]);
	});

	it('strokes the edge of a rectangle inwards', () => {
		const picture = new Picture({ width: 6, height: 5 });
		picture.strokeRect({ x: 1, y: 0, width: 5, height: 5 }, 1, RED);
		expect(sketch(picture)).toEqual(['.rrrrr', '.r...r', '.r...r', '.r...r', '.rrrrr']);
	});

	it('leaves gaps in a dashed edge', () => {
		const picture = new Picture({ width: 8, height: 3 });
		picture.strokeRect({ x: 0, y: 0, width: 8, height: 3 }, 1, RED, 2);
		expect(sketch(picture)[0]).toBe('rr..rr.r');
	});

	it('fills a box that is thinner than its two edges', () => {
		const picture = new Picture({ width: 3, height: 3 });
		picture.strokeRect({ x: 1, y: 0, width: 1, height: 3 }, 2, RED);
		expect(sketch(picture)).toEqual(['.r.', '.r.', '.r.']);
	});

	it('copies pixels to their place and cuts off what does not fit', () => {
		const picture = new Picture({ width: 3, height: 3 });
		const green = new Uint8Array(2 * 2 * 4).map((_, i) => (i % 4 === 1 || i % 4 === 3 ? 255 : 0));
		picture.copyFrom(green, { width: 2, height: 2 }, 2, 1);
		expect(sketch(picture)).toEqual(['...', '..g', '..g']);
	});

	it('draws a mask with its coverage, clipped', () => {
		const picture = new Picture({ width: 3, height: 1 });
		const mask = { width: 3, height: 1, coverage: Uint8Array.of(255, 0, 128) };
		picture.drawMask(mask, -0, 0, [255, 255, 255]);
		expect([...picture.rgba].filter((_, i) => i % 4 === 0)).toEqual([255, 0, 128]);
		picture.drawMask(mask, 2, 0, RED);
		expect(picture.rgba[8]).toBe(255);
	});

	it('is opaque wherever it was painted', () => {
		const picture = new Picture({ width: 2, height: 1 });
		picture.fillRect(0, 0, 2, 1, RED);
		expect([picture.rgba[3], picture.rgba[7]]).toEqual([255, 255]);
	});
});
