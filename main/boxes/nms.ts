import { boxIou } from '../domain/detections.ts';

/** Boxes before suppression, best score first; columns of equal length. */
export type Candidates = { classIndices: ArrayLike<number>; boxesXyxy: Float32Array; count: number };

/**
 * Greedy non-maximum suppression per class: a box goes when a better one of its class overlaps it by more
 * than `iou`. Returns the indices of at most `max` kept boxes, best first.
 */
export function suppressPerClass(candidates: Candidates, iou: number, max: number): number[] {
	const { classIndices, boxesXyxy, count } = candidates;
	const kept: number[] = [];
	for (let i = 0; i < count && kept.length < max; i++) {
		const covered = kept.some(
			(better) => classIndices[better] === classIndices[i] && boxIou(boxesXyxy, better, boxesXyxy, i) > iou,
		);
		if (!covered) kept.push(i);
	}
	return kept;
}
