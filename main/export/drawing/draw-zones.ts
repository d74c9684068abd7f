import type { Rect } from '../../domain/overlay-geometry.ts';
import { rgbOf, type Rgb } from '../../domain/palette.ts';
import { lineArrow, middleOf, shapeColour } from '../../domain/zone-geometry.ts';
import type { Point, ZoneSet } from '../../domain/zones.ts';
import type { Picture } from './picture.ts';
import type { TextPainter } from './text.ts';

const CASING: Rgb = [0, 0, 0];
const ARROW_LENGTH = 18;

/** What has happened at each zone and line up to a frame, in words; in the order of zones, then lines. */
export type ZoneTallies = readonly string[];

/**
 * Draws zones and lines over a pane: edges, the arrow of a line, and names with what was counted so far. `px` turns design pixels into
 * those of the picture.
 */
export function drawZones(
	picture: Picture,
	room: Rect,
	{ zones, lines, pictureSize }: ZoneSet,
	tallies: ZoneTallies,
	text: TextPainter,
	px: (design: number) => number,
): void {
	const [across, down] = [room.width / pictureSize.width, room.height / pictureSize.height];
	const at = ([x, y]: Point): Point => [room.x + x * across, room.y + y * down];

	function stroke(points: readonly Point[], colour: Rgb): void {
		for (const [thickness, paint] of [
			[px(4), CASING],
			[px(2), colour],
		] as const) {
			// prettier-ignore
			for (let i = 1; i < points.length; i++) {
				const [from, to] = [points[i - 1]!, points[i]!];
				picture.strokeLine({ x: from[0], y: from[1] }, { x: to[0], y: to[1] }, thickness, paint);
			}
		}
	}

	/** Within the pane, its middle as near `x` as can be. */
	function write(words: string, x: number, top: number, colour: Rgb): void {
		const mask = text.mask(words, 600, room.width - px(8));
		const width = mask.width + px(8);
		const left = Math.round(within(x - width / 2, room.x, room.x + room.width - width));
		const y = Math.round(within(top, room.y, room.y + room.height - mask.height));
		picture.blendRect(left, y, width, mask.height, CASING, 160);
		picture.drawMask(mask, left + px(4), y, colour);
	}

	for (const zone of zones) {
		const points = zone.points.map(at);
		stroke([...points, points[0]!], rgbOf(shapeColour(zone.id)));
	}
	for (const line of lines) {
		const colour = rgbOf(shapeColour(line.id));
		const [from, to] = [at(line.from), at(line.to)];
		stroke([from, to], colour);
		stroke(lineArrow({ from, to }, px(ARROW_LENGTH)), colour);
	}
	// Names last, so that no edge lies over them.
	for (const [i, { id, name, points }] of zones.entries()) {
		const [x, y] = middleOf(points.map(at));
		write(labelled(name, tallies[i]), x, y - text.lineHeight / 2, rgbOf(shapeColour(id)));
	}
	for (const [i, { id, name, from }] of lines.entries()) {
		const [x, y] = at(from);
		const words = labelled(name, tallies[zones.length + i]);
		write(words, x, y - text.lineHeight - px(4), rgbOf(shapeColour(id)));
	}
}

function labelled(name: string, tally: string | undefined): string {
	return tally ? `${name}  ${tally}` : name;
}

function within(value: number, least: number, most: number): number {
	return Math.max(least, Math.min(most, value));
}
