import { expect, it } from 'vitest';
import type { BestSightings } from '../../main/counting/best-sightings.ts';
import type { GalleryOrder } from '../../preload/tracks-contract.ts';
import { galleryRows } from './order-gallery.ts';

/** Three objects: a small one, a large one, and one as sure as the large one that stays. */
const BEST: BestSightings = {
	identities: Int32Array.of(5, 2, 8),
	classIndices: Uint16Array.of(0, 0, 0),
	frameIndices: Int32Array.of(10, 20, 30),
	timesSeconds: Float64Array.of(1, 2, 3),
	boxesXyxy: Float32Array.of(0, 0, 10, 10, 0, 0, 90, 90, 0, 0, 40, 40),
	scores: Float32Array.of(0.5, 0.9, 0.9),
	firstFrames: Int32Array.of(5, 15, 25),
	firstSeconds: Float64Array.of(0.5, 1.5, 2.5),
	lastFrames: Int32Array.of(15, 20, 99),
	lastSeconds: Float64Array.of(1.5, 2, 9.9),
	sightings: Int32Array.of(11, 6, 75),
};
const ALL = new Set([2, 5, 8]);

it.each<[order: GalleryOrder, who: number[], wanted?: Set<number>, inZone?: Set<number>]>([
	['first', [5, 2, 8]],
	['score', [2, 8, 5]],
	['size', [2, 8, 5]],
	['longest', [8, 5, 2]],
	['longest', [5, 2], new Set([2, 5])],
	['size', [8, 5], ALL, new Set([5, 8])],
	['first', [], ALL, new Set()],
])('by %s it shows %j', (order, who, wanted = ALL, inZone) => {
	const rows = galleryRows(BEST, wanted, inZone ?? null, order);
	expect(Array.from(rows, (row) => BEST.identities[row])).toEqual(who);
});
