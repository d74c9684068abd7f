import { Detections } from '../domain/detections.ts';
import type { Letterbox } from '../domain/frame.ts';
import { clipBoxes } from './box-deltas.ts';
import { suppressPerClass } from './nms.ts';

/** Boxes of a frame in input pixels, before or after suppression; columns of equal length. */
export type BoxColumns = {
	/** From 0. */
	classIndices: Int32Array;
	scores: Float32Array;
	/** [n, 4]: left, top, right, bottom. */
	boxesXyxy: Float32Array;
};

/**
 * Every pair of a box and a class that scores more than `scoreThreshold`. `probabilities` [n, classes + 1], the background
 * last; `boxes` [n, 4], or [n, classes · 4] where every class has its own.
 */
export function probableBoxes(
	boxes: Float32Array,
	probabilities: Float32Array,
	classes: number,
	scoreThreshold: number,
): BoxColumns {
	const threshold = Math.fround(scoreThreshold); // as the probabilities are: 0.05 is not above 0.05
	const rows = probabilities.length / (classes + 1);
	const agnostic = boxes.length === 4 * rows;
	const found: { classIndex: number; score: number; at: number }[] = [];
	for (let row = 0; row < rows; row++) {
		for (let classIndex = 0; classIndex < classes; classIndex++) {
			const score = probabilities[row * (classes + 1) + classIndex]!;
			if (!(score > threshold)) continue;
			found.push({ classIndex, score, at: 4 * (agnostic ? row : row * classes + classIndex) });
		}
	}
	const boxesXyxy = new Float32Array(4 * found.length);
	found.forEach(({ at }, i) => boxesXyxy.set(boxes.subarray(at, at + 4), 4 * i));
	return {
		classIndices: Int32Array.from(found, ({ classIndex }) => classIndex),
		scores: Float32Array.from(found, ({ score }) => score),
		boxesXyxy,
	};
}

/** Best first, at most `max`, and of boxes of one class that overlap by more than `iou` only the best. */
export function keepBest(candidates: BoxColumns, iou: number, max: number): BoxColumns {
	const { scores } = candidates;
	const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!); // stable: earlier ones first
	const sorted = takeRows(candidates, order);
	const kept = suppressPerClass({ ...sorted, count: scores.length }, iou, max);
	return takeRows(sorted, kept);
}

/** Boxes of the padded input in displayed video pixels, clipped to the picture; empty ones are left out. */
export function toDisplay(boxes: BoxColumns, letterbox: Letterbox): Detections {
	const boxesXyxy = clipBoxes(boxes.boxesXyxy.slice(), letterbox.contentSize);
	const all = scaleToDisplay({ ...boxes, boxesXyxy }, letterbox);
	const shown = all.boxesXyxy;
	return all.filter((i) => shown[4 * i + 2]! > shown[4 * i]! && shown[4 * i + 3]! > shown[4 * i + 1]!);
}

/** Boxes of the padded input, clipped already, in displayed video pixels. */
export function scaleToDisplay(boxes: BoxColumns, { contentSize, displaySize }: Letterbox): Detections {
	const scaleX = displaySize.width / contentSize.width;
	const scaleY = displaySize.height / contentSize.height;
	const shown = boxes.boxesXyxy.map((side, at) => side * (at % 2 === 0 ? scaleX : scaleY));
	return new Detections(Uint16Array.from(boxes.classIndices), boxes.scores, shown);
}

function takeRows({ classIndices, scores, boxesXyxy }: BoxColumns, rows: readonly number[]): BoxColumns {
	const boxes = new Float32Array(4 * rows.length);
	rows.forEach((row, i) => boxes.set(boxesXyxy.subarray(4 * row, 4 * row + 4), 4 * i));
	return {
		classIndices: Int32Array.from(rows, (row) => classIndices[row]!),
		scores: Float32Array.from(rows, (row) => scores[row]!),
		boxesXyxy: boxes,
	};
}

/** One behind the other. */
export function joinRows(parts: readonly BoxColumns[]): BoxColumns {
	return {
		classIndices: Int32Array.from(parts.flatMap((part) => [...part.classIndices])),
		scores: Float32Array.from(parts.flatMap((part) => [...part.scores])),
		boxesXyxy: Float32Array.from(parts.flatMap((part) => [...part.boxesXyxy])),
	};
}
