import { answer, type Decoder, FoundBoxes, misshapen } from './decoder.ts';
import { forLikelyRows } from './yolo-objectness.ts';

/** Pixels between the points of YOLOX's three maps. */
export const YOLOX_STRIDES = [8, 16, 32];

/**
 * YOLOX (Ge et al., 2021): rows as YOLOv5 has them, map after map, but boxes as offsets from their point of the grid in strides
 * and logarithms of sizes in strides.
 */
export const decodeYolox: Decoder = (answers, options) => {
	const { data, shape } = answer(answers, 'rows', 2);
	const points = YOLOX_STRIDES.flatMap((stride) => {
		const [cols, rows] = [Math.floor(options.size.width / stride), Math.floor(options.size.height / stride)];
		return Array.from({ length: rows * cols }, (_, i) => [i % cols, Math.floor(i / cols), stride] as const);
	});
	if (points.length !== shape[0]) {
		throw misshapen('rows', shape, `${points.length} rows, one for every point of the grids`);
	}
	const found = new FoundBoxes({ ...options, boxes: 'cxcywh', unit: 'pixels' });
	forLikelyRows(data, shape, options, (classIndex, score, at, row) => {
		const [col, line, stride] = points[row]!;
		found.add(
			classIndex,
			score,
			(data[at]! + col) * stride,
			(data[at + 1]! + line) * stride,
			Math.exp(data[at + 2]!) * stride,
			Math.exp(data[at + 3]!) * stride,
		);
	});
	return found.columns();
};
