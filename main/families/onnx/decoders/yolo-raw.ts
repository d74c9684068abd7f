import { answer, type Decoder, FoundBoxes, misshapen, NotANumber, thresholdOf } from './decoder.ts';

/**
 * YOLOv8, 11 and 12: `rows` [4 + labels + others, anchors], or its transpose; others, such as coefficients of masks, are left
 * alone. An anchor has its best class.
 */
export const decodeYoloRaw: Decoder = (answers, options) => {
	const { data, shape } = answer(answers, 'rows', 2);
	const { classByLabel } = options;
	const [first, second] = shape as [number, number];
	const needed = 4 + classByLabel.length;
	const channelsFirst = first < second;
	const [channels, anchors] = channelsFirst ? [first, second] : [second, first];
	if (channels < needed) throw misshapen('rows', shape, `${needed} numbers for every anchor or more`);
	const [perChannel, perAnchor] = channelsFirst ? [anchors, 1] : [1, channels];
	const threshold = thresholdOf(options);
	const best = new Float32Array(anchors);
	const bestClass = new Int32Array(anchors);
	for (let label = 0; label < classByLabel.length; label++) {
		const classIndex = classByLabel[label]!;
		if (classIndex < 0) continue;
		const start = (4 + label) * perChannel;
		for (let anchor = 0; anchor < anchors; anchor++) {
			const score = data[start + anchor * perAnchor]!;
			// Nearly all scores are below the threshold: that one comparison is most of the work.
			if (score <= threshold || score <= best[anchor]!) continue;
			if (Number.isNaN(score)) throw new NotANumber();
			best[anchor] = score;
			bestClass[anchor] = classIndex;
		}
	}
	const found = new FoundBoxes(options);
	for (let anchor = 0; anchor < anchors; anchor++) {
		if (best[anchor]! <= threshold) continue;
		const at = (channel: number) => data[channel * perChannel + anchor * perAnchor]!;
		found.add(bestClass[anchor]!, best[anchor]!, at(0), at(1), at(2), at(3));
	}
	return found.columns();
};
