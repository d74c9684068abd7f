import { classPlaces } from '../domain/class-mapping.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { TruthCoverage } from '../domain/truth-coverage.ts';
import type { Size } from '../domain/video.ts';
import type { StoredRun } from '../results/stored-run.ts';
import {
	allPointAveragePrecision,
	cocoAveragePrecision,
	countVerdicts,
	judge,
	mean,
	type Picture,
} from './average-precision.ts';
import type { GroundTruth, TruthObjects } from './ground-truth/ground-truth.ts';

/** Accuracies against ground truth, 0 to 1; null if there is nothing to find or nothing was found. */
export type Accuracy = {
	/** COCO's average precision at an overlap of 0.5. */
	ap50: number | null;
	/** COCO's average precision, mean over overlaps of 0.5 to 0.95. */
	ap50to95: number | null;
	/** Area under the whole curve at an overlap of 0.5. */
	ap50AllPoint: number | null;
	/** Precision and recall of the shown detections, at an overlap of 0.5. */
	precision: number | null;
	recall: number | null;
};

export type ClassEvaluation = Accuracy & {
	className: string;
	/** Objects that count, in the compared frames. */
	truthCount: number;
	/** Lowest score of a shown detection; applies to precision and recall only. */
	displayThreshold: number;
};

export type Evaluation = TruthCoverage & {
	truthPath: string;
	truthFormat: string;
	/** Classes that the model and the truth both know, as the model names them. */
	classes: ClassEvaluation[];
	/** Means over the classes that have objects; precision and recall are of all their detections together. */
	mean: Accuracy;
	/** Classes of the truth that the model doesn't know: left out. */
	unknownClasses: string[];
	/** Classes of the truth that this model knows and one beside it doesn't: left out. */
	unsharedClasses: string[];
};

/**
 * Evaluates a run against ground truth: in the frames both have, for the classes both know, by name or synonym, and that the
 * models of the runs `beside` it know as well, so that their means are of the same classes. Truth of pictures of another size is
 * scaled to the video's. Throws `truth-unreadable` if they have no frame or no class in common.
 */
export function evaluateRun(
	run: StoredRun,
	truth: GroundTruth,
	beside: readonly StoredRun[] = [],
): Evaluation {
	const modelClasses = run.header.model.classes;
	const known = modelClassesOf(truth, modelClasses);
	const elsewhere = beside.map(({ header }) => modelClassesOf(truth, header.model.classes));
	const isShared = (truthClass: number) => elsewhere.every((places) => places[truthClass]! >= 0);
	const classOf = known.map((own, truthClass) => (isShared(truthClass) ? own : -1));
	if (classOf.every((index) => index < 0)) {
		throw new UserFacingError(
			'truth-unreadable',
			`${truth.path}: a class that ${beside.length > 0 ? 'every compared model' : 'the model'} knows was expected (got ${truth.classNames.join(', ') || 'none'}).`,
		);
	}
	const pictures = commonPictures(run, truth, classOf);

	const classes: ClassEvaluation[] = [];
	const shown = { right: 0, wrong: 0, missed: 0 };
	for (const classIndex of [...new Set(classOf)].filter((index) => index >= 0).sort((a, b) => a - b)) {
		const judgement = judge(pictures, classIndex);
		const displayThreshold = run.header.displayThresholds[classIndex]!;
		const counts = countVerdicts(judgement, 0, displayThreshold);
		if (judgement.truthCount > 0) {
			shown.right += counts.right;
			shown.wrong += counts.wrong;
			shown.missed += counts.missed;
		}
		classes.push({
			className: modelClasses[classIndex]!,
			truthCount: judgement.truthCount,
			displayThreshold,
			ap50: cocoAveragePrecision(judgement, 0),
			ap50to95: cocoAveragePrecision(judgement),
			ap50AllPoint: allPointAveragePrecision(judgement, 0),
			...precisionAndRecall(counts),
		});
	}
	const meanOf = (name: 'ap50' | 'ap50to95' | 'ap50AllPoint'): number | null => {
		const values = classes.map((entry) => entry[name]).filter((value) => value !== null);
		return values.length > 0 ? mean(values) : null;
	};
	return {
		truthPath: truth.path,
		truthFormat: truth.format,
		truthForm: truth.form,
		framesCounted: pictures.length,
		framesOfRun: run.frameCount,
		framesOfTruth: truth.frames.size,
		remarks: truth.remarks,
		classes,
		mean: {
			ap50: meanOf('ap50'),
			ap50to95: meanOf('ap50to95'),
			ap50AllPoint: meanOf('ap50AllPoint'),
			...precisionAndRecall(shown),
		},
		unknownClasses: truth.classNames.filter((_, i) => known[i]! < 0),
		unsharedClasses: truth.classNames.filter((_, i) => known[i]! >= 0 && !isShared(i)),
	};
}

/** By class of the truth, the model's number of the class of that name or a synonym; −1 where it has none. */
export function modelClassesOf(truth: GroundTruth, modelClasses: readonly string[]): number[] {
	return classPlaces(truth.classNames, modelClasses);
}

function commonPictures(run: StoredRun, truth: GroundTruth, classOf: readonly number[]): Picture[] {
	const pictures: Picture[] = [];
	for (let position = 0; position < run.frameCount; position++) {
		const objects = truth.frames.get(run.frames.frameIndex[position]!);
		if (!objects) continue;
		pictures.push({
			found: run.detections(position),
			truth: inModelTerms(objects, classOf, truth.pictureSize, run.header.video.displaySize),
		});
	}
	if (pictures.length > 0) return pictures;
	throw new UserFacingError(
		'truth-unreadable',
		`${truth.path}: a frame of the run was expected (the run has ${span(run.frames.frameIndex)}, the truth ${span([...truth.frames.keys()])}).`,
	);
}

/** `objects` with the model's class numbers, in pixels of the displayed video; unknown classes are left out. */
export function inModelTerms(
	objects: TruthObjects,
	classOf: readonly number[],
	pictureSize: Size | null,
	displaySize: Size,
): TruthObjects {
	const known = Array.from(objects.classIndices.keys()).filter(
		(i) => classOf[objects.classIndices[i]!]! >= 0,
	);
	const scaleX = pictureSize ? displaySize.width / pictureSize.width : 1;
	const scaleY = pictureSize ? displaySize.height / pictureSize.height : 1;
	const boxesXyxy = new Float32Array(4 * known.length);
	for (const [row, i] of known.entries()) {
		for (let side = 0; side < 4; side++) {
			boxesXyxy[4 * row + side] = objects.boxesXyxy[4 * i + side]! * (side % 2 === 0 ? scaleX : scaleY);
		}
	}
	return {
		classIndices: Uint16Array.from(known, (i) => classOf[objects.classIndices[i]!]!),
		boxesXyxy,
		roles: Uint8Array.from(known, (i) => objects.roles[i]!),
	};
}

function precisionAndRecall(counts: { right: number; wrong: number; missed: number }): {
	precision: number | null;
	recall: number | null;
} {
	const { right, wrong, missed } = counts;
	return {
		precision: right + wrong > 0 ? right / (right + wrong) : null,
		recall: right + missed > 0 ? right / (right + missed) : null,
	};
}

function span(frameIndices: ArrayLike<number>): string {
	let lowest = Infinity;
	let highest = -Infinity;
	for (let i = 0; i < frameIndices.length; i++) {
		lowest = Math.min(lowest, frameIndices[i]!);
		highest = Math.max(highest, frameIndices[i]!);
	}
	return frameIndices.length > 0 ? `frames ${lowest} to ${highest}` : 'no frames';
}
