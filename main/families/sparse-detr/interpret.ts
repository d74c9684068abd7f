import { Detections } from '../../domain/detections.ts';
import type { Size } from '../../domain/video.ts';
import type { LabelNames } from '../coco-names.ts';

/** The best pairs of query and class, from the highest score on. */
export type RankedQueries = {
	scores: Float32Array;
	/** Place among a query's logits. */
	labels: Int32Array;
	/** Left, top, right, bottom in pixels of a picture. */
	boxesXyxy: Float32Array;
};

/** How many pairs of query and class are taken. */
const MOST_DETECTIONS = 100;

/**
 * The `count` best pairs of query and class of one picture, a query as often as its classes are good; boxes are neither
 * clipped nor suppressed. `logits` [queries, classes], `boxes` [queries, 4] as centre and size, 0 to 1.
 */
export function rankQueries(
	logits: Float32Array,
	boxes: Float32Array,
	size: Size,
	count = MOST_DETECTIONS,
): RankedQueries {
	const classes = logits.length / (boxes.length / 4);
	const scores = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
	const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
	order.length = Math.min(order.length, count);
	const boxesXyxy = new Float32Array(4 * order.length);
	order.forEach((pair, i) => {
		const at = 4 * Math.floor(pair / classes);
		const [x, y, width, height] = boxes.subarray(at, at + 4) as unknown as [number, number, number, number];
		boxesXyxy[4 * i] = (x - width / 2) * size.width;
		boxesXyxy[4 * i + 1] = (y - height / 2) * size.height;
		boxesXyxy[4 * i + 2] = (x + width / 2) * size.width;
		boxesXyxy[4 * i + 3] = (y + height / 2) * size.height;
	});
	return {
		scores: Float32Array.from(order, (pair) => scores[pair]!),
		labels: Int32Array.from(order, (pair) => pair % classes),
		boxesXyxy,
	};
}

/** What is worth keeping of a picture: from `scoreThreshold` on, of classes that have a name, inside the picture. */
export function interpretQueries(
	{ logits, boxes }: { logits: Float32Array; boxes: Float32Array },
	{ indexByLabel }: LabelNames,
	displaySize: Size,
	scoreThreshold: number,
): Detections {
	const ranked = rankQueries(logits, boxes, displaySize);
	const classOf = (label: number) => indexByLabel[label]!;
	const worth = Array.from(ranked.scores.keys()).filter(
		(i) => ranked.scores[i]! >= scoreThreshold && classOf(ranked.labels[i]!) >= 0,
	);
	return new Detections(
		Uint16Array.from(worth, (i) => classOf(ranked.labels[i]!)),
		Float32Array.from(worth, (i) => ranked.scores[i]!),
		Float32Array.from({ length: 4 * worth.length }, (_, j) => {
			const side = ranked.boxesXyxy[4 * worth[j >> 2]! + (j & 3)]!;
			return Math.min(j & 1 ? displaySize.height : displaySize.width, Math.max(0, side));
		}),
	);
}
