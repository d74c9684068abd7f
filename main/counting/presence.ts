import type { TrackPaths } from '../domain/track-paths.ts';
import type { Size } from '../domain/video.ts';
import { heatLevel } from '../domain/overlay-geometry.ts';
import { anchorOf, type Anchor } from '../domain/zones.ts';

/** Cells along the longer side of the picture: coarse, so that paths of different people meet in them. */
const MOST_CELLS = 64;

/** Where objects have been: a level for each cell of a grid over the whole picture. */
export type PresenceMap = {
	cols: number;
	rows: number;
	/** [rows, cols] As `heatLevel` of the share of the fullest cell: 0 for cells in which nobody was. */
	levels: Uint8Array;
	/** Sightings in the fullest cell: objects times frames. */
	most: number;
};

/** Counts the sightings of all tracks, or of those of one class, by the cell that their anchor lies in. */
export function presenceOf(
	paths: TrackPaths,
	{ width, height }: Size,
	anchor: Anchor,
	classIndex: number | null,
): PresenceMap {
	const cell = Math.max(width, height) / MOST_CELLS;
	const cols = Math.max(1, Math.round(width / cell));
	const rows = Math.max(1, Math.round(height / cell));
	const counts = new Uint32Array(cols * rows);
	const { identities, classIndices, offsets, boxesXyxy: boxes } = paths;
	for (let t = 0; t < identities.length; t++) {
		if (classIndex !== null && classIndices[t] !== classIndex) continue;
		for (let at = 4 * offsets[t]!; at < 4 * offsets[t + 1]!; at += 4) {
			const [x, y] = anchorOf([boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!], anchor);
			// Feet that a box puts below the picture stand at its edge.
			const col = Math.max(0, Math.min(cols - 1, Math.floor((x * cols) / width)));
			const row = Math.max(0, Math.min(rows - 1, Math.floor((y * rows) / height)));
			counts[row * cols + col]!++;
		}
	}
	const most = counts.reduce((max, count) => Math.max(max, count), 0);
	return {
		cols,
		rows,
		levels: Uint8Array.from(counts, (count) => (most ? heatLevel(count / most) : 0)),
		most,
	};
}
