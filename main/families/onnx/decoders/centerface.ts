import { answer, type Decoder, FoundBoxes, misshapen, thresholdOf } from './decoder.ts';

/** Pixels between the points of its maps. */
const STRIDE = 4;

/**
 * CenterFace (Xu et al., 2019): `scores` [1, rows, cols], and `sizes` and `offsets` [2, rows, cols], height and y before width and x;
 * sizes are logarithms, in strides.
 */
export const decodeCenterFace: Decoder = (answers, options) => {
	const scores = answer(answers, 'scores', 3);
	const sizes = answer(answers, 'sizes', 3);
	const offsets = answer(answers, 'offsets', 3);
	const [, rows, cols] = scores.shape as [number, number, number];
	for (const [role, { shape }] of Object.entries({ sizes, offsets })) {
		if (shape[0] !== 2 || shape[1] !== rows || shape[2] !== cols)
			throw misshapen(role, shape, `2 maps of ${rows}×${cols}`);
	}
	const threshold = thresholdOf(options);
	const found = new FoundBoxes({ ...options, boxes: 'cxcywh', unit: 'pixels' });
	const points = rows * cols;
	for (let point = 0; point < points; point++) {
		const score = scores.data[point]!;
		if (score <= threshold) continue;
		const [row, col] = [Math.floor(point / cols), point % cols];
		found.add(
			options.classByLabel[0]!,
			score,
			(col + offsets.data[points + point]! + 0.5) * STRIDE,
			(row + offsets.data[point]! + 0.5) * STRIDE,
			Math.exp(sizes.data[points + point]!) * STRIDE,
			Math.exp(sizes.data[point]!) * STRIDE,
		);
	}
	return found.columns();
};
