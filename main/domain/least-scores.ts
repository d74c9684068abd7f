/**
 * The least score, 0 to 1, that a detection of each class needs to be shown, counted, compared or exported: by class
 * index. A class that a model is rarely right about needs more.
 */
export type LeastScores = readonly number[];

/** One score for all classes. */
export function sameLeastScore(classCount: number, score: number): number[] {
	return new Array<number>(classCount).fill(score);
}

/** Whether a detection of a class reaches its least score. */
export function reachesLeast(least: LeastScores, classIndex: number, score: number): boolean {
	return score >= least[classIndex]!;
}

/** Every class from `score` on, or from its own least score on where that is lower. */
export function loweredTo(score: number, least: LeastScores): number[] {
	return least.map((own) => Math.min(own, score));
}

/** What reaches both. */
export function higherOf(a: LeastScores, b: LeastScores): number[] {
	return a.map((score, classIndex) => Math.max(score, b[classIndex]!));
}
