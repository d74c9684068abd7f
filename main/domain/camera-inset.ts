import type { CameraColumns } from './camera-path.ts';
import type { Rect } from './overlay-geometry.ts';
import { OKABE_ITO } from './palette.ts';
import type { Point } from './placement.ts';
import type { Size } from './video.ts';

// The small map of where a camera has been: the same on the page, in exported pictures and in the report.

/** The camera's path in a run, as far as it is known. */
export type CameraTrack = {
	columns: CameraColumns;
	/** 1 where everything was computed anew, and not to audit: the scene may have been another one before. */
	anchors: Uint8Array;
	/** Frames that are known; columns may be longer. */
	length: number;
};

export type CameraInset = {
	/** The whole map, in pixels of the picture. */
	rect: Rect;
	/** Where the camera has been up to now, in pixels of the picture: lines that are not joined to each other. */
	lines: readonly (readonly Point[])[];
	/** Where it looks now, and the corners of what it shows, clockwise from the upper left. */
	now: Point;
	outline: readonly Point[];
};

/** On a dark ground: where the camera has been, and where it is. */
export const CAMERA_COLOURS = { path: OKABE_ITO.skyBlue, now: OKABE_ITO.yellow } as const;

/** Most of the picture's width and height that the map takes, and its distance from the edges, in CSS pixels. */
const MOST_SHARE = 0.22;
const EDGE = 8;
const PADDING = 6;
/** Pixels between points of a line, at least. */
const LEAST_STEP = 0.75;

/** A map laid out for all positions of a track: what it shows at one of them; null where the camera is fixed there. */
export type CameraMap = (position: number) => CameraInset | null;

/** A point of the path on the map, and whether a line begins there. */
type Vertex = { position: number; point: Point; begins: boolean };

/**
 * Lays out the map for pictures of `size`, in whose upper right corner it lies; `unit` is the picture's pixels per CSS pixel. It
 * holds all that the camera shows in the run, so that it stays as it is while the run is played.
 */
export function layCameraInset(track: CameraTrack, displaySize: Size, size: Size, unit: number): CameraMap {
	const most = { width: MOST_SHARE * size.width, height: MOST_SHARE * size.height };
	const edge = EDGE * unit;
	return layCameraMap(track, displaySize, most, PADDING * unit, ({ width }) => ({
		x: Math.round(size.width - edge - width),
		y: Math.round(edge),
	}));
}

/** Lays out the map at most as large as `most`, with `padding` around what it shows; `corner` says where its upper left lies. */
export function layCameraMap(
	track: CameraTrack,
	displaySize: Size,
	most: Size,
	padding: number,
	corner: (size: Size) => Point = () => ({ x: 0, y: 0 }),
): CameraMap {
	const { columns, length } = track;
	const area = areaOf(track, displaySize);
	const scale = Math.min((most.width - 2 * padding) / area.width, (most.height - 2 * padding) / area.height);
	const width = Math.round(area.width * scale + 2 * padding);
	const height = Math.round(area.height * scale + 2 * padding);
	const rect = { ...corner({ width, height }), width, height };
	const place = ({ x, y }: Point): Point => ({
		x: rect.x + padding + (x - area.x) * scale,
		y: rect.y + padding + (y - area.y) * scale,
	});
	const vertices = verticesOf(track, place);
	return (position) => {
		if (position < 0 || position >= length || !Number.isFinite(columns.x[position])) return null;
		const now = place({ x: columns.x[position]!, y: columns.y[position]! });
		return {
			rect,
			lines: linesUpTo(vertices, { position, point: now, begins: beginsAt(track, position) }),
			now,
			outline: cornersOf(columns, position, displaySize).map(place),
		};
	};
}

/** What the camera shows in all frames together, in pixels of the displayed video from the middle of the first frame. */
function areaOf({ columns, length }: CameraTrack, displaySize: Size): Rect {
	let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
	for (let i = 0; i < length; i++) {
		if (!Number.isFinite(columns.x[i])) continue;
		const reach = halfView(columns, i, displaySize);
		left = Math.min(left, columns.x[i]! - reach.x);
		right = Math.max(right, columns.x[i]! + reach.x);
		top = Math.min(top, columns.y[i]! - reach.y);
		bottom = Math.max(bottom, columns.y[i]! + reach.y);
	}
	return { x: left, y: top, width: right - left, height: bottom - top };
}

/** How far the corners of a frame reach from its middle. */
function halfView({ scale, rotation }: CameraColumns, i: number, { width, height }: Size): Point {
	const [cos, sin] = [Math.abs(Math.cos(rotation[i]!)), Math.abs(Math.sin(rotation[i]!))];
	return {
		x: (width * cos + height * sin) / (2 * scale[i]!),
		y: (width * sin + height * cos) / (2 * scale[i]!),
	};
}

function cornersOf({ x, y, scale, rotation }: CameraColumns, i: number, { width, height }: Size): Point[] {
	const [cos, sin] = [Math.cos(rotation[i]!), Math.sin(rotation[i]!)];
	return [
		[-1, -1],
		[1, -1],
		[1, 1],
		[-1, 1],
	].map(([right, down]) => {
		const [dx, dy] = [(right! * width) / (2 * scale[i]!), (down! * height) / (2 * scale[i]!)];
		return { x: x[i]! + cos * dx - sin * dy, y: y[i]! + sin * dx + cos * dy };
	});
}

/** The points of the path that are far enough from the one before to be drawn, and the ends of its lines. */
function verticesOf(track: CameraTrack, place: (at: Point) => Point): Vertex[] {
	const { x, y } = track.columns;
	const vertices: Vertex[] = [];
	for (let position = 0; position < track.length; position++) {
		if (!Number.isFinite(x[position])) continue;
		const begins = beginsAt(track, position);
		const point = place({ x: x[position]!, y: y[position]! });
		const last = vertices.at(-1)?.point;
		const ends = !Number.isFinite(x[position + 1]) || beginsAt(track, position + 1);
		if (begins || !last || ends || Math.hypot(point.x - last.x, point.y - last.y) >= LEAST_STEP) {
			vertices.push({ position, point, begins });
		}
	}
	return vertices;
}

/** Whether the path is not joined to where the camera was before. */
function beginsAt({ columns: { x }, anchors }: CameraTrack, position: number): boolean {
	return !Number.isFinite(x[position - 1]) || anchors[position] === 1;
}

/** The lines before a position, and that position as their last point. */
function linesUpTo(vertices: readonly Vertex[], end: Vertex): Point[][] {
	const lines: Point[][] = [];
	const draw = ({ point, begins }: Vertex) => {
		if (begins) lines.push([]);
		lines.at(-1)!.push(point);
	};
	for (const vertex of vertices) {
		if (vertex.position >= end.position) break;
		draw(vertex);
	}
	draw(end);
	return lines;
}
