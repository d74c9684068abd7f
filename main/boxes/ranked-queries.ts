import { Detections } from '../domain/detections.ts';
import type { Size } from '../domain/video.ts';

/** Output of a network with object queries for one picture. */
export type QueryAnswers = {
	/** [queries, labels] */
	logits: Float32Array;
	/** Centre and size, 0 to 1 of the picture: [queries, 4]. */
	boxes: Float32Array;
};

/**
 * How logits become scores. `softmax`: each query has its best label, the last one ("no object") left out, in the order
 * of the queries. `sigmoid`: the best `most` pairs of query and label, a query as often as its labels are good, best
 * first.
 */
export type QueryRanking = { scores: 'softmax' } | { scores: 'sigmoid'; most: number };

/** DETR's own. */
export const BEST_LABELS: QueryRanking = { scores: 'softmax' };
/** The ranking of DETRs that are trained with the focal loss. */
export const BEST_HUNDRED: QueryRanking = { scores: 'sigmoid', most: 100 };

/** Pairs of query and label, in columns of equal length. */
export type RankedQueries = {
	scores: Float32Array;
	/** Place among a query's logits. */
	labels: Int32Array;
	queries: Int32Array;
	/** Left, top, right, bottom in pixels of the picture, neither clipped nor suppressed: [n, 4]. */
	boxesXyxy: Float32Array;
};

/** Ranks the answers for a picture of `size` pixels. */
export function rankQueries(
	{ logits, boxes }: QueryAnswers,
	size: Size,
	ranking: QueryRanking,
): RankedQueries {
	const labels = logits.length / (boxes.length / 4);
	const ranked =
		ranking.scores === 'softmax' ? bestLabels(logits, labels) : bestPairs(logits, labels, ranking.most);
	return { ...ranked, boxesXyxy: boxesOf(ranked.queries, boxes, size) };
}

/** Detections above `scoreThreshold`, clipped to the picture, best first. */
export function rankedDetections(
	ranked: RankedQueries,
	/** Class by label; −1 = a label that means nothing. */
	indexByLabel: Int32Array,
	size: Size,
	scoreThreshold: number,
): Detections {
	const { scores, labels, boxesXyxy } = ranked;
	const threshold = Math.fround(scoreThreshold); // as the scores are: 0.05 is not above 0.05
	const kept = Array.from(scores.keys())
		.filter((i) => scores[i]! > threshold && indexByLabel[labels[i]!]! >= 0)
		.sort((a, b) => scores[b]! - scores[a]! || a - b);
	return new Detections(
		Uint16Array.from(kept, (i) => indexByLabel[labels[i]!]!),
		Float32Array.from(kept, (i) => scores[i]!),
		Float32Array.from({ length: 4 * kept.length }, (_, j) => {
			const side = boxesXyxy[4 * kept[j >> 2]! + (j & 3)]!;
			return Math.min(j & 1 ? size.height : size.width, Math.max(0, side));
		}),
	);
}

function bestLabels(logits: Float32Array, count: number): Omit<RankedQueries, 'boxesXyxy'> {
	const queries = Int32Array.from({ length: logits.length / count }, (_, query) => query);
	const scores = new Float32Array(queries.length);
	const labels = queries.map((query) => {
		const row = logits.subarray(query * count, (query + 1) * count);
		const largest = row.reduce((most, value) => Math.max(most, value), -Infinity);
		const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
		let best = 0;
		for (let label = 1; label < count - 1; label++) if (row[label]! > row[best]!) best = label;
		scores[query] = Math.exp(row[best]! - largest) / sum;
		return best;
	});
	return { scores, labels, queries };
}

function bestPairs(logits: Float32Array, count: number, most: number): Omit<RankedQueries, 'boxesXyxy'> {
	// Sorting numbers takes a fraction of sorting their places: only what can be among the best is ranked by place.
	const least = logits.toSorted().at(-most) ?? -Infinity;
	const among: number[] = [];
	for (let pair = 0; pair < logits.length; pair++) if (logits[pair]! >= least) among.push(pair);
	const order = Int32Array.from(among.sort((a, b) => logits[b]! - logits[a]! || a - b).slice(0, most));
	return {
		scores: Float32Array.from(order, (pair) => 1 / (1 + Math.exp(-logits[pair]!))),
		labels: order.map((pair) => pair % count),
		queries: order.map((pair) => Math.floor(pair / count)),
	};
}

function boxesOf(queries: Int32Array, boxes: Float32Array, { width, height }: Size): Float32Array {
	const boxesXyxy = new Float32Array(4 * queries.length);
	queries.forEach((query, i) => {
		const [x, y, w, h] = boxes.subarray(4 * query, 4 * query + 4) as unknown as number[];
		boxesXyxy[4 * i] = (x! - 0.5 * w!) * width;
		boxesXyxy[4 * i + 1] = (y! - 0.5 * h!) * height;
		boxesXyxy[4 * i + 2] = (x! + 0.5 * w!) * width;
		boxesXyxy[4 * i + 3] = (y! + 0.5 * h!) * height;
	});
	return boxesXyxy;
}
