import { answer, type Decoder, FoundBoxes, misshapen, thresholdOf } from './decoder.ts';

/** YOLO26 and YOLOv10: `rows` [boxes, 6 or more], each four sides, a score and a label; suppressed already. */
export const decodeEndToEnd: Decoder = (answers, options) => {
	const { data, shape } = answer(answers, 'rows', 2);
	const [rows, width] = shape as [number, number];
	if (width < 6) throw misshapen('rows', shape, '6 numbers for every box');
	const threshold = thresholdOf(options);
	const found = new FoundBoxes(options);
	for (let row = 0; row < rows; row++) {
		const [a, b, c, d, score, label] = data.subarray(row * width, row * width + 6) as unknown as number[];
		if (score! <= threshold) continue;
		// A table of anchors has anything there.
		if (label! % 1 !== 0)
			throw misshapen('rows', shape, `whole numbers as labels, the sixth of every row (one is ${label})`);
		const classIndex = options.classByLabel[label!] ?? -1;
		if (classIndex < 0) continue;
		found.add(classIndex, score!, a!, b!, c!, d!);
	}
	return found.columns();
};
