/**
 * Where the points of a view lie in a frame: point v of the view is point v + shift + turn · (v − centre) of the frame, in pixels,
 * turn = [[grow, −spin], [spin, grow]]. Small numbers: the camera has moved, zoomed and turned a little.
 */
export type Placement = {
	x: number;
	y: number;
	/** By how much a step in the view is longer in the frame: 0.01 = 1 % magnified. */
	grow: number;
	/** Radians. */
	spin: number;
};

export const AT_REST: Placement = { x: 0, y: 0, grow: 0, spin: 0 };

export type Point = { x: number; y: number };

export function isAtRest({ x, y, grow, spin }: Placement): boolean {
	return x === 0 && y === 0 && grow === 0 && spin === 0;
}

/** The point of the frame at point (x, y) of the view. */
export function inFrame(place: Placement, centre: Point, x: number, y: number): Point {
	const [fromX, fromY] = [x - centre.x, y - centre.y];
	return {
		x: x + place.x + place.grow * fromX - place.spin * fromY,
		y: y + place.y + place.spin * fromX + place.grow * fromY,
	};
}

/** How far apart two placements put a point half way between centre and corners, at most, in pixels. */
export function apart(a: Placement, b: Placement, centre: Point): number {
	const reach = Math.hypot(centre.x, centre.y) / 2;
	return Math.hypot(a.x - b.x, a.y - b.y) + reach * Math.hypot(a.grow - b.grow, a.spin - b.spin);
}
