import type { Rect } from './overlay-geometry.ts';
import type { Size } from './video.ts';

/** Objects whose pictures are exported at once, at most: a search that finds more is a mistake, or its result is looked at by nobody. */
export const MOST_CUT_OUT = 10_000;

/** How much around an object pictures of it show where nobody says more, as a share of the longer side of its box. */
export const USUAL_MARGIN = 0.12;

/**
 * The part of a picture to cut out so that a box is seen with a little around it: `margin` of the box's longer side on each of its sides. With an
 * `aspect` (width / height), more of the surroundings is taken along until it has that shape. It stays within the picture, and is
 * moved there where the box lies at the border; only where the picture is too small has it another shape. Whole pixels, at least one.
 */
export function cutOut(
	box: readonly [left: number, top: number, right: number, bottom: number],
	picture: Size,
	{ margin, aspect }: { margin: number; aspect: number | null },
): Rect {
	const [left, top, right, bottom] = box;
	const around = 2 * margin * Math.max(right - left, bottom - top);
	let [width, height] = [right - left + around, bottom - top + around];
	if (aspect !== null) [width, height] = [Math.max(width, height * aspect), Math.max(height, width / aspect)];
	const [x, across] = span((left + right) / 2, width, picture.width);
	const [y, down] = span((top + bottom) / 2, height, picture.height);
	return { x, y, width: across, height: down };
}

/** First pixel and number of pixels. */
function span(middle: number, wanted: number, room: number): [from: number, length: number] {
	const length = Math.max(1, Math.min(room, Math.round(wanted)));
	return [Math.max(0, Math.min(room - length, Math.round(middle - length / 2))), length];
}
