import { answer, type Decoder, FoundBoxes, misshapen, thresholdOf } from './decoder.ts';

/** MMDetection as mmdeploy exports it: `boxes` [n, 5], four sides and a score, and `labels` [n]; suppressed already. */
export const decodeMmdet: Decoder = (answers, options) => {
	const boxes = answer(answers, 'boxes', 2);
	const labels = answer(answers, 'labels', 1);
	const [rows, width] = boxes.shape as [number, number];
	if (width !== 5) throw misshapen('boxes', boxes.shape, '5 numbers for every box');
	if (labels.shape[0] !== rows) throw misshapen('labels', labels.shape, `${rows} numbers`);
	const threshold = thresholdOf(options);
	const found = new FoundBoxes(options);
	for (let row = 0; row < rows; row++) {
		const [a, b, c, d, score] = boxes.data.subarray(5 * row, 5 * row + 5) as unknown as number[];
		const classIndex = options.classByLabel[labels.data[row]!] ?? -1;
		if (score! <= threshold || classIndex < 0) continue;
		found.add(classIndex, score!, a!, b!, c!, d!);
	}
	return found.columns();
};
