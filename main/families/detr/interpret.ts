import { Detections } from '../../domain/detections.ts';
import type { Size } from '../../domain/video.ts';
import { type LabelNames, labelNames } from '../coco-names.ts';
import type { DetrConfig } from './config.ts';
import { postProcess } from './post-process.ts';

/** DETR has a label for "no object" besides. */
export function classesOf(config: Pick<DetrConfig, 'host' | 'logits'>): LabelNames {
	return labelNames(config.host === 'detr' ? config.logits - 1 : config.logits);
}

/** Detections in displayed video pixels, clipped to the picture, best score first. */
export function interpretDetr(
	config: DetrConfig,
	classes: LabelNames,
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
