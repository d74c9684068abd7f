import { describe, expect, it } from 'vitest';
import type { Rect } from './overlay-geometry.ts';
import { placeLabels } from './place-labels.ts';

const SIZE = { width: 200, height: 100 };
const HEIGHT = 10;
const box = (x: number, y: number, width = 20, height = 30): Rect => ({ x, y, width, height });
/** Ten pixels a letter; long labels have six, short ones two. */
const place = (rects: Rect[], taken: Rect[] = [], avoided: Rect[] = []) =>
	placeLabels(
		rects.map((rect, i) => ({ rect, label: `long ${i}`, short: `s${i}` })),
		SIZE,
		(words) => 10 * words.length,
		HEIGHT,
		taken,
		avoided,
	).map((label) => label && [label.words, label.x, label.y]);

describe('labels', () => {
	it.each([
		['above the box', [box(50, 40)], [['long 0', 50, 30]]],
		['below it where there is no room above', [box(50, 4)], [['long 0', 50, 34]]],
		['inside it where there is none below either', [box(50, 5, 20, 95)], [['long 0', 50, 5]]],
		['within the picture', [box(180, 40)], [['long 0', 140, 30]]],
		[
			'clear of the label of a nearer box, which chooses first',
			[box(50, 40), box(60, 42)],
			[
				['long 0', 50, 70],
				['long 1', 60, 32],
			],
		],
	])('stand %s', (_, rects, expected) => expect(place(rects)).toEqual(expected));

	it('are shortened where the long words would cover others, and left out where nothing fits', () => {
		const near = box(40, 40, 20, 40);
		const wall: Rect[] = [box(60, 0, 140, 100)];
		expect(place([box(30, 40, 20, 30)], wall)).toEqual([['s0', 30, 30]]);
		expect(place([near], [box(0, 0, 200, 100)])).toEqual([null]);
	});

	it.each([
		['below the box where a name is above', box(50, 40), [box(40, 28, 60, 12)], ['long 0', 50, 70]],
		[
			'above it all the same where names are all around',
			box(50, 40),
			[box(0, 0, 200, 100)],
			['long 0', 50, 30],
		],
		[
			'above it, not over the object, where there is no room below',
			box(50, 40, 20, 55),
			[box(40, 28, 60, 12)],
			['long 0', 50, 30],
		],
	])('leave names readable and stay whole: %s', (_, rect, names, expected) => {
		expect(place([rect], [], names)).toEqual([expected]);
	});

	it('do not depend on the order of the boxes', () => {
		const rects = [box(50, 40), box(60, 42), box(70, 44)];
		const turned = place([...rects].reverse()).reverse();
		expect(turned.map((label) => label?.slice(1))).toEqual(place(rects).map((label) => label?.slice(1)));
	});
});
