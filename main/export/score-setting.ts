import type { Detections } from '../domain/detections.ts';
import type { SettingSpec } from '../domain/settings-table.ts';

/** For data formats: everything that was stored, unless told otherwise. */
export const MIN_SCORE: SettingSpec = {
	kind: 'number',
	default: 0,
	min: 0,
	max: 1,
	step: 0.01,
	description: 'Detections with a lower score are left out; 0 keeps all that the run stored.',
};

/** The detections with at least `minScore`. */
export function scoredAtLeast(detections: Detections, minScore: number): Detections {
	return minScore > 0 ? detections.filter((i) => detections.scores[i]! >= minScore) : detections;
}

/** Scores, seconds, pixels and milliseconds as they are written: enough figures, no float noise. */
export function rounded(value: number, decimals: number): number {
	return Number(value.toFixed(decimals));
}
