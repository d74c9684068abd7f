import { classColour } from '../../main/domain/palette.ts';
import type { RunTracks } from '../../main/tracking/run-tracks.ts';
import { frameToX, type FrameWindow } from './frame-window.ts';
import type { TrackRows } from './track-rows.ts';

export type TrackRowScene = {
	all: RunTracks;
	rows: TrackRows;
	classes: readonly string[];
	window: FrameWindow;
	/** Distance of analysed frames. */
	every: number;
	/** Index of the track that stands out; -1 for none. */
	chosen: number;
	/** Colour around it. */
	ink: string;
	/** Device pixels per CSS pixel. */
	unit: number;
};

/**
 * A line per identity, in the colour of its class: opaque where it was seen, faint where it was lost. Coordinates are
 * device pixels.
 */
export function paintTrackRows(
	pen: CanvasRenderingContext2D,
	{ all, rows, classes, window, every, chosen, ink, unit }: TrackRowScene,
	strip: { top: number; width: number },
): void {
	const height = rows.height * unit;
	// A gap between lines if there is space for one.
	const thickness = Math.max(1, Math.round(height >= 3 * unit ? height - unit : height));
	const x = (frame: number) => Math.round(frameToX(window, frame, strip.width));
	const paint = (track: number, top: number, thickness: number) => {
		pen.fillStyle = classColour(classes[all.classIndices[track]!] ?? String(all.classIndices[track]!));
		const bar = (from: number, to: number) => {
			const left = x(from - 0.5);
			pen.fillRect(left, top, Math.max(1, x(to + every - 0.5) - left), thickness);
		};
		pen.globalAlpha = 0.3;
		bar(all.firstFrames[track]!, all.lastFrames[track]!);
		pen.globalAlpha = 1;
		for (let s = all.spanOffsets[track]!; s < all.spanOffsets[track + 1]!; s++) {
			const [from, to] = [all.spans[2 * s]!, all.spans[2 * s + 1]!];
			if (to + every >= window.from && from - 1 <= window.to) bar(from, to);
		}
	};
	rows.tracks.forEach((track, row) => paint(track, Math.round(strip.top + row * height), thickness));
	const row = rows.tracks.indexOf(chosen);
	if (chosen >= 0 && row >= 0) {
		const [high, edge] = [Math.max(thickness, Math.round(4 * unit)), Math.ceil(unit)];
		const top = Math.round(strip.top + row * height + (thickness - high) / 2);
		pen.globalAlpha = 0.2;
		pen.fillStyle = ink;
		pen.fillRect(0, top - edge, strip.width, high + 2 * edge);
		pen.globalAlpha = 1;
		const left = x(all.firstFrames[chosen]! - 0.5);
		pen.fillRect(
			left - edge,
			top - edge,
			x(all.lastFrames[chosen]! + every - 0.5) - left + 2 * edge,
			high + 2 * edge,
		);
		paint(chosen, top, high);
	}
	pen.globalAlpha = 1;
}
