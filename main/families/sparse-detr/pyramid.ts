import { assert } from '../../domain/errors.ts';

/** A batch of pictures of one size, some of them padded on the right and at the bottom. */
export type PictureBatch = {
	batch: number;
	height: number;
	width: number;
	/** [batch, height, width], not 0 = padding; null where nothing is padded. */
	padding: ArrayLike<number> | null;
};

/** One resolution of the feature pyramid. */
export type Level = {
	rows: number;
	cols: number;
	/** Its first token among those of all levels. */
	start: number;
};

/** The tokens of all levels of a batch of pictures, one level behind the other, each in raster order. */
export type Pyramid = {
	batch: number;
	levels: readonly Level[];
	/** Of one picture. */
	tokens: number;
	/** [batch, tokens], 1 = padding. */
	padding: Uint8Array;
	/** Tokens of each picture that are not padding: [batch]. */
	realTokens: readonly number[];
	/** Unpadded fraction of the columns, then of the rows, in the first row and column: [batch, levels, 2]. */
	validRatios: Float32Array;
};

/** Lays out levels of the given sizes; padding comes from the nearest pixel, as torch's nearest interpolation has it. */
export function layPyramid(
	pictures: PictureBatch,
	sizes: readonly { rows: number; cols: number }[],
): Pyramid {
	const { batch } = pictures;
	let tokens = 0;
	const levels = sizes.map(({ rows, cols }) => {
		const start = tokens;
		tokens += rows * cols;
		return { rows, cols, start };
	});
	const padding = new Uint8Array(batch * tokens);
	for (let n = 0; n < batch; n++) {
		for (const { rows, cols, start } of levels) {
			const at = n * tokens + start;
			fillPadding(pictures, n, rows, cols, padding.subarray(at, at + rows * cols));
		}
	}
	return describe(batch, levels, tokens, padding);
}

/** The same levels with other padding: [batch, tokens], 1 = padding. */
export function maskPyramid({ batch, levels, tokens }: Pyramid, padding: Uint8Array): Pyramid {
	return describe(batch, levels, tokens, padding);
}

function describe(batch: number, levels: readonly Level[], tokens: number, padding: Uint8Array): Pyramid {
	const validRatios = new Float32Array(batch * levels.length * 2);
	for (let n = 0; n < batch; n++) {
		levels.forEach(({ rows, cols, start }, level) => {
			const isReal = (token: number) => 1 - padding[n * tokens + start + token]!;
			let [realCols, realRows] = [0, 0];
			for (let col = 0; col < cols; col++) realCols += isReal(col);
			for (let row = 0; row < rows; row++) realRows += isReal(row * cols);
			validRatios[2 * (n * levels.length + level)] = realCols / cols;
			validRatios[2 * (n * levels.length + level) + 1] = realRows / rows;
		});
	}
	const realTokens = Array.from({ length: batch }, (_, n) =>
		padding.subarray(n * tokens, (n + 1) * tokens).reduce((count, padded) => count + 1 - padded, 0),
	);
	return { batch, levels, tokens, padding, realTokens, validRatios };
}

function fillPadding(pictures: PictureBatch, n: number, rows: number, cols: number, out: Uint8Array): void {
	const { height, width, padding } = pictures;
	if (!padding) return;
	assert(padding.length === pictures.batch * height * width, 'a padding mask covers its pictures');
	const pixel = (i: number, from: number, to: number) =>
		Math.min(from - 1, Math.floor(Math.fround(i * Math.fround(from / to))));
	for (let row = 0; row < rows; row++) {
		const line = (n * height + pixel(row, height, rows)) * width;
		for (let col = 0; col < cols; col++) {
			out[row * cols + col] = padding[line + pixel(col, width, cols)] === 0 ? 0 : 1;
		}
	}
}

/**
 * How many tokens of each picture are kept at a ratio: trunc(unpadded · ratio) + 1 in float32, and how many rows the
 * batch takes: as many as its largest picture, but no more than there are tokens.
 */
export function keepCounts(pyramid: Pyramid, ratio: number): { each: number[]; rows: number } {
	const each = pyramid.realTokens.map((real) => Math.trunc(Math.fround(real * Math.fround(ratio))) + 1);
	return { each, rows: Math.min(pyramid.tokens, Math.max(...each)) };
}

/**
 * Centres of all tokens as fractions of their unpadded picture, carried over to every level: x and y [batch · tokens,
 * levels], level l of token t being centre(t) · validRatio(l).
 */
export function tokenReferences(pyramid: Pyramid): { x: Float32Array; y: Float32Array } {
	const { batch, levels, tokens, validRatios } = pyramid;
	const x = new Float32Array(batch * tokens * levels.length);
	const y = new Float32Array(x.length);
	const ratio = (n: number, level: number, axis: 0 | 1) =>
		validRatios[2 * (n * levels.length + level) + axis]!;
	for (let n = 0; n < batch; n++) {
		levels.forEach(({ rows, cols, start }, own) => {
			for (let i = 0; i < rows * cols; i++) {
				const centreX = Math.fround(((i % cols) + 0.5) / Math.fround(ratio(n, own, 0) * cols));
				const centreY = Math.fround((Math.floor(i / cols) + 0.5) / Math.fround(ratio(n, own, 1) * rows));
				const at = (n * tokens + start + i) * levels.length;
				for (let level = 0; level < levels.length; level++) {
					x[at + level] = centreX * ratio(n, level, 0);
					y[at + level] = centreY * ratio(n, level, 1);
				}
			}
		});
	}
	return { x, y };
}

/** A proposal must lie strictly between these fractions of the picture with all four numbers. */
const [LEAST, MOST] = [Math.fround(0.01), Math.fround(0.99)];
/** Side of the proposals of the finest level, as a fraction of the picture; twice as large on each coarser one. */
const PROPOSAL_SIDE = 0.05;

/**
 * A box around every token, x, y, width, height as fractions of the unpadded picture: [batch · tokens, 4]; 0 where the token is
 * padding or the box does not count. `usable` [batch · tokens]: 1 where it does.
 */
export function tokenBoxes(pyramid: Pyramid): { boxes: Float32Array; usable: Float32Array } {
	const { batch, levels, tokens, padding } = pyramid;
	const boxes = new Float32Array(4 * batch * tokens);
	const usable = new Float32Array(batch * tokens);
	for (let n = 0; n < batch; n++) {
		levels.forEach(({ rows, cols, start }, level) => {
			const at = n * tokens + start;
			let [realCols, realRows] = [0, 0];
			for (let col = 0; col < cols; col++) realCols += 1 - padding[at + col]!;
			for (let row = 0; row < rows; row++) realRows += 1 - padding[at + row * cols]!;
			const side = Math.fround(PROPOSAL_SIDE * 2 ** level);
			for (let i = 0; i < rows * cols; i++) {
				const box = [
					Math.fround(((i % cols) + 0.5) / realCols),
					Math.fround((Math.floor(i / cols) + 0.5) / realRows),
					side,
					side,
				];
				if (padding[at + i] || !box.every((fraction) => fraction > LEAST && fraction < MOST)) continue;
				usable[at + i] = 1;
				boxes.set(box, 4 * (at + i));
			}
		});
	}
	return { boxes, usable };
}

/** As `tokenBoxes`, as log(p / (1 − p)): +infinity where no box counts. */
export function tokenProposals(pyramid: Pyramid): { logits: Float32Array; usable: Float32Array } {
	const { boxes, usable } = tokenBoxes(pyramid);
	const logits = boxes.map((fraction, i) =>
		usable[i >> 2] ? Math.log(Math.fround(fraction / Math.fround(1 - fraction))) : Infinity,
	);
	return { logits, usable };
}

/** A pyramid whose levels have a border of one empty cell: the bilinear reading of any point near a map stays inside. */
export type BorderedPyramid = {
	/** Cells of one picture, border included. */
	cells: number;
	/** The first cell of each level, and the cells of one of its rows. */
	levels: readonly { start: number; rowCells: number }[];
	/**
	 * The token that each cell holds among those of the whole batch: [batch · cells]. Borders and padding hold the one
	 * behind the last, which stands for zeros.
	 */
	tokens: Int32Array;
};

export function addBorder(pyramid: Pyramid): BorderedPyramid {
	const { batch, padding } = pyramid;
	let cells = 0;
	const levels = pyramid.levels.map(({ rows, cols }) => {
		const start = cells;
		cells += (rows + 2) * (cols + 2);
		return { start, rowCells: cols + 2 };
	});
	const tokens = new Int32Array(batch * cells).fill(batch * pyramid.tokens);
	for (let n = 0; n < batch; n++) {
		pyramid.levels.forEach(({ rows, cols, start }, level) => {
			for (let i = 0; i < rows * cols; i++) {
				const token = n * pyramid.tokens + start + i;
				const cell = (Math.floor(i / cols) + 1) * (cols + 2) + (i % cols) + 1;
				if (!padding[token]) tokens[n * cells + levels[level]!.start + cell] = token;
			}
		});
	}
	return { cells, levels, tokens };
}
