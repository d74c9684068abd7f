import type { PresenceMap } from '../../counting/presence.ts';
import { heatColour } from '../../domain/overlay-geometry.ts';
import type { Size } from '../../domain/video.ts';
import type { ZoneSet } from '../../domain/zones.ts';
import { GROUND, INK, MUTED } from './cost-strip.ts';
import { drawZones } from './draw-zones.ts';
import { layOut } from './layout.ts';
import { Picture } from './picture.ts';
import { TextPainter } from './text.ts';

type PresenceScene = {
	map: PresenceMap;
	/** Of the map, 0 to 1. */
	opacity: number;
	/** Drawn over it; null for none. */
	zones: ZoneSet | null;
	/** Above the picture: whose map it is. */
	caption: string;
	/** Below it, on the left: which frame it lies over. */
	moment: string;
};

/** A frame, RGBA of `size`, under the map of where objects have been, with a legend that says how much the brightest colour is. */
export function drawPresence(
	frameRgba: Uint8Array,
	size: Size,
	{ map, opacity, zones, caption, moment }: PresenceScene,
): { rgba: Uint8Array; size: Size } {
	const { size: whole, unit, panes, footer } = layOut(size, 1, false);
	const { picture: room, caption: head } = panes[0]!;
	const px = (design: number) => Math.max(1, Math.round(design * unit));
	const text = new TextPainter(Math.max(9, Math.round(13 * unit)));
	const picture = new Picture(whole);
	picture.fillRect(0, 0, whole.width, whole.height, GROUND);
	picture.copyFrom(frameRgba, size, room.x, room.y);

	const edge = (cell: number, cells: number, length: number) => Math.round((cell * length) / cells);
	for (let row = 0; row < map.rows; row++) {
		const [top, bottom] = [edge(row, map.rows, room.height), edge(row + 1, map.rows, room.height)];
		for (let col = 0; col < map.cols; col++) {
			const level = map.levels[row * map.cols + col]!;
			if (level === 0) continue;
			const [left, right] = [edge(col, map.cols, room.width), edge(col + 1, map.cols, room.width)];
			const [x, y] = [room.x + left, room.y + top];
			picture.blendRect(x, y, right - left, bottom - top, heatColour(level), Math.round(255 * opacity));
		}
	}
	if (zones) drawZones(picture, room, zones, [], text, px);

	const margin = px(10);
	const title = text.mask(caption, 600, head.width - 2 * margin);
	picture.drawMask(title, margin, head.y + Math.round((head.height - title.height) / 2), INK);
	const line = footer.y + Math.round((footer.height - text.lineHeight) / 2);
	// The legend comes first: without it, the map says nothing.
	const counted = map.most === 1 ? '1 sighting in a cell' : `${map.most} sightings in a cell`;
	const most = text.mask(map.most === 0 ? 'nobody was seen' : counted);
	let right = footer.width - margin - most.width;
	picture.drawMask(most, right, line, MUTED);
	if (map.most > 0) {
		const ramp = px(96);
		const swatch = px(12);
		right -= ramp + px(6);
		const y = footer.y + Math.round((footer.height - swatch) / 2);
		// As levels grow with the root of their counts, a quarter of the most lies in the middle.
		for (let i = 0; i < ramp; i++) {
			const level = Math.max(1, Math.round((255 * i) / (ramp - 1)));
			picture.fillRect(right + i, y, 1, swatch, heatColour(level));
		}
		const least = text.mask('0');
		right -= least.width + px(6);
		picture.drawMask(least, right, line, MUTED);
	}
	const left = text.mask(moment, 600);
	if (margin + left.width + px(24) < right) picture.drawMask(left, margin, line, INK);
	return { rgba: picture.rgba, size: whole };
}
