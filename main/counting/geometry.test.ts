import { expect, test } from 'vitest';
import type { Point } from '../domain/zones.ts';
import { crossingEdges, distanceToEdge, isInside, polygonArea, segmentsMeet } from './geometry.ts';

const SQUARE: Point[] = [
	[0, 0],
	[10, 0],
	[10, 10],
	[0, 10],
];
/** A ring with a slit: concave around a hole, as an analyst draws who leaves out a fountain. */
const AROUND_A_HOLE: Point[] = [
	[0, 0],
	[10, 0],
	[10, 10],
	[5.2, 10],
	[5.2, 7],
	[7, 7],
	[7, 3],
	[3, 3],
	[3, 7],
	[4.8, 7],
	[4.8, 10],
	[0, 10],
];
const STAR: Point[] = [0, 2, 4, 1, 3].map((i): Point => [
	5 + 5 * Math.sin((2 * Math.PI * i) / 5),
	5 - 5 * Math.cos((2 * Math.PI * i) / 5),
]);

test.for<[what: string, corners: Point[], point: Point, inside: boolean]>([
	['in the middle', SQUARE, [5, 5], true],
	['beside it at the height of a corner', SQUARE, [12, 10], false],
	['above', SQUARE, [5, -0.1], false],
	['in the hole', AROUND_A_HOLE, [5, 5], false],
	['in the slit', AROUND_A_HOLE, [5, 8], false],
	['in the ring', AROUND_A_HOLE, [8, 5], true],
	['in the ring beside the slit', AROUND_A_HOLE, [4, 8], true],
])('a point %s', ([, corners, [x, y], inside]) => {
	expect(isInside(corners.flat(), x, y)).toBe(inside);
	expect(isInside([...corners].reverse().flat(), x, y)).toBe(inside);
});

test.for<[what: string, point: Point, distance: number]>([
	['inside', [5, 3], 3],
	['beyond a corner', [13, 14], 5],
	['beside an edge', [-3, 4], 3],
	['on an edge', [2, 0], 0],
])('the distance of a point %s from the edge', ([, [x, y], distance]) => {
	expect(distanceToEdge(SQUARE.flat(), x, y)).toBeCloseTo(distance);
});

test.for<[what: string, points: Point[], edges: readonly [number, number] | null]>([
	['a square', SQUARE, null],
	['a concave one', AROUND_A_HOLE, null],
	['a triangle', SQUARE.slice(0, 3), null],
	['a bow tie', [SQUARE[0]!, SQUARE[2]!, SQUARE[1]!, SQUARE[3]!], [0, 2]],
	['a star in one stroke', STAR, [0, 2]],
	['a corner on another edge', [...SQUARE, [5, 0]], [0, 3]],
	['a corner twice', [...SQUARE.slice(0, 3), [0, 0], [-5, 5]], [0, 2]],
])('crossing edges of %s', ([, points, edges]) => expect(crossingEdges(points)).toEqual(edges));

test.for<[what: string, segments: [Point, Point, Point, Point], meet: boolean]>([
	['that cross', [[0, 0], [4, 4], [0, 4], [4, 0]], true], // prettier-ignore
	['that touch', [[0, 0], [4, 0], [2, 0], [2, 3]], true], // prettier-ignore
	['on one line with a part in common', [[0, 0], [4, 0], [3, 0], [9, 0]], true], // prettier-ignore
	['on one line, apart', [[0, 0], [4, 0], [5, 0], [9, 0]], false], // prettier-ignore
	['whose lines cross beyond their ends', [[0, 0], [1, 1], [0, 4], [4, 0]], false], // prettier-ignore
])('segments %s', ([, segments, meet]) => expect(segmentsMeet(...segments)).toBe(meet));

test('areas do not depend on the direction of drawing', () => {
	expect(polygonArea(SQUARE)).toBe(100);
	expect(polygonArea([...SQUARE].reverse())).toBe(100);
	expect(polygonArea([SQUARE[0]!, SQUARE[1]!, SQUARE[0]!])).toBe(0);
});
