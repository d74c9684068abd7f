import { boxIou, type Detections } from '../domain/detections.ts';
import { assert } from '../domain/errors.ts';
import { COUNTED, CROWD, type TruthObjects } from './ground-truth/ground-truth.ts';

/** 0.5, 0.55 … 0.95, computed as pycocotools computes them. */
export const COCO_IOUS: readonly number[] = Array.from(
	{ length: 10 },
	(_, i) => 0.5 + i * ((0.95 - 0.5) / 9),
);

/** At most this many detections of a class in a picture are judged, best score first, as in pycocotools. */
export const MAX_DETECTIONS = 100;

/** One picture: its detections and its objects, in the same class numbering. */
export type Picture = { found: Detections; truth: TruthObjects };

export const WRONG = 0;
export const RIGHT = 1;
/** Matched an ignored object: does not count. */
export const NEITHER = 2;

/** The detections of one class over all pictures, judged at several overlaps. */
export type Judgement = {
	/** Objects that should have been found. */
	truthCount: number;
	/** Best first; ties in the order of the pictures. */
	scores: Float32Array;
	ious: readonly number[];
	/** Per overlap, a verdict for each score. */
	verdicts: readonly Uint8Array[];
};

/**
 * Judges all detections of a class as pycocotools' `evaluateImg` does: picture by picture, best score first, each takes
 * the free object it overlaps most; ignored objects and crowds come after counted ones and can be matched repeatedly.
 */
export function judge(
	pictures: readonly Picture[],
	classIndex: number,
	ious: readonly number[] = COCO_IOUS,
): Judgement {
	const scores: number[] = [];
	const verdicts: number[][] = ious.map(() => []);
	let truthCount = 0;
	for (const picture of pictures) {
		const { detections, counted, overlaps } = overlapsOf(picture, classIndex);
		truthCount += counted;
		for (const i of detections) scores.push(picture.found.scores[i]!);
		for (const [t, iou] of ious.entries()) {
			for (const match of matchesOf(overlaps, counted, iou)) verdicts[t]!.push(verdictOf(match, counted));
		}
	}
	const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
	return {
		truthCount,
		scores: Float32Array.from(order, (i) => scores[i]!),
		ious,
		verdicts: verdicts.map((column) => Uint8Array.from(order, (i) => column[i]!)),
	};
}

/**
 * COCO's average precision: the mean of the highest precision at or beyond each of 101 recalls, 0 to 1. For the overlap
 * `ious[t]`; without `t` the mean over all overlaps. Null if there is nothing to find.
 */
export function cocoAveragePrecision(judgement: Judgement, t?: number): number | null {
	if (judgement.truthCount === 0) return null;
	const places = t === undefined ? [...judgement.ious.keys()] : [t];
	return mean(places.map((place) => sampledPrecision(judgement, place)));
}

/**
 * All-point average precision: the area under the curve of precision over recall, with precision made non-increasing
 * (PASCAL VOC from 2010 on), 0 to 1, for the overlap `ious[t]`. Null if there is nothing to find. The accuracies in
 * Lookout's model file are of this kind.
 */
export function allPointAveragePrecision(judgement: Judgement, t: number): number | null {
	if (judgement.truthCount === 0) return null;
	const { recall, precision } = curve(judgement, t);
	let area = 0;
	for (let i = 0; i < recall.length; i++) area += (recall[i]! - (i > 0 ? recall[i - 1]! : 0)) * precision[i]!;
	return area;
}

/** Counts of detections of at least `scoreThreshold`. */
export function countVerdicts(
	judgement: Judgement,
	t: number,
	scoreThreshold: number,
): { right: number; wrong: number; missed: number } {
	let right = 0;
	let wrong = 0;
	for (const [i, verdict] of judgement.verdicts[t]!.entries()) {
		if (judgement.scores[i]! < scoreThreshold) break;
		if (verdict === RIGHT) right++;
		else if (verdict === WRONG) wrong++;
	}
	return { right, wrong, missed: judgement.truthCount - right };
}

export function mean(values: readonly number[]): number {
	assert(values.length > 0, 'a mean is of something');
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What became of one class in a picture. */
export type PictureMatches = {
	/** Rows of the judged detections, best first, with their verdicts. */
	detections: readonly number[];
	verdicts: readonly number[];
	/** Rows of the objects that count, and the row of the detection that found each; -1 where none did. */
	objects: readonly number[];
	foundBy: readonly number[];
};

/** Judges the detections of one class in one picture as `judge` does. */
export function matchPicture(picture: Picture, classIndex: number, iou: number): PictureMatches {
	const { detections, objects, counted, overlaps } = overlapsOf(picture, classIndex);
	const matches = matchesOf(overlaps, counted, iou);
	return {
		detections,
		verdicts: matches.map((match) => verdictOf(match, counted)),
		objects: objects.slice(0, counted),
		foundBy: Array.from({ length: counted }, (_, j) => detections[matches.indexOf(j)] ?? -1),
	};
}

/** `overlaps[detection][object]`, the first `counted` objects being the ones that count. */
function overlapsOf({ found, truth }: Picture, classIndex: number) {
	const detections = bestFirst(found, classIndex);
	const objects = countedFirst(truth, classIndex);
	const counted = objects.filter((j) => truth.roles[j] === COUNTED).length;
	const overlaps = detections.map((i) => objects.map((j) => overlap(found, i, truth, j)));
	return { detections, objects, counted, overlaps };
}

function verdictOf(match: number, counted: number): number {
	if (match < 0) return WRONG;
	return match >= counted ? NEITHER : RIGHT;
}

/** By detection, the object that it takes; -1 for none. */
function matchesOf(overlaps: readonly (readonly number[])[], counted: number, iou: number): number[] {
	const taken = new Set<number>();
	return overlaps.map((row) => {
		let best = Math.min(iou, 1 - 1e-10);
		let match = -1;
		for (const [j, overlapped] of row.entries()) {
			if (taken.has(j)) continue;
			if (j === counted && match >= 0) break;
			if (overlapped < best) continue;
			best = overlapped;
			match = j;
		}
		if (match >= 0 && match < counted) taken.add(match);
		return match;
	});
}

function sampledPrecision(judgement: Judgement, t: number): number {
	const { recall, precision } = curve(judgement, t);
	let sum = 0;
	let i = 0;
	for (let step = 0; step <= 100; step++) {
		while (i < recall.length && recall[i]! < step * 0.01) i++;
		sum += precision[i] ?? 0;
	}
	return sum / 101;
}

/** Recall and highest precision from there on, after each detection that counts. */
function curve(judgement: Judgement, t: number): { recall: Float64Array; precision: Float64Array } {
	const verdicts = judgement.verdicts[t]!.filter((verdict) => verdict !== NEITHER);
	const recall = new Float64Array(verdicts.length);
	const precision = new Float64Array(verdicts.length);
	let right = 0;
	for (const [i, verdict] of verdicts.entries()) {
		if (verdict === RIGHT) right++;
		recall[i] = right / judgement.truthCount;
		precision[i] = right / (i + 1);
	}
	for (let i = verdicts.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i]!, precision[i + 1]!);
	return { recall, precision };
}

function bestFirst(found: Detections, classIndex: number): number[] {
	const own = Array.from(found.classIndices.keys()).filter((i) => found.classIndices[i] === classIndex);
	return own.sort((a, b) => found.scores[b]! - found.scores[a]! || a - b).slice(0, MAX_DETECTIONS);
}

function countedFirst(truth: TruthObjects, classIndex: number): number[] {
	const own = Array.from(truth.classIndices.keys()).filter((j) => truth.classIndices[j] === classIndex);
	const isCounted = (j: number): boolean => truth.roles[j] === COUNTED;
	return [...own.filter(isCounted), ...own.filter((j) => !isCounted(j))];
}

/** Intersection over union; for a crowd, the part of the detection that lies inside. */
function overlap(found: Detections, i: number, truth: TruthObjects, j: number): number {
	if (truth.roles[j] !== CROWD) return boxIou(found.boxesXyxy, i, truth.boxesXyxy, j);
	const [left, top, right, bottom] = found.box(i);
	const crowd = truth.boxesXyxy.subarray(4 * j, 4 * j + 4);
	const width = Math.min(right, crowd[2]!) - Math.max(left, crowd[0]!);
	const height = Math.min(bottom, crowd[3]!) - Math.max(top, crowd[1]!);
	return width > 0 && height > 0 ? (width * height) / ((right - left) * (bottom - top)) : 0;
}
