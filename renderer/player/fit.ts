import type { Size } from '../../main/domain/video.ts';

/** A canvas inside a pane: as large as fits in its proportions, on whole device pixels. */
export type Fit = {
	/** Pixels of the canvas. */
	pixels: Size;
	/** Size on the page, CSS pixels: exactly `pixels / pixelRatio`. */
	css: Size;
};

/** `room` in CSS pixels. */
export function fitInto(room: Size, displaySize: Size, pixelRatio: number): Fit {
	const scale = Math.min(room.width / displaySize.width, room.height / displaySize.height) * pixelRatio;
	const pixels = {
		width: Math.max(1, Math.floor(displaySize.width * scale)),
		height: Math.max(1, Math.floor(displaySize.height * scale)),
	};
	return { pixels, css: { width: pixels.width / pixelRatio, height: pixels.height / pixelRatio } };
}

/** Columns and rows that show `count` pictures (1 to 4) of this shape largest in `room`. */
export function paneGrid(room: Size, displaySize: Size, count: number): { columns: number; rows: number } {
	let best = { columns: 1, rows: Math.max(1, count) };
	let largest = 0;
	for (let columns = 1; columns <= count; columns++) {
		const rows = Math.ceil(count / columns);
		const scale = Math.min(room.width / columns / displaySize.width, room.height / rows / displaySize.height);
		if (scale > largest + 1e-9) [best, largest] = [{ columns, rows }, scale];
	}
	return best;
}
