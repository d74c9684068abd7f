import { Detections } from '../../../domain/detections.ts';
import type { Letterbox } from '../../../domain/frame.ts';
import type { Size } from '../../../domain/video.ts';
import { clipBoxes } from '../../box-deltas.ts';
import { suppressPerClass } from '../../nms.ts';
import type { VitDetConfig } from './config.ts';
import type { Predictions } from './heads.ts';

/** Detections in input pixels: columns of equal length, best first. */
export type Picked = { classIndices: Uint16Array; scores: Float32Array; boxesXyxy: Float32Array };

/**
 * Every pair of a proposal and a class whose probability is above `scoreThreshold`, its box clipped to the whole input,
 * thinned out per class (detectron2, fast_rcnn_inference).
 */
export function pickDetections(
	{ boxes, probabilities }: Omit<Predictions, 'macs'>,
	config: VitDetConfig,
	inputSize: Size,
	scoreThreshold: number,
): Picked {
	const classes = config.classes.length;
	const { iou, max, classAgnostic } = config.boxes;
	const clipped = clipBoxes(boxes.slice(), inputSize);
	const threshold = Math.fround(scoreThreshold); // as the probabilities are: 0.05 is not above 0.05
	const candidates: { classIndex: number; score: number; box: number }[] = [];
	for (let i = 0; i < probabilities.length / (classes + 1); i++) {
		for (let classIndex = 0; classIndex < classes; classIndex++) {
			const score = probabilities[i * (classes + 1) + classIndex]!;
			if (!(score > threshold)) continue;
			candidates.push({ classIndex, score, box: 4 * (classAgnostic ? i : i * classes + classIndex) });
		}
	}
	candidates.sort((a, b) => b.score - a.score); // stable: earlier proposals first among equals
	const boxesXyxy = new Float32Array(4 * candidates.length);
	candidates.forEach(({ box }, i) => boxesXyxy.set(clipped.subarray(box, box + 4), 4 * i));
	const classIndices = Uint16Array.from(candidates, ({ classIndex }) => classIndex);
	const kept = suppressPerClass({ classIndices, boxesXyxy, count: candidates.length }, iou, max);
	return {
		classIndices: Uint16Array.from(kept, (i) => classIndices[i]!),
		scores: Float32Array.from(kept, (i) => candidates[i]!.score),
		boxesXyxy: Float32Array.from(
			{ length: 4 * kept.length },
			(_, j) => boxesXyxy[4 * kept[j >> 2]! + (j & 3)]!,
		),
	};
}

/** Boxes of the padded input in displayed video pixels, clipped to the picture; what lies in the padding only is left out. */
export function toDisplay(picked: Picked, { contentSize, displaySize }: Letterbox): Detections {
	const boxes = clipBoxes(picked.boxesXyxy.slice(), contentSize);
	const scaleX = displaySize.width / contentSize.width;
	const scaleY = displaySize.height / contentSize.height;
	for (let at = 0; at < boxes.length; at++) boxes[at]! *= at % 2 === 0 ? scaleX : scaleY;
	return new Detections(picked.classIndices, picked.scores, boxes).filter(
		(i) => boxes[4 * i + 2]! > boxes[4 * i]! && boxes[4 * i + 3]! > boxes[4 * i + 1]!,
	);
}
