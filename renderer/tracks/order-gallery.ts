import type { BestSightings } from '../../main/counting/best-sightings.ts';
import type { GalleryOrder } from '../../preload/tracks-contract.ts';

/**
 * The rows of `best` to show: of those in `wanted`, and in the zone if one is asked for, in an order. What is first in it is largest,
 * surest, or was seen for the longest time; equals stay in the order of their first sightings.
 */
export function galleryRows(
	best: BestSightings,
	wanted: ReadonlySet<number>,
	inZone: ReadonlySet<number> | null,
	order: GalleryOrder,
): Int32Array {
	const { identities, scores, firstSeconds, lastSeconds } = best;
	const rows = Int32Array.from(identities.keys()).filter((row) => {
		const identity = identities[row]!;
		return wanted.has(identity) && (inZone?.has(identity) ?? true);
	});
	if (order === 'first') return rows;
	const sizes = order === 'size' ? rowsOf(best, (row) => sizeOf(best, row)) : scores;
	const weights = order === 'longest' ? rowsOf(best, (row) => lastSeconds[row]! - firstSeconds[row]!) : sizes;
	return rows.sort((a, b) => weights[b]! - weights[a]! || a - b);
}

/** The square root of the area of a box, in pixels of the video. */
export function sizeOf({ boxesXyxy: boxes }: BestSightings, row: number): number {
	const [left, top, right, bottom] = boxes.subarray(4 * row, 4 * row + 4);
	return Math.sqrt(Math.max(0, right! - left!) * Math.max(0, bottom! - top!));
}

function rowsOf({ identities }: BestSightings, weight: (row: number) => number): Float64Array {
	return Float64Array.from(identities, (_, row) => weight(row));
}
