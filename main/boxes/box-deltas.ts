import { assert } from '../domain/errors.ts';
import type { Size } from '../domain/video.ts';

/** The encoding of box refinements as deltas. */
export type BoxCoding = {
	/** Divisors of dx, dy, dw and dh: 1 / standard deviation where a network states those. */
	weights: readonly [dx: number, dy: number, dw: number, dh: number];
	/** Whether dw and dh are bounded from above only (detectron2) or on both sides (mmdetection). */
	clamp: 'above' | 'both';
};

/** A box grows to at most 1000 / 16 of its size. */
const LARGEST_EXPONENT = Math.log(1000 / 16);

/**
 * Applies (dx, dy, dw, dh) to boxes (Girshick et al., CVPR 2014, equations 1 to 4): the centre moves by dx widths and dy
 * heights, the sides grow by exp(dw) and exp(dh). `boxes` [n, 4], left, top, right, bottom; `deltas` [n, k · 4], k results
 * per box. Gives boxes [n, k · 4], not clipped.
 */
export function applyDeltas(boxes: Float32Array, deltas: Float32Array, coding: BoxCoding): Float32Array {
	const { weights, clamp } = coding;
	const count = boxes.length / 4;
	assert(
		deltas.length % Math.max(1, boxes.length) === 0,
		`${deltas.length} deltas do not fit ${count} boxes`,
	);
	const perBox = deltas.length / Math.max(1, count);
	const least = clamp === 'both' ? -LARGEST_EXPONENT : -Infinity;
	const grown = (delta: number) => Math.exp(Math.min(LARGEST_EXPONENT, Math.max(least, delta)));
	const out = new Float32Array(deltas.length);
	for (let at = 0; at < deltas.length; at += 4) {
		const from = 4 * Math.floor(at / perBox);
		const width = boxes[from + 2]! - boxes[from]!;
		const height = boxes[from + 3]! - boxes[from + 1]!;
		const x = boxes[from]! + width / 2 + (deltas[at]! / weights[0]) * width;
		const y = boxes[from + 1]! + height / 2 + (deltas[at + 1]! / weights[1]) * height;
		const halfWidth = (grown(deltas[at + 2]! / weights[2]) * width) / 2;
		const halfHeight = (grown(deltas[at + 3]! / weights[3]) * height) / 2;
		out[at] = x - halfWidth;
		out[at + 1] = y - halfHeight;
		out[at + 2] = x + halfWidth;
		out[at + 3] = y + halfHeight;
	}
	return out;
}

/** Clips boxes [n, 4] to a picture of `size`, in place. */
export function clipBoxes(boxes: Float32Array, size: Size): Float32Array {
	for (let at = 0; at < boxes.length; at++) {
		boxes[at] = Math.min(at % 2 === 0 ? size.width : size.height, Math.max(0, boxes[at]!));
	}
	return boxes;
}
