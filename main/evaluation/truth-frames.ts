import type { Detections } from '../domain/detections.ts';
import { reachesLeast } from '../domain/least-scores.ts';
import type { StoredRun } from '../results/stored-run.ts';
import {
	cocoAveragePrecision,
	matchPicture,
	mean,
	RIGHT,
	WRONG,
	type PictureMatches,
} from './average-precision.ts';
import { inModelTerms, modelClassesOf } from './evaluate-run.ts';
import type { GroundTruth, TruthObjects } from './ground-truth/ground-truth.ts';

/** The overlap from which on a box shows an object. */
const IOU = 0.5;

/** What became of a detection; `VERDICT.unjudged`: it lies on an ignored object, or the truth does not know its class. */
export const VERDICT = { unjudged: 0, right: 1, wrong: 2 } as const;

/** Detections and objects of some frames, against the truth, in columns. */
export type TruthMarks = {
	/** Per frame, 1 where the truth knows it. */
	known: Uint8Array;
	/** [frames + 1] Where the verdicts of a frame begin, one for each stored detection. */
	offsets: Uint32Array;
	/** Values of `VERDICT`. */
	verdicts: Uint8Array;
	/** [frames + 1] Where the objects of a frame begin. */
	objectOffsets: Uint32Array;
	/** [objects, 4] Left, top, right, bottom in displayed pixels of the video. */
	objectBoxes: Float32Array;
	/** The model's numbers. */
	objectClasses: Uint16Array;
	/** The score of the detection that found it: it is missed where that is not shown. NaN where nothing did. */
	objectScores: Float32Array;
};

/** What is shown against the truth, frame by frame of those that the truth knows. */
export type TruthTimeline = {
	frameIndices: Int32Array;
	/** Shown boxes that are right and wrong, objects that nothing shown has found. */
	right: Uint16Array;
	wrong: Uint16Array;
	missed: Uint16Array;
	/** Frames around each, itself included, that `ap50` is over. */
	windowFrames: number;
	/** AP50 of these frames, mean over the classes that have objects there; NaN where they have fewer than `LEAST_OBJECTS`. */
	ap50: Float32Array;
};

export const WINDOW_FRAMES = 50;
/** An average precision of fewer says nothing. */
export const LEAST_OBJECTS = 20;
/** Places at which `ap50` is computed; between them it stays. */
const MOST_PLACES = 400;

/** A run beside the truth, class by class as `evaluateRun` has it. */
export class TruthFrames {
	readonly #run: StoredRun;
	readonly #truth: GroundTruth;
	/** By class of the truth. */
	readonly #classOf: readonly number[];
	readonly #classes: readonly number[];

	constructor(run: StoredRun, truth: GroundTruth) {
		this.#run = run;
		this.#truth = truth;
		this.#classOf = modelClassesOf(truth, run.header.model.classes);
		this.#classes = [...new Set(this.#classOf)].filter((index) => index >= 0);
	}

	/** The marks of the frames at positions `[from, from + count)`, as far as the run has them. */
	marks(from: number, count: number): TruthMarks {
		const frames = Math.max(0, Math.min(count, this.#run.frameCount - from));
		const known = new Uint8Array(frames);
		const offsets = new Uint32Array(frames + 1);
		const objectOffsets = new Uint32Array(frames + 1);
		const [verdicts, boxes, classes, scores]: number[][] = [[], [], [], []];
		for (let f = 0; f < frames; f++) {
			const found = this.#run.detections(from + f);
			const own = new Array<number>(found.count).fill(VERDICT.unjudged);
			const truth = this.#objectsAt(from + f);
			if (truth) {
				known[f] = 1;
				for (const classIndex of this.#classes) {
					const matches = matchPicture({ found, truth }, classIndex, IOU);
					matches.detections.forEach((row, i) => (own[row] = verdictOf(matches.verdicts[i]!)));
					matches.objects.forEach((row, i) => {
						boxes!.push(...truth.boxesXyxy.subarray(4 * row, 4 * row + 4));
						classes!.push(classIndex);
						scores!.push(scoreOf(found, matches.foundBy[i]!));
					});
				}
			}
			verdicts!.push(...own);
			offsets[f + 1] = verdicts!.length;
			objectOffsets[f + 1] = classes!.length;
		}
		return {
			known,
			offsets,
			verdicts: Uint8Array.from(verdicts!),
			objectOffsets,
			objectBoxes: Float32Array.from(boxes!),
			objectClasses: Uint16Array.from(classes!),
			objectScores: Float32Array.from(scores!),
		};
	}

	/** Counts of all frames, and average precision over time. Yields between frames. */
	*timeline(): Generator<void, TruthTimeline> {
		const { displayThresholds } = this.#run.header;
		const rows: { frame: number; right: number; wrong: number; missed: number; judged: Judged[] }[] = [];
		for (let position = 0; position < this.#run.frameCount; position++) {
			const truth = this.#objectsAt(position);
			if (!truth) continue;
			const found = this.#run.detections(position);
			const row = { frame: this.#run.frames.frameIndex[position]!, right: 0, wrong: 0, missed: 0 };
			const judged: Judged[] = [];
			for (const classIndex of this.#classes) {
				const matches = matchPicture({ found, truth }, classIndex, IOU);
				if (matches.detections.length === 0 && matches.objects.length === 0) continue;
				const isShown = (score: number) => reachesLeast(displayThresholds, classIndex, score);
				const scores = matches.detections.map((i) => found.scores[i]!);
				scores.forEach((score, i) => {
					if (!isShown(score)) return;
					if (matches.verdicts[i] === RIGHT) row.right++;
					else if (matches.verdicts[i] === WRONG) row.wrong++;
				});
				for (const by of matches.foundBy) if (by < 0 || !isShown(found.scores[by]!)) row.missed++;
				judged.push({ classIndex, scores, matches });
			}
			rows.push({ ...row, judged });
			yield;
		}
		const stride = Math.max(1, Math.ceil(rows.length / MOST_PLACES));
		const ap50 = new Float32Array(rows.length);
		for (let place = 0; place < rows.length; place += stride) {
			const middle = place + (stride >> 1);
			const from = Math.max(0, Math.min(middle - (WINDOW_FRAMES >> 1), rows.length - WINDOW_FRAMES));
			ap50.fill(
				averagePrecision(rows.slice(from, from + WINDOW_FRAMES).flatMap(({ judged }) => judged)),
				place,
				place + stride,
			);
			yield;
		}
		return {
			frameIndices: Int32Array.from(rows, ({ frame }) => frame),
			right: Uint16Array.from(rows, ({ right }) => right),
			wrong: Uint16Array.from(rows, ({ wrong }) => wrong),
			missed: Uint16Array.from(rows, ({ missed }) => missed),
			windowFrames: WINDOW_FRAMES,
			ap50,
		};
	}

	#objectsAt(position: number): TruthObjects | null {
		const objects = this.#truth.frames.get(this.#run.frames.frameIndex[position]!);
		const { displaySize } = this.#run.header.video;
		return objects ? inModelTerms(objects, this.#classOf, this.#truth.pictureSize, displaySize) : null;
	}
}

/** One class in one frame. */
type Judged = { classIndex: number; scores: readonly number[]; matches: PictureMatches };

/** AP50, mean over the classes that have objects; NaN for too few objects. */
function averagePrecision(judged: readonly Judged[]): number {
	const objects = judged.reduce((sum, { matches }) => sum + matches.objects.length, 0);
	if (objects < LEAST_OBJECTS) return Number.NaN;
	const values = [...new Set(judged.map(({ classIndex }) => classIndex))].flatMap((classIndex) => {
		const own = judged.filter((one) => one.classIndex === classIndex);
		const all = own.flatMap(({ scores, matches }) =>
			scores.map((score, i) => ({ score, verdict: matches.verdicts[i]! })),
		);
		all.sort((a, b) => b.score - a.score);
		const value = cocoAveragePrecision(
			{
				truthCount: own.reduce((sum, { matches }) => sum + matches.objects.length, 0),
				scores: Float32Array.from(all, ({ score }) => score),
				ious: [IOU],
				verdicts: [Uint8Array.from(all, ({ verdict }) => verdict)],
			},
			0,
		);
		return value === null ? [] : [value];
	});
	return mean(values);
}

function verdictOf(verdict: number): number {
	if (verdict === RIGHT) return VERDICT.right;
	return verdict === WRONG ? VERDICT.wrong : VERDICT.unjudged;
}

function scoreOf({ scores }: Detections, row: number): number {
	return row < 0 ? Number.NaN : scores[row]!;
}
