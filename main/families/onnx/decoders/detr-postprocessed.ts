import { answer, type Decoder, FoundBoxes, misshapen, thresholdOf } from './decoder.ts';

/**
 * RT-DETR, D-FINE and DEIM as their authors export them: `boxes` [queries, 4], `labels` [queries] and `scores` [queries], the best
 * pairs of query and label. Their graphs multiply boxes by a size that they are given: [[1, 1]] leaves shares.
 */
export const decodeDetrPostprocessed: Decoder = (answers, options) => {
	const boxes = answer(answers, 'boxes', 2);
	const labels = answer(answers, 'labels', 1);
	const scores = answer(answers, 'scores', 1);
	const [queries, sides] = boxes.shape as [number, number];
	if (sides !== 4) throw misshapen('boxes', boxes.shape, '4 numbers for every query');
	if (labels.shape[0] !== queries) throw misshapen('labels', labels.shape, `${queries} numbers`);
	if (scores.shape[0] !== queries) throw misshapen('scores', scores.shape, `${queries} numbers`);
	const threshold = thresholdOf(options);
	const found = new FoundBoxes(options);
	for (let query = 0; query < queries; query++) {
		const score = scores.data[query]!;
		const classIndex = options.classByLabel[labels.data[query]!] ?? -1;
		if (score <= threshold || classIndex < 0) continue;
		const [a, b, c, d] = boxes.data.subarray(4 * query, 4 * query + 4) as unknown as number[];
		found.add(classIndex, score, a!, b!, c!, d!);
	}
	return found.columns();
};
