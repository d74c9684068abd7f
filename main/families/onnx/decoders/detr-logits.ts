import { answer, type Decoder, FoundBoxes, misshapen, sigmoid, thresholdOf } from './decoder.ts';

/**
 * RF-DETR, DETR, YOLOS and others: `boxes` [queries, 4] and `logits` [queries, labels]. With `sigmoid`, a query counts once for
 * every label that scores enough; with `softmax`, by its best label. Labels that mean nothing, such as that of the background,
 * take part in the softmax and are never anybody's best.
 */
export const decodeDetrLogits: Decoder = (answers, options) => {
	const boxes = answer(answers, 'boxes', 2);
	const logits = answer(answers, 'logits', 2);
	const { classByLabel } = options;
	const [queries, labels] = logits.shape as [number, number];
	if (boxes.shape[0] !== queries || boxes.shape[1] !== 4)
		throw misshapen('boxes', boxes.shape, `4 numbers for each of ${queries} queries`);
	if (labels !== classByLabel.length)
		throw misshapen('logits', logits.shape, `${classByLabel.length} numbers for every query`);
	const threshold = thresholdOf(options);
	const found = new FoundBoxes(options);
	const add = (query: number, label: number, score: number) => {
		const [a, b, c, d] = boxes.data.subarray(4 * query, 4 * query + 4) as unknown as number[];
		found.add(classByLabel[label]!, score, a!, b!, c!, d!);
	};
	for (let query = 0; query < queries; query++) {
		const row = logits.data.subarray(query * labels, (query + 1) * labels);
		if (options.scores === 'softmax') {
			const { label, score } = bestBySoftmax(row, classByLabel);
			if (label >= 0 && !(score <= threshold)) add(query, label, score);
			continue;
		}
		for (let label = 0; label < labels; label++) {
			if (classByLabel[label]! < 0) continue;
			const score = Math.fround(sigmoid(row[label]!));
			if (!(score <= threshold)) add(query, label, score);
		}
	}
	return found.columns();
};

function bestBySoftmax(row: Float32Array, classByLabel: Int32Array): { label: number; score: number } {
	let largest = -Infinity;
	let label = -1;
	row.forEach((value, i) => {
		largest = Math.max(largest, value);
		if (classByLabel[i]! >= 0 && (label < 0 || value > row[label]!)) label = i;
	});
	const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
	return { label, score: label < 0 ? 0 : Math.fround(Math.exp(row[label]! - largest) / sum) };
}
