import type { Size } from '../../domain/video.ts';
import type { DetrConfig } from './config.ts';

/** Most detections of the hosts that rank every class of every query. */
const MAX_RANKED = 100;

/** What a picture's queries say, in columns: DETR one entry a query, in its order; the others best score first. */
export type DetrDetections = {
	scores: Float32Array;
	labels: Int32Array;
	/** Left, top, right, bottom in pixels of `size`, not clipped. */
	boxesXyxy: Float32Array;
};

/**
 * The published post-processing of one picture: `logits` [queries, logits], `boxes` [queries, 4] (centre and size, 0 to 1).
 * DETR: softmax, the best class but "no object" (the last). The others: sigmoid, the best 100 over queries and classes.
 */
export function postProcess(
	config: Pick<DetrConfig, 'host' | 'logits'>,
	logits: Float32Array,
	boxes: Float32Array,
	size: Size,
): DetrDetections {
	const { scores, labels, queries } =
		config.host === 'detr' ? bestOfQueries(logits, config.logits) : bestOfAll(logits, config.logits);
	const boxesXyxy = new Float32Array(4 * queries.length);
	queries.forEach((query, i) => {
		const [x, y, width, height] = boxes.subarray(4 * query, 4 * query + 4) as unknown as number[];
		boxesXyxy[4 * i] = (x! - 0.5 * width!) * size.width;
		boxesXyxy[4 * i + 1] = (y! - 0.5 * height!) * size.height;
		boxesXyxy[4 * i + 2] = (x! + 0.5 * width!) * size.width;
		boxesXyxy[4 * i + 3] = (y! + 0.5 * height!) * size.height;
	});
	return { scores, labels, boxesXyxy };
}

type Ranked = { scores: Float32Array; labels: Int32Array; queries: Int32Array };

function bestOfQueries(logits: Float32Array, width: number): Ranked {
	const count = logits.length / width;
	const scores = new Float32Array(count);
	const labels = new Int32Array(count);
	for (let query = 0; query < count; query++) {
		const row = logits.subarray(query * width, (query + 1) * width);
		const largest = row.reduce((most, value) => Math.max(most, value), -Infinity);
		const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
		let best = 0;
		for (let label = 1; label < width - 1; label++) if (row[label]! > row[best]!) best = label;
		labels[query] = best;
		scores[query] = Math.exp(row[best]! - largest) / sum;
	}
	return { scores, labels, queries: Int32Array.from({ length: count }, (_, query) => query) };
}

function bestOfAll(logits: Float32Array, width: number): Ranked {
	const order = Int32Array.from(logits, (_, i) => i)
		.sort((a, b) => logits[b]! - logits[a]! || a - b)
		.slice(0, MAX_RANKED);
	return {
		scores: Float32Array.from(order, (i) => 1 / (1 + Math.exp(-logits[i]!))),
		labels: order.map((i) => i % width),
		queries: order.map((i) => Math.floor(i / width)),
	};
}
