import { clusterColour, clusterLevels } from './cluster-colours.ts';
import type { CameraPath } from './camera-path.ts';
import { CIVIDIS, type Rgb } from './palette.ts';
import type { Letterbox } from './frame.ts';
import type { TokenGrid, TokenMap, TokenMapKind } from './tokens.ts';
import type { Size } from './video.ts';

// Where overlays are drawn on a picture, in whole pixels: the same on the page and in exported pictures.

export type Rect = { x: number; y: number; width: number; height: number };

/** A box in displayed video pixels, scaled to a picture of `size` and clipped to it; null if nothing is left. */
export function boxRect(
	[left, top, right, bottom]: readonly [left: number, top: number, right: number, bottom: number],
	displaySize: Size,
	size: Size,
): Rect | null {
	const scaleX = size.width / displaySize.width;
	const scaleY = size.height / displaySize.height;
	const x = Math.max(0, Math.round(left * scaleX));
	const y = Math.max(0, Math.round(top * scaleY));
	const width = Math.min(size.width, Math.round(right * scaleX)) - x;
	const height = Math.min(size.height, Math.round(bottom * scaleY)) - y;
	return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** Lengths of the dashes of boxes, in CSS pixels: of an earlier frame, and of tokens that have waited for too long. */
const DASHES = { held: 6, stale: 3 };

/** The length of a box's dashes and gaps, in CSS pixels; 0 = solid. */
export function boxDash(held: boolean, stale: boolean): number {
	return held ? DASHES.held : stale ? DASHES.stale : 0;
}

/** The label of a box; `who` is an `objectLabel`, empty for nobody. */
export function boxLabel(className: string, score: number, who: string): string {
	return `${who === '' ? '' : `${who} `}${className} ${score.toFixed(2)}`;
}

/** The edges of the tokens' cells along both axes: cell (row, col) is `xs[col]..xs[col + 1]` × `ys[row]..` */
export type TokenCells = { xs: number[]; ys: number[] };

/**
 * The cells of a grid in a picture of `size` that shows the whole displayed video. A cell is the square of one stride
 * around the centre of the token's window, mapped from the network's input back to the picture, and moved by as much as the grid
 * of a camera that is followed lies beside its place.
 */
export function tokenCells(
	grid: TokenGrid,
	{ contentSize, displaySize }: Letterbox,
	size: Size,
	camera: CameraPath | null = null,
): TokenCells {
	const offset = grid.windowOffset + (grid.windowSize - grid.stride) / 2;
	const edges = (count: number, length: number, contentLength: number, moved: number) =>
		Array.from({ length: count + 1 }, (_, i) => {
			const at = Math.round(((offset + i * grid.stride) * length) / contentLength + moved);
			return Math.max(0, Math.min(length, at));
		});
	const movedX = camera ? (camera.gridX * size.width) / displaySize.width : 0;
	const movedY = camera ? (camera.gridY * size.height) / displaySize.height : 0;
	return {
		xs: edges(grid.cols, size.width, contentSize.width, movedX),
		ys: edges(grid.rows, size.height, contentSize.height, movedY),
	};
}

/**
 * The level of a token that has a `share` (0 to 1) of some total, such as frames. Small and large shares are both
 * visible.
 */
export function heatLevel(share: number): number {
	return share <= 0 ? 0 : Math.max(1, Math.round(255 * Math.sqrt(share)));
}

/** What the tokens of a picture can be coloured by: recomputed in this frame, how often recomputed so far, a map. */
export type HeatKind = 'off' | 'frame' | 'history' | TokenMapKind;

/** What is drawn for a choice: if a run has no such map, the tokens of the frame. */
export function offeredHeat(wish: HeatKind, mapKinds: readonly TokenMapKind[]): HeatKind {
	const isMap = wish !== 'off' && wish !== 'frame' && wish !== 'history';
	return isMap && !mapKinds.includes(wish) ? 'frame' : wish;
}

/**
 * Whether a frame computed in full gets a border instead of a tint: if recomputed tokens are shown, which are then all.
 */
export function framesFull(kind: HeatKind): boolean {
	return kind === 'frame' || kind === 'blocks';
}

/** A colour of cividis or, for a map of clusters, one for each cluster. */
export function heatPaint(kind: HeatKind): (level: number) => Rgb {
	return kind === 'clusters' ? clusterColour : heatColour;
}

/** The levels of a map's tokens: the map itself or, for clusters, colours that differ between neighbours. */
export function mapLevels({ kind, values }: TokenMap, grid: TokenGrid): Uint8Array {
	return kind === 'clusters' ? clusterLevels(values, grid) : values;
}

/** The colour of a heat level from 1 to 255; level 0 leaves the picture unchanged. */
export function heatColour(level: number): Rgb {
	return [CIVIDIS[3 * level]!, CIVIDIS[3 * level + 1]!, CIVIDIS[3 * level + 2]!];
}
