import type { Point } from '../domain/zones.ts';

/**
 * Twice the area of the triangle a, b, p. In pictures, whose y grows downwards, it is positive where p lies on the right of
 * who looks from a to b, and 0 on their line.
 */
export function turn(ax: number, ay: number, bx: number, by: number, px: number, py: number): number {
	return (bx - ax) * (py - ay) - (by - ay) * (px - ax);
}

/** Whether a point is inside a polygon by the even-odd rule; [x0, y0, x1, y1, ...], closed from the last corner to the first. */
export function isInside(corners: ArrayLike<number>, x: number, y: number): boolean {
	let inside = false;
	let ax = corners[corners.length - 2]!;
	let ay = corners[corners.length - 1]!;
	for (let i = 0; i < corners.length; i += 2) {
		const bx = corners[i]!;
		const by = corners[i + 1]!;
		if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
		ax = bx;
		ay = by;
	}
	return inside;
}

/** The distance of a point from the nearest edge of a polygon, given as for `isInside`. */
export function distanceToEdge(corners: ArrayLike<number>, x: number, y: number): number {
	let least = Infinity;
	let ax = corners[corners.length - 2]!;
	let ay = corners[corners.length - 1]!;
	for (let i = 0; i < corners.length; i += 2) {
		const bx = corners[i]!;
		const by = corners[i + 1]!;
		const dx = bx - ax;
		const dy = by - ay;
		const along = (x - ax) * dx + (y - ay) * dy;
		const length = dx * dx + dy * dy;
		const share = along <= 0 ? 0 : along >= length ? 1 : along / length;
		const fromX = x - ax - share * dx;
		const fromY = y - ay - share * dy;
		const square = fromX * fromX + fromY * fromY;
		if (square < least) least = square;
		ax = bx;
		ay = by;
	}
	return Math.sqrt(least);
}

/** Whether two segments have a point in common, ends included. */
export function segmentsMeet(a: Point, b: Point, c: Point, d: Point): boolean {
	const side = (p: Point, q: Point, r: Point) => Math.sign(turn(...p, ...q, ...r));
	const [ofC, ofD, ofA, ofB] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
	if (ofC !== ofD && ofA !== ofB) return true;
	return (
		(ofC === 0 && isBetween(a, b, c)) ||
		(ofD === 0 && isBetween(a, b, d)) ||
		(ofA === 0 && isBetween(c, d, a)) ||
		(ofB === 0 && isBetween(c, d, b))
	);
}

/** Whether a point of the line through a and b lies between them. */
function isBetween(a: Point, b: Point, p: Point): boolean {
	return ([0, 1] as const).every(
		(axis) => p[axis] >= Math.min(a[axis], b[axis]) && p[axis] <= Math.max(a[axis], b[axis]),
	);
}

/** The first two edges of a polygon that cross or touch though they are no neighbours; edge i goes from corner i to the next. */
export function crossingEdges(points: readonly Point[]): readonly [number, number] | null {
	const count = points.length;
	for (let i = 0; i < count; i++) {
		for (let j = i + 2; j < count; j++) {
			if (i === 0 && j === count - 1) continue; // neighbours at the first corner
			const [a, b] = [points[i]!, points[(i + 1) % count]!];
			if (segmentsMeet(a, b, points[j]!, points[(j + 1) % count]!)) return [i, j];
		}
	}
	return null;
}

/** The area of a polygon whose edges do not cross. */
export function polygonArea(points: readonly Point[]): number {
	let sum = 0;
	for (const [i, [x, y]] of points.entries()) {
		const [nextX, nextY] = points[(i + 1) % points.length]!;
		sum += x * nextY - nextX * y;
	}
	return Math.abs(sum) / 2;
}
