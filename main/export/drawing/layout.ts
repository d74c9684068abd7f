import type { Rect } from '../../domain/overlay-geometry.ts';
import type { Size } from '../../domain/video.ts';

export type PaneLayout = { caption: Rect; picture: Rect; strip: Rect | null };

/** The layout of an annotated picture, in its pixels. */
export type OverlayLayout = {
	/** Even along both axes, as yuv420p requires. */
	size: Size;
	/** Size of one design pixel: 1 for a pane of about 768 × 576, more for larger ones. */
	unit: number;
	panes: PaneLayout[];
	footer: Rect;
};

const CAPTION = 26;
const STRIP = 96;
const FOOTER = 28;
const GAP = 4;

/** `paneCount` (1 to 4) pictures of `paneSize` in a grid of at most two columns, each with caption and strip. */
export function layOut(paneSize: Size, paneCount: number, withStrip: boolean): OverlayLayout {
	const unit = Math.min(4, Math.max(0.75, Math.min(paneSize.width / 768, paneSize.height / 576)));
	const px = (design: number) => Math.round(design * unit);
	const columns = Math.min(2, paneCount);
	const rows = Math.ceil(paneCount / columns);
	const caption = px(CAPTION);
	const strip = withStrip ? px(STRIP) : 0;
	const cell: Size = { width: paneSize.width, height: caption + paneSize.height + strip };

	const panes = Array.from({ length: paneCount }, (_, i): PaneLayout => {
		const x = (i % columns) * (cell.width + px(GAP));
		const y = Math.floor(i / columns) * (cell.height + px(GAP));
		const { width } = cell;
		return {
			caption: { x, y, width, height: caption },
			picture: { x, y: y + caption, width, height: paneSize.height },
			strip: withStrip ? { x, y: y + caption + paneSize.height, width, height: strip } : null,
		};
	});
	const width = columns * cell.width + (columns - 1) * px(GAP);
	const height = rows * cell.height + (rows - 1) * px(GAP);
	return {
		size: { width: even(width), height: even(height + px(FOOTER)) },
		unit,
		panes,
		footer: { x: 0, y: height, width, height: px(FOOTER) },
	};
}

function even(length: number): number {
	return length + (length % 2);
}
