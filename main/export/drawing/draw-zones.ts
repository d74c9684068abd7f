import type { Rect } from '../../domain/overlay-geometry.ts';
import { rgbOf, type Rgb } from '../../domain/palette.ts';
import { lineArrow, nameRect, shapeColour } from '../../domain/zone-geometry.ts';
import type { Point, ZoneSet } from '../../domain/zones.ts';
import type { Picture } from './picture.ts';
import type { TextPainter } from './text.ts';

const CASING: Rgb = [0, 0, 0];
const ARROW_LENGTH = 18;

/** What has happened at each zone and line up to a frame, in words; in the order of zones, then lines. */
export type ZoneTallies = readonly string[];

/**
 * Draws zones and lines over a pane: edges, the arrow of a line, and names with what was counted so far. `px` turns design pixels into
 * those of the picture. Returns where names lie, from the corner of `room`.
 */
export function drawZones(
	picture: Picture,
	room: Rect,
	{ zones, lines, pictureSize }: ZoneSet,
	tallies: ZoneTallies,
	text: TextPainter,
	px: (design: number) => number,
): Rect[] {
	const [across, down] = [room.width / pictureSize.width, room.height / pictureSize.height];
	const within = ([x, y]: Point): Point => [x * across, y * down];
	const at = (point: Point): Point => {
		const [x, y] = within(point);
		return [room.x + x, room.y + y];
	};

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

	function write(words: string, points: readonly Point[], colour: Rgb): Rect {
		const mask = text.mask(words, 600, room.width - px(8));
		const size = { width: mask.width + px(8), height: mask.height };
		const rect = nameRect(points.map(within), size, px(4), room);
		const [x, y] = [room.x + rect.x, room.y + rect.y];
		picture.blendRect(x, y, rect.width, rect.height, CASING, 160);
		picture.drawMask(mask, x + px(4), y, colour);
		return rect;
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
	return [...zones, ...lines.map(({ id, name, from, to }) => ({ id, name, points: [from, to] }))].map(
		({ id, name, points }, i) => write(labelled(name, tallies[i]), points, rgbOf(shapeColour(id))),
	);
}

function labelled(name: string, tally: string | undefined): string {
	return tally ? `${name}  ${tally}` : name;
}
