import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { rollGrid } from '../domain/roll-grid.ts';
import { tokenCount, type TokenGrid } from '../domain/tokens.ts';
import type { Size } from '../domain/video.ts';
import { align } from '../pixels/wasm-layout.ts';
import type { Kernel } from './registration.kernel.ts?wasm';

/** Side of a token's square, in pixels. */
export const SQUARE = 16;
/** Sizes of a pixel of the pyramid's levels. */
export const LEVELS = [1, 2, 4, 8] as const;
export const COARSEST = 8;
/** Pixels of the coarsest level that are searched around the prediction: 40 pixels of the picture. */
export const REACH = 5;
/** Most tokens that are registered: as many of every cell of the picture, whose sides are `CELL` tokens at least. */
export const MOST_PATCHES = 320;
const CELL = 3;
/** Mean square of slopes, in grey levels, below which a square has nothing to register. */
const LEAST_SLOPE = 4;
/** Numbers that the kernel sums up of a square's slopes. */
const SLOPES = 3;

/** One size of frame and reference, in bytes of the kernel's memory. */
export type Level = { stride: number; size: Size; frame: number; reference: number };

/** Where frame and reference lie in the kernel's memory. */
export type ReferenceLayout = {
	/** From the whole size to the coarsest. */
	levels: readonly Level[];
	/** Per pixel of the coarsest reference, 255 where it is known. */
	mask: number;
	/** Bytes before the coarsest frame's first pixel: it has a margin to be searched in. */
	frameMargin: number;
	squares: number;
	places: number;
	slopes: number;
};

/** Takes room for frames whose part without padding is `content`. */
export function layoutReference(
	grid: TokenGrid,
	content: Size,
	take: (bytes: number) => number,
): ReferenceLayout {
	const whole = { width: grid.cols * SQUARE, height: grid.rows * SQUARE };
	const tokens = tokenCount(grid);
	const levels = LEVELS.map((pixel) => {
		const stride = align(whole.width / pixel, 16) + (pixel === COARSEST ? 2 * 16 : 0);
		const rows = whole.height / pixel + (pixel === COARSEST ? 2 * REACH : 0);
		return {
			stride,
			size: { width: Math.floor(content.width / pixel), height: Math.floor(content.height / pixel) },
			frame: take(stride * (rows + 4)),
			reference: take(stride * (rows + 4)),
		};
	});
	const coarsest = levels.at(-1)!;
	return {
		levels,
		mask: take(coarsest.stride * (whole.height / COARSEST)),
		frameMargin: REACH * coarsest.stride + 16,
		squares: take(tokens * SQUARE * SQUARE),
		places: take(8 * tokens),
		slopes: take(4 * SLOPES * tokens),
	};
}

/**
 * A frame and what it is registered against: a picture of luma made of the squares of single tokens, each as it was when it was
 * remembered, both in four sizes.
 */
export class ReferencePicture {
	readonly #grid: TokenGrid;
	readonly #at: ReferenceLayout;
	readonly #kernel: Kernel;
	readonly #bytes: Uint8Array;
	readonly #places: Int32Array;
	readonly #sums: Float32Array;
	/** How well each square of the reference can be registered; 0 where it can't be. */
	readonly #worth: Float64Array;
	readonly #known: Uint8Array;
	readonly #all: Int32Array;
	/** Tokens along the side of a cell: cells are never more than patches. */
	readonly #cell: number;
	/** The tokens that are registered, renewed when the reference has changed. */
	readonly #patches = new Int32Array(MOST_PATCHES);
	#patchCount = -1;

	constructor(grid: TokenGrid, layout: ReferenceLayout, memory: WebAssembly.Memory, kernel: Kernel) {
		const tokens = tokenCount(grid);
		this.#grid = grid;
		this.#at = layout;
		this.#kernel = kernel;
		this.#bytes = new Uint8Array(memory.buffer);
		this.#places = new Int32Array(memory.buffer, layout.places, 2 * tokens);
		this.#sums = new Float32Array(memory.buffer, layout.slopes, SLOPES * tokens);
		this.#worth = new Float64Array(tokens);
		this.#known = new Uint8Array(tokens);
		this.#all = Int32Array.from({ length: tokens }, (_, token) => token);
		let cell = CELL;
		while (cellCount(grid, cell) > MOST_PATCHES) cell++;
		this.#cell = cell;
	}

	/** Of the frames, without padding. */
	get size(): Size {
		return this.#at.levels[0]!.size;
	}

	/** The frame to register: luma [height, width] of the content, in rows of `stride` bytes: the grid's width. */
	load(luma: Uint8Array, stride: number): void {
		const [first] = this.#at.levels as [Level];
		assert(
			stride === first.stride,
			`rows of luma lie as the reference’s do, ${first.stride} bytes apart (got ${stride})`,
		);
		this.#bytes.set(luma.subarray(0, stride * first.size.height), first.frame);
		for (const [i, level] of this.#at.levels.entries()) {
			if (i === 0) continue;
			const above = this.#at.levels[i - 1]!;
			this.#kernel.halve({
				from: above.frame,
				fromStride: above.stride,
				rows: level.size.height,
				cols: level.size.width,
				to: level.frame + (i === this.#at.levels.length - 1 ? this.#at.frameMargin : 0),
				toStride: level.stride,
			});
		}
		this.#extendCoarsest();
	}

	/** From now on `tokens[0..count)` look as their `squares` [count, 16, 16] show them. */
	remember(tokens: Int32Array, count: number, squares: Uint8Array): void {
		if (count === 0) return;
		const { cols } = this.#grid;
		const [whole, half, quarter, eighth] = this.#at.levels as [Level, Level, Level, Level];
		for (let i = 0; i < count; i++) {
			const token = tokens[i]!;
			this.#places[2 * i] = token % cols;
			this.#places[2 * i + 1] = Math.floor(token / cols);
		}
		this.#bytes.set(squares.subarray(0, count * SQUARE * SQUARE), this.#at.squares);
		this.#kernel.putSquares({
			squares: this.#at.squares,
			places: this.#at.places,
			count,
			whole: whole.reference,
			wholeStride: whole.stride,
			half: half.reference,
			halfStride: half.stride,
			quarter: quarter.reference,
			quarterStride: quarter.stride,
			eighth: eighth.reference,
			mask: this.#at.mask,
			eighthStride: eighth.stride,
		});
		for (let i = 0; i < count; i++) this.#known[tokens[i]!] = 1;
		this.#measureSlopes(tokens, count);
	}

	/** From now on the reference is the frame itself. */
	rememberFrame(): void {
		const { rows, cols } = this.#grid;
		const bytes = this.#bytes;
		for (const [i, { frame, reference, stride, size }] of this.#at.levels.entries()) {
			const from = frame + (i === this.#at.levels.length - 1 ? this.#at.frameMargin : 0);
			bytes.copyWithin(reference, from, from + stride * size.height);
		}
		const [whole] = this.#at.levels as [Level];
		const coarsest = this.#at.levels.at(-1)!;
		bytes.fill(0, this.#at.mask, this.#at.mask + coarsest.stride * 2 * rows);
		const inside = {
			rows: Math.floor(whole.size.height / SQUARE),
			cols: Math.floor(whole.size.width / SQUARE),
		};
		for (let row = 0; row < 2 * inside.rows; row++) {
			const start = this.#at.mask + row * coarsest.stride;
			bytes.fill(255, start, start + 2 * inside.cols);
		}
		for (let token = 0; token < rows * cols; token++) {
			const [row, col] = [Math.floor(token / cols), token % cols];
			this.#known[token] = row < inside.rows && col < inside.cols ? 1 : 0;
		}
		this.#measureSlopes();
	}

	/** Nothing is known any more of `tokens[0..count)`. */
	forget(tokens: Int32Array, count: number): void {
		const { stride } = this.#at.levels.at(-1)!;
		for (let i = 0; i < count; i++) {
			const token = tokens[i]!;
			this.#known[token] = 0;
			this.#worth[token] = 0;
			const [col, row] = [token % this.#grid.cols, Math.floor(token / this.#grid.cols)];
			const at = this.#at.mask + 2 * row * stride + 2 * col;
			for (const line of [at, at + stride]) this.#bytes.fill(0, line, line + 2);
		}
		this.#patchCount = -1;
	}

	/** What is known of each token is that of the token `rows` further down and `cols` to the right; of new ones nothing. */
	roll(rows: number, cols: number): void {
		for (const [i, pixel] of LEVELS.entries()) {
			const { reference, stride } = this.#at.levels[i]!;
			const lines = (this.#grid.rows * SQUARE) / pixel;
			const picture = this.#bytes.subarray(reference, reference + stride * lines);
			rollGrid(
				{ rows: lines, cols: stride },
				picture,
				1,
				(SQUARE / pixel) * rows,
				(SQUARE / pixel) * cols,
				null,
			);
		}
		const { stride } = this.#at.levels.at(-1)!;
		const mask = this.#bytes.subarray(this.#at.mask, this.#at.mask + stride * 2 * this.#grid.rows);
		rollGrid({ rows: 2 * this.#grid.rows, cols: stride }, mask, 1, 2 * rows, 2 * cols, 0);
		rollGrid(this.#grid, this.#worth, 1, rows, cols, 0);
		rollGrid(this.#grid, this.#known, 1, rows, cols, 0);
		this.#patchCount = -1;
	}

	/** The tokens to register: the best squares of every cell of the picture, as far as there is something to register in them. Reused. */
	patches(): Int32Array {
		if (this.#patchCount < 0) this.#choosePatches();
		return this.#patches.subarray(0, this.#patchCount);
	}

	#choosePatches(): void {
		const { rows, cols } = this.#grid;
		const cell = this.#cell;
		const perCell = Math.floor(MOST_PATCHES / cellCount(this.#grid, cell));
		const [worth, patches] = [this.#worth, this.#patches];
		let count = 0;
		for (let top = 0; top < rows; top += cell) {
			for (let left = 0; left < cols; left += cell) {
				const first = count;
				const most = first + perCell;
				for (let row = top; row < Math.min(rows, top + cell); row++) {
					for (let col = left; col < Math.min(cols, left + cell); col++) {
						const token = row * cols + col;
						if (worth[token] === 0) continue;
						if (count < most) count++;
						else if (count === first || worth[patches[count - 1]!]! >= worth[token]!) continue;
						let at = count - 1;
						for (; at > first && worth[patches[at - 1]!]! < worth[token]!; at--)
							patches[at] = patches[at - 1]!;
						patches[at] = token;
					}
				}
			}
		}
		this.#patchCount = count;
	}

	/** The reference and what of it is known. */
	saveState(): NamedArrays {
		const [{ reference, stride }] = this.#at.levels as [Level];
		const bytes = stride * this.#grid.rows * SQUARE;
		return {
			'camera.picture': this.#bytes.slice(reference, reference + bytes),
			'camera.known': this.#known.slice(),
		};
	}

	restoreState(state: NamedArrays): void {
		const { 'camera.picture': picture, 'camera.known': known } = state;
		assert(
			picture instanceof Uint8Array && known instanceof Uint8Array,
			'a snapshot holds the camera’s picture',
		);
		const [{ reference, stride }] = this.#at.levels as [Level];
		this.#bytes.set(picture, reference);
		const tokens = Int32Array.from(known.keys()).filter((token) => known[token] === 1);
		const unknown = Int32Array.from(known.keys()).filter((token) => known[token] === 0);
		this.forget(unknown, unknown.length);
		const squares = new Uint8Array(tokens.length * SQUARE * SQUARE);
		tokens.forEach((token, i) => {
			const { cols } = this.#grid;
			const first = SQUARE * (Math.floor(token / cols) * stride + (token % cols));
			for (let y = 0; y < SQUARE; y++) {
				const from = first + y * stride;
				squares.set(picture.subarray(from, from + SQUARE), (i * SQUARE + y) * SQUARE);
			}
		});
		this.remember(tokens, tokens.length, squares);
	}

	#measureSlopes(tokens: Int32Array = this.#all, count = tokens.length): void {
		const { cols } = this.#grid;
		const [whole] = this.#at.levels as [Level];
		for (let i = 0; i < count; i++) {
			const token = tokens[i]!;
			this.#places[2 * i] = SQUARE * (token % cols);
			this.#places[2 * i + 1] = SQUARE * Math.floor(token / cols);
		}
		const { places, slopes } = this.#at;
		this.#kernel.slopes({ reference: whole.reference, stride: whole.stride, places, count, out: slopes });
		for (let i = 0; i < count; i++) this.#worth[tokens[i]!] = this.#known[tokens[i]!] ? this.#worthOf(i) : 0;
		this.#patchCount = -1;
	}

	/** Of the square whose slopes were measured as number i: the weaker of its two directions counts most, for along an edge it may slide. */
	#worthOf(i: number): number {
		const [xx, xy, yy] = [0, 1, 2].map((j) => this.#sums[SLOPES * i + j]!) as [number, number, number];
		const trace = xx + yy;
		const inside = (SQUARE - 2) * (SQUARE - 4);
		return trace < LEAST_SLOPE * inside ? 0 : (xx * yy - xy * xy) / trace + 0.05 * trace;
	}

	/** Repeats the edges of the coarsest frame in its margin. */
	#extendCoarsest(): void {
		const { stride, frame, size } = this.#at.levels.at(-1)!;
		const bytes = this.#bytes;
		const first = frame + this.#at.frameMargin;
		for (let row = 0; row < size.height; row++) {
			const start = first + row * stride;
			bytes.fill(bytes[start]!, start - 16, start);
			bytes.fill(bytes[start + size.width - 1]!, start + size.width, start + stride - 16);
		}
		for (let row = 1; row <= REACH; row++) {
			bytes.copyWithin(first - row * stride - 16, first - 16, first - 16 + stride);
			const last = first + (size.height - 1) * stride - 16;
			bytes.copyWithin(last + row * stride, last, last + stride);
		}
	}

	/** Brightness of the coarsest frame times `gain` plus `offset`. */
	adjustCoarsest(gain: number, offset: number): void {
		const { stride, frame, size } = this.#at.levels.at(-1)!;
		const end = frame + (size.height + 2 * REACH) * stride;
		for (let at = frame; at < end; at++) {
			this.#bytes[at] = Math.min(255, Math.max(0, Math.round(gain * this.#bytes[at]! + offset)));
		}
	}
}

function cellCount({ rows, cols }: TokenGrid, cell: number): number {
	return Math.ceil(rows / cell) * Math.ceil(cols / cell);
}
