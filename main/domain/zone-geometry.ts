import type { CountingLine, Point, ZoneSet } from './zones.ts';
import type { Rect } from './overlay-geometry.ts';
import type { Size } from './video.ts';

// How zones and lines are drawn: the same on the page and in exported pictures.

/** Bright on footage and none of the colours of the frequent classes. */
const SHAPE_COLOURS = ['#ff5cb0', '#5ce1ff', '#c8ff5c', '#b79cff', '#ff7d66', '#5cffc3', '#ffd24d'] as const;

/** The colour of a zone or line: by its number, so that it stays when others go. */
export function shapeColour(id: string): string {
	const number = Number(/\d+$/.exec(id)?.[0] ?? 1);
	return SHAPE_COLOURS[(number - 1 + SHAPE_COLOURS.length) % SHAPE_COLOURS.length]!;
}

/** The arrow of a line: from its middle to the side that is reached forwards, `length` pixels long. */
export function lineArrow({ from, to }: Pick<CountingLine, 'from' | 'to'>, length: number): readonly Point[] {
	const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
	const whole = Math.hypot(dx, dy) || 1;
	// On the right of who looks along the line, in a picture whose y grows downwards.
	const [rx, ry] = [-dy / whole, dx / whole];
	const middle: Point = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
	const at = (along: number, across: number): Point => [
		middle[0] + along * rx + (across * dx) / whole,
		middle[1] + along * ry + (across * dy) / whole,
	];
	const head = 0.4 * length;
	return [
		middle,
		at(length, 0),
		at(length - head, 0.6 * head),
		at(length, 0),
		at(length - head, -0.6 * head),
	];
}

/**
 * Where a name of some size lies on a picture: in the middle of a zone's corners, `gap` over the first end of a line, and within the
 * picture. Names stay there from frame to frame: labels of boxes lie over them, and beside them where there is room. All in pixels.
 */
export function nameRect(
	points: readonly Point[],
	{ width, height }: Size,
	gap: number,
	picture: Size,
): Rect {
	const isLine = points.length === 2;
	const [x, y] = isLine ? points[0]! : middleOf(points);
	const within = (value: number, most: number) => Math.round(Math.max(0, Math.min(value, most)));
	return {
		x: within(x - width / 2, picture.width - width),
		y: within(isLine ? y - height - gap : y - height / 2, picture.height - height),
		width,
		height,
	};
}

/** The mean of some corners. */
export function middleOf(points: readonly Point[]): Point {
	const sum = points.reduce(([x, y], [px, py]): Point => [x + px, y + py], [0, 0] as Point);
	return [sum[0] / points.length, sum[1] / points.length];
}

/** The nearest whole pixel of the picture, edges included. */
export function clampToPicture([x, y]: Point, { width, height }: Size): Point {
	return [Math.max(0, Math.min(width, Math.round(x))), Math.max(0, Math.min(height, Math.round(y)))];
}

/** Corners moved together as far as the picture goes, so that their shape stays. */
export function movedWithin(
	points: readonly Point[],
	dx: number,
	dy: number,
	{ width, height }: Size,
): Point[] {
	const xs = points.map(([x]) => x);
	const ys = points.map(([, y]) => y);
	const within = (by: number, least: number, most: number, room: number) =>
		Math.max(-least, Math.min(room - most, by));
	const x = within(dx, Math.min(...xs), Math.max(...xs), width);
	const y = within(dy, Math.min(...ys), Math.max(...ys), height);
	return points.map(([px, py]): Point => [px + x, py + y]);
}

/** Nothing drawn yet, on a picture of this size. */
export function emptyZones(pictureSize: Size): ZoneSet {
	return {
		format: 'sparsight-zones',
		version: 1,
		pictureSize,
		anchor: 'bottom',
		hysteresis: 0.05,
		zones: [],
		lines: [],
	};
}
