import type { Size } from '../../domain/video.ts';
import type { Box } from './covers.ts';

/** How a part of a picture is made unrecognisable. */
export type Hiding = 'blur' | 'pixelate' | 'fill';

/** The longer side of what is hidden keeps no more cells than this: details of a face are gone, movements stay. */
const CELLS = 8;
const LEAST_CELL_PIXELS = 8;
const GREY = 0x60;

/**
 * Hides parts of a packed RGBA picture in place. `blur` and `pixelate` keep the mean colours of at most 8 × 8 cells of a box and
 * nothing else: pixels in a cell can't be got back. `boxes` are in displayed pixels of the video; `scale` leads to those of the
 * picture.
 */
export function hideBoxes(
	rgba: Uint8Array,
	size: Size,
	boxes: readonly Box[],
	scale: number,
	how: Hiding,
): void {
	for (const box of boxes) {
		const left = Math.max(0, Math.floor(box[0] * scale));
		const top = Math.max(0, Math.floor(box[1] * scale));
		const right = Math.min(size.width, Math.ceil(box[2] * scale));
		const bottom = Math.min(size.height, Math.ceil(box[3] * scale));
		if (right <= left || bottom <= top) continue;
		const part = { left, top, width: right - left, height: bottom - top };
		if (how === 'fill') fill(rgba, size.width, part);
		else paintCells(rgba, size.width, part, meansOf(rgba, size.width, part), how === 'blur');
	}
}

type Part = { left: number; top: number; width: number; height: number };
/** Means of the cells of a part: [rows, cols, 3]. */
type Cells = { means: Float32Array; cols: number; rows: number; side: number };

function fill(rgba: Uint8Array, stride: number, { left, top, width, height }: Part): void {
	for (let y = top; y < top + height; y++) {
		const from = 4 * (y * stride + left);
		rgba.fill(GREY, from, from + 4 * width);
		for (let x = 0; x < width; x++) rgba[from + 4 * x + 3] = 255;
	}
}

function meansOf(rgba: Uint8Array, stride: number, { left, top, width, height }: Part): Cells {
	const side = Math.max(LEAST_CELL_PIXELS, Math.ceil(Math.max(width, height) / CELLS));
	const cols = Math.ceil(width / side);
	const rows = Math.ceil(height / side);
	const means = new Float32Array(3 * cols * rows);
	const counts = new Uint32Array(cols * rows);
	for (let y = 0; y < height; y++) {
		const row = Math.floor(y / side) * cols;
		let at = 4 * ((top + y) * stride + left);
		for (let x = 0; x < width; x++, at += 4) {
			const cell = row + Math.floor(x / side);
			counts[cell]!++;
			means[3 * cell]! += rgba[at]!;
			means[3 * cell + 1]! += rgba[at + 1]!;
			means[3 * cell + 2]! += rgba[at + 2]!;
		}
	}
	for (let i = 0; i < means.length; i++) means[i]! /= counts[Math.floor(i / 3)]!;
	return { means, cols, rows, side };
}

/** Paints the cells, or what lies between their middles, linearly. */
function paintCells(
	rgba: Uint8Array,
	stride: number,
	{ left, top, width, height }: Part,
	{ means, cols, rows, side }: Cells,
	smooth: boolean,
): void {
	const columns = Array.from({ length: width }, (_, x) => neighbours(x, side, cols, smooth));
	for (let y = 0; y < height; y++) {
		const [row, below, down] = neighbours(y, side, rows, smooth);
		let at = 4 * ((top + y) * stride + left);
		for (const [col, right, across] of columns) {
			const [a, b] = [3 * (row * cols + col), 3 * (row * cols + right)];
			const [c, d] = [3 * (below * cols + col), 3 * (below * cols + right)];
			for (let channel = 0; channel < 3; channel++) {
				const upper = means[a + channel]! + across * (means[b + channel]! - means[a + channel]!);
				const lower = means[c + channel]! + across * (means[d + channel]! - means[c + channel]!);
				rgba[at + channel] = Math.round(upper + down * (lower - upper));
			}
			at += 4;
		}
	}
}

/** The cell of a pixel, the next one, and how far the pixel lies towards that one's middle: 0 to 1. */
function neighbours(pixel: number, side: number, cells: number, smooth: boolean): [number, number, number] {
	if (!smooth) {
		const cell = Math.floor(pixel / side);
		return [cell, cell, 0];
	}
	const place = Math.min(cells - 1, Math.max(0, (pixel + 0.5) / side - 0.5));
	const cell = Math.floor(place);
	return [cell, Math.min(cells - 1, cell + 1), place - cell];
}
