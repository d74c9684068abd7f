import { answer, type Decoder, FoundBoxes, misshapen, NotANumber, thresholdOf } from './decoder.ts';

/** UltraFace and YOLO-NAS: `boxes` [anchors, 4] and `scores` [anchors, labels], probabilities; an anchor has its best class. */
export const decodeAnchorPairs: Decoder = (answers, options) => {
	const boxes = answer(answers, 'boxes', 2);
	const scores = answer(answers, 'scores', 2);
	const { classByLabel } = options;
	const [anchors, labels] = scores.shape as [number, number];
	if (boxes.shape[0] !== anchors || boxes.shape[1] !== 4)
		throw misshapen('boxes', boxes.shape, `4 numbers for each of ${anchors} anchors`);
	if (labels !== classByLabel.length)
		throw misshapen('scores', scores.shape, `${classByLabel.length} numbers for every anchor`);
	const threshold = thresholdOf(options);
	const found = new FoundBoxes(options);
	for (let anchor = 0; anchor < anchors; anchor++) {
		let [best, bestClass] = [threshold, -1];
		for (let label = 0; label < labels; label++) {
			const score = scores.data[anchor * labels + label]!;
			if (score <= best || classByLabel[label]! < 0) continue;
			if (Number.isNaN(score)) throw new NotANumber();
			[best, bestClass] = [score, classByLabel[label]!];
		}
		if (bestClass < 0) continue;
		const [a, b, c, d] = boxes.data.subarray(4 * anchor, 4 * anchor + 4) as unknown as number[];
		found.add(bestClass, best, a!, b!, c!, d!);
	}
	return found.columns();
};
