import { boxIou, type Detections } from './detections.ts';

/** How one frame's detections compare with those of a reference. */
export type FrameAgreement = {
	/** Pairs of the same class with enough overlap. */
	matched: number;
	/** Reference detections without a partner. */
	lost: number;
	/** Detections without a partner in the reference. */
	gained: number;
	/** Over the pairs, 0 to 1; 1 if both are empty, 0 if nothing matched. */
	meanIou: number;
	/** Twice the pairs over all detections of both, 0 to 1; 1 if both are empty. */
	f1: number;
};

/**
 * Pairs `found` with `reference`, class by class: best score first, each takes the free reference detection of
 * its class that it overlaps most, if that is at least `iou`.
 */
export function compareDetections(found: Detections, reference: Detections, iou = 0.5): FrameAgreement {
	const taken = new Uint8Array(reference.count);
	const byScore = Array.from(found.scores.keys()).sort((a, b) => found.scores[b]! - found.scores[a]!);
	let matched = 0;
	let iouSum = 0;
	for (const i of byScore) {
		let best = -1;
		let bestIou = iou;
		for (let j = 0; j < reference.count; j++) {
			if (taken[j] || reference.classIndices[j] !== found.classIndices[i]) continue;
			const overlap = boxIou(found.boxesXyxy, i, reference.boxesXyxy, j);
			if (overlap > bestIou || (best < 0 && overlap === bestIou)) {
				best = j;
				bestIou = overlap;
			}
		}
		if (best < 0) continue;
		taken[best] = 1;
		matched++;
		iouSum += bestIou;
	}
	return { matched, ...agreementScores(matched, iouSum, found.count - matched, reference.count - matched) };
}

/** Pairs, and what found none on either side. */
export type MatchCounts = Pick<FrameAgreement, 'matched' | 'lost' | 'gained'>;

/** Twice the pairs over all detections of both, 0 to 1; 1 if both are empty. */
export function f1Of({ matched, lost, gained }: MatchCounts): number {
	const all = 2 * matched + lost + gained;
	return all === 0 ? 1 : (2 * matched) / all;
}

/** F1 and mean IoU from sums over pairs. */
export function agreementScores(
	matched: number,
	iouSum: number,
	gained: number,
	lost: number,
): { lost: number; gained: number; f1: number; meanIou: number } {
	const none = matched + lost + gained === 0;
	return {
		lost,
		gained,
		f1: f1Of({ matched, lost, gained }),
		meanIou: none ? 1 : matched === 0 ? 0 : iouSum / matched,
	};
}
