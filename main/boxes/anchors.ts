/** Width and height of an anchor, in input pixels. */
export type AnchorShape = { width: number; height: number };

/** The cells of one level of a feature pyramid. `stride` and `offset` in input pixels: cell (0, 0) has its centre at `offset`. */
export type AnchorGrid = { rows: number; cols: number; stride: number; offset: number };

/**
 * Shapes of every size (the side of a square of the same area) and ratio (height / width) of a cell. What varies fastest
 * differs: ratios in detectron2 (`by-size`), sizes in mmdetection (`by-ratio`).
 */
export function anchorShapes(
	sizes: readonly number[],
	ratios: readonly number[],
	order: 'by-size' | 'by-ratio',
): AnchorShape[] {
	const shape = (size: number, ratio: number) => {
		const width = size / Math.sqrt(ratio);
		return { width, height: ratio * width };
	};
	return order === 'by-size'
		? sizes.flatMap((size) => ratios.map((ratio) => shape(size, ratio)))
		: ratios.flatMap((ratio) => sizes.map((size) => shape(size, ratio)));
}

/** Anchors around every cell of a level, in the order row, column, shape: boxes [rows · cols · shapes, 4]. */
export function gridAnchors(shapes: readonly AnchorShape[], grid: AnchorGrid): Float32Array {
	const { rows, cols, stride, offset } = grid;
	const boxes = new Float32Array(rows * cols * shapes.length * 4);
	let at = 0;
	for (let row = 0; row < rows; row++) {
		const y = row * stride + offset;
		for (let col = 0; col < cols; col++) {
			const x = col * stride + offset;
			for (const { width, height } of shapes) {
				boxes[at++] = x - width / 2;
				boxes[at++] = y - height / 2;
				boxes[at++] = x + width / 2;
				boxes[at++] = y + height / 2;
			}
		}
	}
	return boxes;
}
