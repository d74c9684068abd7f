import type { Size } from '../../domain/video.ts';
import { clipBoxes } from '../../boxes/box-deltas.ts';
import { type BoxColumns, keepBest, probableBoxes } from '../../boxes/candidates.ts';
import type { VitDetConfig } from './config.ts';
import type { Predictions } from './heads.ts';

/**
 * Every pair of a proposal and a class whose probability is above `scoreThreshold`, its box clipped to the whole input,
 * thinned out per class (detectron2, fast_rcnn_inference); in input pixels, best first.
 */
export function pickDetections(
	{ boxes, probabilities }: Predictions,
	config: VitDetConfig,
	inputSize: Size,
	scoreThreshold: number,
): BoxColumns {
	const { iou, max } = config.boxes;
	const clipped = clipBoxes(boxes.slice(), inputSize);
	return keepBest(probableBoxes(clipped, probabilities, config.classes.length, scoreThreshold), iou, max);
}
