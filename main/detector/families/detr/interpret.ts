import { Detections } from '../../../domain/detections.ts';
import type { Size } from '../../../domain/video.ts';
import { COCO_ID_COUNT, COCO_INDEX_BY_ID, COCO_NAMES } from '../../coco-names.ts';
import type { DetrConfig } from './config.ts';
import { postProcess } from './post-process.ts';

/** What the labels of a head mean. */
export type DetrClasses = {
	names: readonly string[];
	/** Place in `names` by label; −1 = a label that means nothing. */
	indexByLabel: Int32Array;
};

/** COCO's classes where the head has as many labels as COCO has ids or classes, else numbered ones. */
export function classesOf(config: Pick<DetrConfig, 'host' | 'logits'>): DetrClasses {
	const labels = config.host === 'detr' ? config.logits - 1 : config.logits;
	if (labels === COCO_ID_COUNT) return { names: COCO_NAMES, indexByLabel: COCO_INDEX_BY_ID };
	const indexByLabel = Int32Array.from({ length: labels }, (_, label) => label);
	if (labels === COCO_NAMES.length) return { names: COCO_NAMES, indexByLabel };
	return { names: Array.from(indexByLabel, (label) => `class ${label}`), indexByLabel };
}

/** Detections in displayed video pixels, clipped to the picture, best score first. */
export function interpretDetr(
	config: DetrConfig,
	classes: DetrClasses,
	outcome: { logits: Float32Array; boxes: Float32Array },
	displaySize: Size,
	scoreThreshold: number,
): Detections {
	const { scores, labels, boxesXyxy } = postProcess(config, outcome.logits, outcome.boxes, displaySize);
	const kept = Array.from(scores.keys())
		.filter((i) => scores[i]! > scoreThreshold && classes.indexByLabel[labels[i]!]! >= 0)
		.sort((a, b) => scores[b]! - scores[a]! || a - b);
	return new Detections(
		Uint16Array.from(kept, (i) => classes.indexByLabel[labels[i]!]!),
		Float32Array.from(kept, (i) => scores[i]!),
		Float32Array.from({ length: 4 * kept.length }, (_, j) => {
			const side = boxesXyxy[4 * kept[j >> 2]! + (j & 3)]!;
			return Math.min(j & 1 ? displaySize.height : displaySize.width, Math.max(0, side));
		}),
	);
}
