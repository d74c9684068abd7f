import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { rollGrid } from '../domain/roll-grid.ts';
import { tokenCount, type TokenGrid } from '../domain/tokens.ts';
import type { Size } from '../domain/video.ts';
import { fitPlacement, type Fit, misfitOf, VOTE_WIDTH } from './fit-placement.ts';
import { apart, AT_REST, inFrame, type Placement, type Point } from '../domain/placement.ts';
import { align, WasmLayout } from '../pixels/wasm-layout.ts';
import { instantiate, type Kernel } from './registration.kernel.ts?wasm';

/** Side of a token's square, in pixels. */
const SQUARE = 16;
/** Sizes of a pixel of the pyramid's levels. */
const LEVELS = [1, 2, 4, 8] as const;
const COARSEST = 8;
/** Pixels of the coarsest level that are searched around the prediction: 40 pixels of the picture. */
const REACH = 5;
/** Another place than the predicted one must match better by this much. */
const SEARCH_GAIN = 0.97;
/** Most tokens that are registered, and how many of a cell of `CELL` × `CELL` tokens. */
const MOST_PATCHES = 320;
const CELL = 3;
/** Mean square of slopes, in grey levels, below which a square has nothing to register. */
const LEAST_SLOPE = 4;
/** Mean square of slopes that is noise, which no patch's say should come from. */
const NOISE = 9;
/** Numbers that the kernel sums up per patch. */
const SUMS = 12;
/**
 * Rounds of least squares per level, at least and at most, and the tolerance in its own pixels. Rounds go on while they move
 * the picture by more than `SETTLED` pixels of the level.
 */
const PASSES = [
	{ size: 4, least: 2, most: 3, tolerance: 0.6 },
	{ size: 2, least: 1, most: 3, tolerance: 0.5 },
	{ size: 1, least: 1, most: 4, tolerance: 0.35 },
] as const;
const SETTLED = 0.05;
/** Of patches at half size that are only glanced at, in its pixels. */
const GLANCE_TOLERANCE = 0.3;
/** A patch agrees with the common motion up to this misfit, in pixels, where it looks alike. */
const AGREES = 0.75;
const ALIKE = 0.7;
/** Patches that must agree for a motion to be sure: so many, this share of all, and in this share of the picture's parts. */
const LEAST_AGREEING = 12;
const LEAST_SHARE = 0.4;
const PARTS = 4;
const LEAST_PARTS = 0.5;

export type Registered = {
	/** Where the reference lies in the frame. */
	place: Placement;
	/** Share of the patches that agree with it, 0 to 1; null where there are too few of them to tell. */
	agreeing: number | null;
	/** Whether enough of the picture agrees. */
	sure: boolean;
};

type Level = { stride: number; size: Size; frame: number; reference: number };

/**
 * Finds where what is remembered lies in a new frame. The reference is a picture of luma made of the squares of single tokens,
 * each as it was when it was remembered; only squares that are known take part. Coarse to fine: a search over whole pixels of an
 * eighth of the size, then least squares of single patches at a quarter, half and full size (Lucas and Kanade), which
 * vote for one motion of all. A token that moves by itself has little say.
 */
export class Registration {
	readonly #grid: TokenGrid;
	readonly #centre: Point;
	readonly #kernel: Kernel;
	readonly #bytes: Uint8Array;
	readonly #levels: readonly Level[];
	readonly #mask: number;
	readonly #frameMargin: number;
	readonly #at: { squares: number; places: number; sums: number; scratch: number; differences: number };
	readonly #placesI32: Int32Array;
	readonly #placesF32: Float32Array;
	readonly #sums: Float32Array;
	/** [tokens, 3]: sums of slopes of the reference's squares; 0 where nothing is known. */
	readonly #slopes: Float32Array;
	readonly #known: Uint8Array;
	readonly #all: Int32Array;
	/** The tokens that are registered, renewed when the reference has changed. */
	readonly #patches: Int32Array;
	#patchCount = -1;
	readonly #votes: Float64Array;

	/** `content`: the part of the frame that is not padding. */
	constructor(grid: TokenGrid, content: Size) {
		assert(grid.stride === SQUARE, `tokens of ${SQUARE} pixels are registered (got ${grid.stride})`);
		this.#grid = grid;
		const whole = { width: grid.cols * SQUARE, height: grid.rows * SQUARE };
		this.#centre = { x: (whole.width - 1) / 2, y: (whole.height - 1) / 2 };
		const tokens = tokenCount(grid);
		const layout = new WasmLayout();
		const take = (bytes: number) => layout.take(bytes + 64); // vectors are read past the end
		this.#levels = LEVELS.map((pixel) => {
			const stride = align(whole.width / pixel, 16) + (pixel === COARSEST ? 2 * 16 : 0);
			const rows = whole.height / pixel + (pixel === COARSEST ? 2 * REACH : 0);
			return {
				stride,
				size: { width: Math.floor(content.width / pixel), height: Math.floor(content.height / pixel) },
				frame: take(stride * (rows + 4)),
				reference: take(stride * (rows + 4)),
			};
		});
		const coarsest = this.#levels.at(-1)!;
		this.#frameMargin = REACH * coarsest.stride + 16;
		this.#mask = take(coarsest.stride * (whole.height / COARSEST));
		this.#at = {
			squares: take(tokens * SQUARE * SQUARE),
			places: take(16 * Math.max(tokens, MOST_PATCHES)),
			sums: take(4 * SUMS * Math.max(tokens, MOST_PATCHES)),
			scratch: take(2 * 19 * 20 * 4),
			differences: take(4 * (2 * REACH + 1) ** 2),
		};
		const memory = layout.memory();
		this.#kernel = instantiate(memory);
		this.#bytes = new Uint8Array(memory.buffer);
		const { places, sums } = this.#at;
		this.#placesI32 = new Int32Array(memory.buffer, places, 2 * tokens);
		this.#placesF32 = new Float32Array(memory.buffer, places, 4 * MOST_PATCHES);
		this.#sums = new Float32Array(memory.buffer, sums, SUMS * Math.max(tokens, MOST_PATCHES));
		this.#slopes = new Float32Array(3 * tokens);
		this.#known = new Uint8Array(tokens);
		this.#all = Int32Array.from({ length: tokens }, (_, token) => token);
		this.#patches = new Int32Array(MOST_PATCHES);
		this.#votes = new Float64Array(MOST_PATCHES * VOTE_WIDTH);
	}

	/** Of the frames, without padding. */
	get size(): Size {
		return this.#levels[0]!.size;
	}

	/** The middle of the view, in its pixels. */
	get centre(): Point {
		return this.#centre;
	}

	/** The frame to register: luma [height, width] of the content, in rows of `stride` bytes. */
	load(luma: Uint8Array, stride: number): void {
		const [first] = this.#levels as [Level];
		for (let row = 0; row < first.size.height; row++) {
			const from = row * stride;
			this.#bytes.set(luma.subarray(from, from + first.size.width), first.frame + row * first.stride);
		}
		for (const [i, level] of this.#levels.entries()) {
			if (i === 0) continue;
			const above = this.#levels[i - 1]!;
			this.#kernel.halve({
				from: above.frame,
				fromStride: above.stride,
				rows: level.size.height,
				cols: level.size.width,
				to: level.frame + (i === this.#levels.length - 1 ? this.#frameMargin : 0),
				toStride: level.stride,
			});
		}
		this.#extendCoarsest();
	}

	/** From now on `tokens[0..count)` look as their `squares` [count, 16, 16] show them. */
	remember(tokens: Int32Array, count: number, squares: Uint8Array): void {
		if (count === 0) return;
		const { cols } = this.#grid;
		const [whole, half, quarter, eighth] = this.#levels as [Level, Level, Level, Level];
		for (let i = 0; i < count; i++) {
			const token = tokens[i]!;
			this.#placesI32[2 * i] = token % cols;
			this.#placesI32[2 * i + 1] = Math.floor(token / cols);
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
			mask: this.#mask,
			eighthStride: eighth.stride,
		});
		for (let i = 0; i < count; i++) this.#known[tokens[i]!] = 1;
		this.#measureSlopes(tokens, count);
	}

	/** From now on the reference is the frame itself. */
	rememberFrame(): void {
		const { rows, cols } = this.#grid;
		const bytes = this.#bytes;
		for (const [i, { frame, reference, stride, size }] of this.#levels.entries()) {
			const from = frame + (i === this.#levels.length - 1 ? this.#frameMargin : 0);
			bytes.copyWithin(reference, from, from + stride * size.height);
		}
		const [whole] = this.#levels as [Level];
		const coarsest = this.#levels.at(-1)!;
		bytes.fill(0, this.#mask, this.#mask + coarsest.stride * 2 * rows);
		const inside = {
			rows: Math.floor(whole.size.height / SQUARE),
			cols: Math.floor(whole.size.width / SQUARE),
		};
		for (let row = 0; row < 2 * inside.rows; row++) {
			const start = this.#mask + row * coarsest.stride;
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
		const { stride } = this.#levels.at(-1)!;
		for (let i = 0; i < count; i++) {
			const token = tokens[i]!;
			this.#known[token] = 0;
			this.#slopes.fill(0, 3 * token, 3 * token + 3);
			const [col, row] = [token % this.#grid.cols, Math.floor(token / this.#grid.cols)];
			const at = this.#mask + 2 * row * stride + 2 * col;
			for (const line of [at, at + stride]) this.#bytes.fill(0, line, line + 2);
		}
		this.#patchCount = -1;
	}

	/** What is known of each token is that of the token `rows` further down and `cols` to the right; of new ones nothing. */
	roll(rows: number, cols: number): void {
		for (const [i, pixel] of LEVELS.entries()) {
			const { reference, stride } = this.#levels[i]!;
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
		const { stride } = this.#levels.at(-1)!;
		const mask = this.#bytes.subarray(this.#mask, this.#mask + stride * 2 * this.#grid.rows);
		rollGrid({ rows: 2 * this.#grid.rows, cols: stride }, mask, 1, 2 * rows, 2 * cols, 0);
		rollGrid(this.#grid, this.#slopes, 3, rows, cols, 0);
		rollGrid(this.#grid, this.#known, 1, rows, cols, 0);
		this.#patchCount = -1;
	}

	/**
	 * How far the frame has moved against `place`, judged at half size and without a search: right for motions of a pixel or two.
	 */
	glance(place: Placement): { step: Placement; sure: boolean } {
		this.#choosePatches();
		const pixel = 2;
		const count = this.#patchCount < LEAST_AGREEING ? 0 : this.#sum(pixel, place, 1);
		if (count < LEAST_AGREEING) return { step: AT_REST, sure: false };
		const { step, misfit } = fitPlacement({ rows: this.#votes, count }, GLANCE_TOLERANCE, true);
		const { sure } = this.#judge(misfit, pixel);
		return { step: { ...step, x: pixel * step.x, y: pixel * step.y }, sure };
	}

	/** Share of the patches that want no shift of more than `tolerance` pixels where the reference lies at `place`, 0 to 1. */
	agreeingAt(place: Placement, tolerance: number): number {
		this.#choosePatches();
		const count = this.#sum(1, place, 1);
		if (count === 0) return 0;
		const misfit = misfitOf({ rows: this.#votes, count }, AT_REST);
		let agreeing = 0;
		for (let i = 0; i < count; i++) {
			if (misfit[i]! <= tolerance && this.#likeness(i, SQUARE * SQUARE) >= ALIKE) agreeing++;
		}
		return agreeing / count;
	}

	/** The reference and what of it is known. */
	saveState(): NamedArrays {
		const [{ reference, stride }] = this.#levels as [Level];
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
		const [{ reference, stride }] = this.#levels as [Level];
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

	/** Where the reference lies in the frame: near `predicted`, or up to 40 pixels from it. Brightness times `gain` plus `offset` is that of the reference. */
	register(predicted: Placement, gain = 1, offset = 0): Registered {
		this.#choosePatches();
		if (this.#patchCount < LEAST_AGREEING) return { place: predicted, agreeing: null, sure: false };
		const shift = this.#search(predicted, gain, offset);
		const place = { ...predicted, x: predicted.x + shift.x, y: predicted.y + shift.y };
		let fit: Fit | null = null;
		for (const { size, least, most, tolerance } of PASSES) {
			for (let round = 0; round < most; round++) {
				const count = this.#sum(size, place, gain);
				if (count < LEAST_AGREEING) return { place: predicted, agreeing: null, sure: false };
				fit = fitPlacement({ rows: this.#votes, count }, tolerance, size < 4);
				place.x += size * fit.step.x;
				place.y += size * fit.step.y;
				place.grow += fit.step.grow;
				place.spin += fit.step.spin;
				if (round + 1 >= least && apart(fit.step, AT_REST, this.#centre) < SETTLED) break;
			}
		}
		return { place, ...this.#judge(fit!.misfit, 1) };
	}

	#measureSlopes(tokens: Int32Array = this.#all, count = tokens.length): void {
		const { cols } = this.#grid;
		const [whole] = this.#levels as [Level];
		for (let i = 0; i < count; i++) {
			const token = tokens[i]!;
			this.#placesI32[2 * i] = SQUARE * (token % cols);
			this.#placesI32[2 * i + 1] = SQUARE * Math.floor(token / cols);
		}
		const { places, sums } = this.#at;
		this.#kernel.slopes({ reference: whole.reference, stride: whole.stride, places, count, out: sums });
		for (let i = 0; i < count; i++) {
			for (let j = 0; j < 3; j++) this.#slopes[3 * tokens[i]! + j] = this.#sums[3 * i + j]!;
		}
		this.#patchCount = -1;
	}

	/** Writes the votes of the patches that lie in the frame at `place`; gives how many there are. */
	#sum(pixel: number, place: Placement, gain: number): number {
		const level = this.#levels[LEVELS.indexOf(pixel as 1)]!;
		const size = SQUARE / pixel;
		const { cols } = this.#grid;
		const { width, height } = level.size;
		let count = 0;
		for (let i = 0; i < this.#patchCount; i++) {
			const token = this.#patches[i]!;
			const [x, y] = [SQUARE * (token % cols), SQUARE * Math.floor(token / cols)];
			const middle = inFrame(place, this.#centre, x + (SQUARE - 1) / 2, y + (SQUARE - 1) / 2);
			const left = (middle.x + 0.5) / pixel - size / 2;
			const top = (middle.y + 0.5) / pixel - size / 2;
			if (left < 1 || top < 1 || left > width - size - 3 || top > height - size - 3) continue;
			const at = 4 * count;
			this.#placesF32[at] = left;
			this.#placesF32[at + 1] = top;
			this.#placesF32[at + 2] = x / pixel;
			this.#placesF32[at + 3] = y / pixel;
			const vote = count * VOTE_WIDTH;
			this.#votes[vote] = (x + (SQUARE - 1) / 2 - this.#centre.x) / pixel;
			this.#votes[vote + 1] = (y + (SQUARE - 1) / 2 - this.#centre.y) / pixel;
			count++;
		}
		this.#kernel.patchSums({
			frame: level.frame,
			reference: level.reference,
			stride: level.stride,
			size,
			gain,
			places: this.#at.places,
			count,
			scratch: this.#at.scratch,
			out: this.#at.sums,
		});
		const n = size * size;
		for (let i = 0; i < count; i++) this.#vote(i, n);
		return count;
	}

	/** What patch i wants, from its sums over `n` pixels: means are taken out, so that brightness has no say. */
	#vote(i: number, n: number): void {
		const [s, v] = [i * SUMS, i * VOTE_WIDTH];
		const sums = this.#sums;
		const [x, y, e] = [sums[s]!, sums[s + 1]!, sums[s + 2]!];
		const xx = sums[s + 3]! - (x * x) / n;
		const xy = sums[s + 4]! - (x * y) / n;
		const yy = sums[s + 5]! - (y * y) / n;
		const xe = sums[s + 6]! - (x * e) / n;
		const ye = sums[s + 7]! - (y * e) / n;
		const trace = xx + yy;
		const ridge = 0.02 * trace + 1e-3;
		const determinant = (xx + ridge) * (yy + ridge) - xy * xy;
		const votes = this.#votes;
		votes[v + 2] = xx;
		votes[v + 3] = xy;
		votes[v + 4] = yy;
		votes[v + 5] = -((yy + ridge) * xe - xy * ye) / determinant;
		votes[v + 6] = -((xx + ridge) * ye - xy * xe) / determinant;
		votes[v + 7] = trace / (trace + NOISE * n);
	}

	/** Whether enough patches, in enough parts of the picture, agree with the last fit and look as the reference does. */
	#judge(misfit: Float64Array, pixel: number): { agreeing: number; sure: boolean } {
		const n = (SQUARE / pixel) ** 2;
		const centre = { x: this.#centre.x / pixel, y: this.#centre.y / pixel };
		const partOf = (from: number, half: number) =>
			Math.min(PARTS - 1, Math.max(0, Math.floor((PARTS * (from + half)) / (2 * half + 1))));
		const all = new Uint16Array(PARTS * PARTS);
		const agreed = new Uint16Array(PARTS * PARTS);
		let agreeing = 0;
		for (let i = 0; i < misfit.length; i++) {
			const v = i * VOTE_WIDTH;
			const part = partOf(this.#votes[v + 1]!, centre.y) * PARTS + partOf(this.#votes[v]!, centre.x);
			all[part]!++;
			if (pixel * misfit[i]! > AGREES || this.#likeness(i, n) < ALIKE) continue;
			agreed[part]!++;
			agreeing++;
		}
		let parts = 0;
		let good = 0;
		all.forEach((count, part) => {
			if (count < 3) return;
			parts++;
			if (agreed[part]! >= LEAST_SHARE * count) good++;
		});
		const share = agreeing / misfit.length;
		const sure = agreeing >= LEAST_AGREEING && share >= LEAST_SHARE && good >= LEAST_PARTS * parts;
		return { agreeing: share, sure };
	}

	/** Correlation of patch i of the frame with the reference, −1 to 1. */
	#likeness(i: number, n: number): number {
		const s = i * SUMS;
		const sums = this.#sums;
		const [e, ee, f, ff, fe] = [sums[s + 2]!, sums[s + 8]!, sums[s + 9]!, sums[s + 10]!, sums[s + 11]!];
		const ofFrame = ff - (f * f) / n;
		const covariance = ofFrame - (fe - (f * e) / n);
		const ofReference = 2 * covariance - ofFrame + (ee - (e * e) / n);
		return covariance / Math.sqrt(Math.max(1e-6, ofFrame * ofReference));
	}

	/** The best squares of every cell of the picture, as far as there is something to register in them. */
	#choosePatches(): void {
		if (this.#patchCount >= 0) return;
		const { rows, cols } = this.#grid;
		const cells = Math.ceil(rows / CELL) * Math.ceil(cols / CELL);
		const perCell = Math.max(1, Math.floor(MOST_PATCHES / cells));
		const inside = (SQUARE - 2) * (SQUARE - 4);
		const best: { token: number; worth: number }[] = [];
		let count = 0;
		for (let top = 0; top < rows; top += CELL) {
			for (let left = 0; left < cols; left += CELL) {
				best.length = 0;
				for (let row = top; row < Math.min(rows, top + CELL); row++) {
					for (let col = left; col < Math.min(cols, left + CELL); col++) {
						const token = row * cols + col;
						const [xx, xy, yy] = this.#slopes.subarray(3 * token, 3 * token + 3) as unknown as [
							number,
							number,
							number,
						];
						const trace = xx + yy;
						if (!this.#known[token] || trace < LEAST_SLOPE * inside) continue;
						// The weaker of its two directions counts most: along an edge a square may slide.
						best.push({ token, worth: (xx * yy - xy * xy) / trace + 0.05 * trace });
					}
				}
				best.sort((a, b) => b.worth - a.worth || a.token - b.token);
				for (let i = 0; i < Math.min(perCell, best.length) && count < MOST_PATCHES; i++) {
					this.#patches[count++] = best[i]!.token;
				}
			}
		}
		this.#patchCount = count;
	}

	/** How far from the prediction the frame matches best at the coarsest level, in pixels of the picture; 0 unless clearly. */
	#search(predicted: Placement, gain: number, offset: number): Point {
		const level = this.#levels.at(-1)!;
		const rows = this.#levels[0]!.size.height >> 3;
		const baseX = Math.round(predicted.x / COARSEST);
		const baseY = Math.round(predicted.y / COARSEST);
		// The frame has a margin of `REACH` pixels: what is predicted takes its share of it.
		if (Math.abs(baseX) > REACH || Math.abs(baseY) > REACH) return { x: 0, y: 0 };
		if (gain !== 1 || offset !== 0) this.#adjustCoarsest(gain, offset);
		this.#kernel.shiftedDifferences({
			frame: level.frame + this.#frameMargin,
			frameStride: level.stride,
			reference: level.reference,
			mask: this.#mask,
			stride: level.stride,
			rows,
			reach: REACH,
			out: this.#at.differences,
		});
		const side = 2 * REACH + 1;
		const differences = new Uint32Array(this.#bytes.buffer, this.#at.differences, side * side);
		const at = (x: number, y: number) => differences[(y + REACH) * side + x + REACH]!;
		let best = { x: baseX, y: baseY };
		let least = SEARCH_GAIN * at(baseX, baseY);
		for (let y = -REACH; y <= REACH; y++) {
			for (let x = -REACH; x <= REACH; x++) {
				if (at(x, y) >= least) continue;
				least = at(x, y);
				best = { x, y };
			}
		}
		return { x: COARSEST * (best.x - baseX), y: COARSEST * (best.y - baseY) };
	}

	/** Repeats the edges of the coarsest frame in its margin. */
	#extendCoarsest(): void {
		const { stride, frame, size } = this.#levels.at(-1)!;
		const bytes = this.#bytes;
		const first = frame + this.#frameMargin;
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

	#adjustCoarsest(gain: number, offset: number): void {
		const { stride, frame, size } = this.#levels.at(-1)!;
		const end = frame + (size.height + 2 * REACH) * stride;
		for (let at = frame; at < end; at++) {
			this.#bytes[at] = Math.min(255, Math.max(0, Math.round(gain * this.#bytes[at]! + offset)));
		}
	}
}
