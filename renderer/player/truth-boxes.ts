import { reachesLeast } from '../../main/domain/least-scores.ts';
import { boxRect } from '../../main/domain/overlay-geometry.ts';
import { inkOn } from '../../main/domain/palette.ts';
import type { Size } from '../../main/domain/video.ts';
import type { FrameTruth, RunFrames } from './frame-view.ts';
import type { BoxMark, TruthMark } from './box-mark.ts';

/** Each has a colour, a dash in CSS pixels (0 = solid) and a sign in its label. */
export const TRUTH_LOOKS: Readonly<Record<TruthMark, { colour: string; dash: number; sign: string }>> = {
	right: { colour: '#00a87a', dash: 0, sign: '✓' },
	wrong: { colour: '#e8602c', dash: 8, sign: '✕' },
	missed: { colour: '#f2c94c', dash: 2, sign: '?' },
};

/** Of what the truth says nothing about: a class may have the colour of a mark. */
export const UNJUDGED_COLOUR = '#9aa3b0';

/** By `VERDICT`. */
const MARKS: readonly (TruthMark | null)[] = [null, 'right', 'wrong'];

/** The box of a detection as the truth judges it. */
export function judged(box: BoxMark, truth: FrameTruth, detection: number): BoxMark {
	const truthMark = MARKS[truth.verdicts[detection] ?? 0] ?? null;
	return truthMark ? marked(box, truthMark) : { ...box, paper: UNJUDGED_COLOUR, ink: inkOn(UNJUDGED_COLOUR) };
}

/** Boxes of the objects that nothing shown has found. */
export function missedBoxes(
	run: RunFrames,
	truth: FrameTruth,
	size: Size,
	word: (className: string) => string,
): BoxMark[] {
	const { objectBoxes, objectClasses, objectScores } = truth;
	return Array.from(objectClasses).flatMap((classIndex, j) => {
		if (reachesLeast(run.displayThresholds, classIndex, objectScores[j]!)) return [];
		const box = Array.from(objectBoxes.subarray(4 * j, 4 * j + 4)) as [number, number, number, number];
		const rect = boxRect(box, run.letterbox.displaySize, size);
		if (rect === null) return [];
		const label = word(run.classes[classIndex] ?? String(classIndex));
		const plain = { rect, label, short: label, who: '', paper: '', ink: '', stale: false, chosen: false };
		return [marked({ ...plain, truthMark: null }, 'missed')];
	});
}

function marked(box: BoxMark, truthMark: TruthMark): BoxMark {
	const { colour, sign } = TRUTH_LOOKS[truthMark];
	const signed = (words: string) => `${sign} ${words}`.trim();
	return {
		...box,
		truthMark,
		paper: colour,
		ink: inkOn(colour),
		label: signed(box.label),
		short: signed(box.short),
		who: signed(box.who),
	};
}
