import {
	answer,
	type DecodeOptions,
	type Decoder,
	FoundBoxes,
	misshapen,
	NotANumber,
	thresholdOf,
} from './decoder.ts';

/** YOLOv5 and v7: `rows` [anchors, 5 + labels], each a box, the probability of there being anything, and those of labels. */
export const decodeYoloObjectness: Decoder = (answers, options) => {
	const { data, shape } = answer(answers, 'rows', 2);
	const found = new FoundBoxes(options);
	forLikelyRows(data, shape, options, (classIndex, score, at) => {
		found.add(classIndex, score, data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!);
	});
	return found.columns();
};

/** Every row whose best class scores enough times its objectness; `at` is where the row begins. */
export function forLikelyRows(
	data: Float32Array,
	shape: readonly number[],
	options: DecodeOptions,
	visit: (classIndex: number, score: number, at: number, row: number) => void,
): void {
	const { classByLabel } = options;
	const [rows, width] = shape as [number, number];
	if (width < 5 + classByLabel.length) {
		throw misshapen('rows', shape, `${5 + classByLabel.length} numbers for every anchor`);
	}
	const threshold = thresholdOf(options);
	for (let row = 0; row < rows; row++) {
		const at = row * width;
		const objectness = data[at + 4]!;
		if (objectness <= threshold) continue;
		let [best, bestClass] = [0, -1];
		for (let label = 0; label < classByLabel.length; label++) {
			const score = data[at + 5 + label]!;
			if (score <= best || classByLabel[label]! < 0) continue;
			if (Number.isNaN(score)) throw new NotANumber();
			[best, bestClass] = [score, classByLabel[label]!];
		}
		const score = Math.fround(objectness * best);
		if (!(score <= threshold)) visit(bestClass, score, at, row);
	}
}
