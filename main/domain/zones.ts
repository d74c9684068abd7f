import type { Size } from './video.ts';

/** A place on the picture, in displayed pixels of the video. */
export type Point = readonly [x: number, y: number];

/**
 * The point of a box that is where its object is: `bottom` is where a person stands, `centre` is right for what is seen
 * from above.
 */
export const ANCHORS = ['bottom', 'centre', 'top', 'left', 'right'] as const;
export type Anchor = (typeof ANCHORS)[number];

/** A polygon on the picture, closed from its last point to its first. */
export type Zone = { id: string; name: string; points: readonly Point[] };

/**
 * A line that is counted over, from one end to the other and no further. Looking from `from` to `to`, who crosses from the
 * left to the right goes `forwards`.
 */
export type CountingLine = { id: string; name: string; from: Point; to: Point };

/** What an analyst drew on the picture of a video, and how it is counted. */
export type ZoneSet = {
	format: 'sparsight-zones';
	version: 1;
	/** The displayed size of the picture that it was drawn on. */
	pictureSize: Size;
	anchor: Anchor;
	/**
	 * How far beyond a line or an edge an anchor has to be before its side has changed, as a share of the height of its box: who
	 * stands on a line crosses it once, not with every frame. 0 to 1.
	 */
	hysteresis: number;
	zones: readonly Zone[];
	lines: readonly CountingLine[];
};

/** Zones and, behind them, lines: what the places of events are positions in. */
export function placesOf({
	zones,
	lines,
}: Pick<ZoneSet, 'zones' | 'lines'>): readonly (Zone | CountingLine)[] {
	return [...zones, ...lines];
}

/** Where the anchor of a box (left, top, right, bottom) lies. */
export function anchorOf(box: readonly [number, number, number, number], anchor: Anchor): Point {
	const [left, top, right, bottom] = box;
	const x = anchor === 'left' ? left : anchor === 'right' ? right : (left + right) / 2;
	const y = anchor === 'top' ? top : anchor === 'bottom' ? bottom : (top + bottom) / 2;
	return [x, y];
}
