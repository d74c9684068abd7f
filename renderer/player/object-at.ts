import { reachesLeast } from '../../main/domain/least-scores.ts';
import type { Point } from '../../main/domain/placement.ts';
import type { RunFrames } from './frame-view.ts';

/**
 * Who is followed at a place in displayed video pixels: of the shown boxes around it, the smallest one that belongs to somebody; 0
 * for nobody.
 */
export function objectAt(run: RunFrames, frameIndex: number, { x, y }: Point): number {
	const view = run.frame(frameIndex, true);
	const identities = view && run.identitiesOf(view.frameIndex);
	if (!view || !identities) return 0;
	const { detections } = view;
	let [found, least] = [0, Infinity];
	for (let i = 0; i < detections.count; i++) {
		if (!identities[i] || !reachesLeast(run.displayThresholds, detections.classIndices[i]!, detections.scores[i]!)) continue; // prettier-ignore
		const [left, top, right, bottom] = detections.box(i);
		const area = (right - left) * (bottom - top);
		if (x < left || x > right || y < top || y > bottom || area >= least) continue;
		[found, least] = [identities[i]!, area];
	}
	return found;
}
