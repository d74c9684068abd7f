import type { Agreement } from '../../evaluation/agreement.ts';

/** More would hide the tables. */
const MOST_WORST = 4;
const SHEET_FRAMES = 12;
/** Of the frames that were compared: closer ones show the same scene. */
const LEAST_APART = 1 / 20;

/** A frame in which some run agrees least with what it is measured against. */
export type WorstFrame = { frameIndex: number; f1: number; lost: number; gained: number };

/** The frames in which the runs agree least, the worst first, not next to each other; empty where all agree everywhere. */
export function worstFrames(agreements: readonly (Agreement | null)[]): WorstFrame[] {
	const byFrame = new Map<number, WorstFrame>();
	for (const agreement of agreements) {
		if (!agreement) continue;
		const { frameIndex, f1, lost, gained } = agreement.perFrame;
		for (const [i, frame] of frameIndex.entries()) {
			const own = { frameIndex: frame, f1: f1[i]!, lost: lost[i]!, gained: gained[i]! };
			const before = byFrame.get(frame);
			if (own.lost + own.gained > 0 && (!before || isWorse(own, before))) byFrame.set(frame, own);
		}
	}
	const compared = Math.max(0, ...agreements.map((agreement) => agreement?.framesCompared ?? 0));
	const apart = compared * LEAST_APART;
	const picked: WorstFrame[] = [];
	const candidates = [...byFrame.values()].sort((a, b) => (isWorse(a, b) ? -1 : 1));
	for (const candidate of candidates) {
		if (picked.length === MOST_WORST) break;
		if (picked.every(({ frameIndex }) => Math.abs(frameIndex - candidate.frameIndex) > apart))
			picked.push(candidate);
	}
	return picked;
}

function isWorse(a: WorstFrame, b: WorstFrame): boolean {
	if (a.f1 !== b.f1) return a.f1 < b.f1;
	const [own, other] = [a.lost + a.gained, b.lost + b.gained];
	return own === other ? a.frameIndex < b.frameIndex : own > other;
}

/** Frames of a contact sheet: the first and the last of `frameIndices`, and some at equal distances in between. */
export function sheetFrames(frameIndices: Int32Array): number[] {
	const last = frameIndices.length - 1;
	const count = Math.min(SHEET_FRAMES, frameIndices.length);
	return Array.from(
		{ length: count },
		(_, i) => frameIndices[Math.round((i * last) / Math.max(1, count - 1))]!,
	);
}
