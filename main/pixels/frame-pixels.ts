import { assert } from '../domain/errors.ts';
import { isAtRest } from '../domain/placement.ts';
import { rollGrid } from '../domain/roll-grid.ts';
import type { Frame } from '../domain/frame.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { tokenCount, type TokenGrid } from '../domain/tokens.ts';
import type { Size } from '../domain/video.ts';
import { instantiate, type Kernel } from './frame-pixels.kernel.ts?wasm';
import { layoutSceneView, SceneView } from './scene-view.ts';
import { align, WasmLayout } from './wasm-layout.ts';

/** Whole pixels; the ends are not part of it. */
export type PixelRect = { left: number; top: number; right: number; bottom: number };

/** The frame at hand, and what every token was last computed from: the gate's measure of change. */
export interface FramePixels {
	readonly grid: TokenGrid;
	/** How the frame lies in the scene, where the camera is followed; see `SceneView`. */
	readonly view: SceneView;
	/** When the frame at hand is shown, in seconds in the clock of the file. */
	readonly timeSeconds: number;
	/** Normalised picture, planar: [3, height, width]; of a view at rest. Reused; holds until the next call. */
	planar(): Float32Array;
	/** Normalised pixel windows of `tokens[0..count)`: [count, 3, window, window]. Reused; holds until the next call. */
	windows(tokens: Int32Array, count: number): Float32Array;
	/** Mean absolute change of every token's window since `remember` took it: [tokens], 0 to 255. Reused. */
	changeSince(): Float32Array;
	/** From now on the change of `tokens[0..count)` is measured against this frame. */
	remember(tokens: Int32Array, count: number): void;
	/**
	 * Copies a part of the frame, of a view at rest, into another picture from (toX, toY) on: rgb24, `toWidth` pixels a row. All of
	 * it must lie inside of both.
	 */
	copy(from: PixelRect, to: Uint8Array, toWidth: number, toX: number, toY: number): void;
	/** What is remembered of each token is that of the token `rows` further down and `cols` to the right; of new ones nothing. */
	roll(rows: number, cols: number): void;
}

/**
 * The pixels of the frame at hand, and the pixels that each token was last computed from.
 *
 * Both live in one WebAssembly memory: a five-megabyte comparison per frame takes 5 ms in plain JavaScript
 * and a tenth of that with SIMD. The frame is kept with a border of one window, so no window needs a check.
 */
export class WasmFramePixels implements FramePixels {
	readonly grid: TokenGrid;
	readonly #width: number;
	readonly #height: number;
	readonly view: SceneView;
	readonly #contentSize: Size;
	readonly #pad: number;
	readonly #frameStride: number;
	readonly #pitch: number;
	readonly #kernel: Kernel;
	readonly #bytes: Uint8Array;
	readonly #at: {
		frame: number;
		references: number;
		table: number;
		change: number;
		tokens: number;
		floats: number;
	};
	readonly #change: Float32Array;
	readonly #tokens: Int32Array;
	readonly #windows: Float32Array;
	readonly #planar: Float32Array;
	timeSeconds = 0;
	#planarIsCurrent = false;

	/**
	 * `mean` and `std` per channel, of values in 0 to 1. Where `contentSize` is given, what lies right of it or below is
	 * padding, which is 0 after normalisation whatever the frame holds there. `picture`: the part of the frame that comes from
	 * the video; `follows`: whether its camera can be followed.
	 */
	constructor(
		grid: TokenGrid,
		mean: readonly number[],
		std: readonly number[],
		contentSize?: Size,
		scene: { picture?: Size; follows?: boolean } = {},
	) {
		const tokens = tokenCount(grid);
		this.grid = grid;
		this.#width = grid.cols * grid.stride;
		this.#height = grid.rows * grid.stride;
		this.#contentSize = contentSize ?? { width: this.#width, height: this.#height };
		this.#pad = -grid.windowOffset;
		// A row of whole vectors, with room for the last window's overhang and one vector of slack.
		const paddedWidth = (grid.cols - 1) * grid.stride + Math.max(grid.windowSize, grid.stride + this.#pad);
		this.#frameStride = align(3 * paddedWidth + 16, 16);
		this.#pitch = align(3 * grid.windowSize, 16);
		const paddedHeight = (grid.rows - 1) * grid.stride + Math.max(grid.windowSize, grid.stride + this.#pad);

		const windowFloats = 3 * grid.windowSize ** 2;
		const pictureFloats = 3 * this.#width * this.#height;
		const layout = new WasmLayout();
		const take = (bytes: number) => layout.take(bytes);
		this.#at = {
			frame: take(this.#frameStride * paddedHeight + 64), // groups of pixels that are drawn end behind the last row
			references: take(this.#pitch * grid.windowSize * tokens),
			table: take(3 * 256 * 4),
			change: take(tokens * 4),
			tokens: take(tokens * 4),
			// Windows and the whole picture are never wanted for the same run: they share their room.
			floats: take(4 * Math.max(windowFloats * tokens, pictureFloats)),
		};
		const picture = scene.picture ?? { width: this.#width, height: this.#height };
		const viewLayout = layoutSceneView(
			grid,
			{
				frame: this.#at.frame,
				frameStride: this.#frameStride,
				pad: this.#pad,
				padded: { width: paddedWidth, height: paddedHeight },
				tokens: this.#at.tokens,
			},
			picture,
			scene.follows ?? false,
			take,
		);
		const memory = layout.memory();
		this.#kernel = instantiate(memory);
		this.view = new SceneView(grid, picture, viewLayout, memory);
		this.#bytes = new Uint8Array(memory.buffer);
		this.#change = new Float32Array(memory.buffer, this.#at.change, tokens);
		this.#tokens = new Int32Array(memory.buffer, this.#at.tokens, tokens);
		this.#windows = new Float32Array(memory.buffer, this.#at.floats, windowFloats * tokens);
		this.#planar = new Float32Array(memory.buffer, this.#at.floats, pictureFloats);

		const table = new Float32Array(memory.buffer, this.#at.table, 3 * 256);
		for (let channel = 0; channel < 3; channel++) {
			for (let value = 0; value < 256; value++) {
				table[256 * channel + value] = (value / 255 - mean[channel]!) / std[channel]!;
			}
		}
	}

	/** Takes the pixels of `frame`: rgb24 of the grid's size, padding included. */
	load(frame: Frame): void {
		const { width, height } = frame.size;
		assert(
			frame.format === 'rgb24' && width === this.#width && height === this.#height,
			`the detector takes rgb24 frames of ${this.#width}×${this.#height} (got ${frame.format} of ${width}×${height})`,
		);
		// A view that is drawn needs no padding; it makes its own.
		const shown = this.view.following ? this.view.picture : frame.size;
		const { first, stride } = this.view.target;
		for (let row = 0; row < shown.height; row++) {
			const from = 3 * width * row;
			this.#bytes.set(frame.pixels.subarray(from, from + 3 * shown.width), first + row * stride);
		}
		this.view.padding = frame.pixels.at(-1)!;
		this.view.renew();
		this.#planarIsCurrent = false;
		this.timeSeconds = frame.timeSeconds;
	}

	planar(): Float32Array {
		assert(isAtRest(this.view.place), 'a whole picture is the frame itself');
		if (!this.#planarIsCurrent) {
			const { frame, table, floats } = this.#at;
			this.#kernel.planar({
				frame,
				frameStride: this.#frameStride,
				pad: this.#pad,
				width: this.#width,
				height: this.#height,
				table,
				out: floats,
			});
			this.#clearPadding();
			this.#planarIsCurrent = true;
		}
		return this.#planar;
	}

	windows(tokens: Int32Array, count: number): Float32Array {
		const { frame, table, floats } = this.#at;
		const { cols, stride, windowSize } = this.grid;
		this.#kernel.gatherWindows({
			frame,
			frameStride: this.#frameStride,
			cols,
			stride,
			side: windowSize,
			...this.#seen(),
			tokens: this.#take(tokens, count),
			count,
			table,
			out: floats,
		});
		this.#planarIsCurrent = false;
		return this.#windows.subarray(0, count * 3 * windowSize ** 2);
	}

	copy(
		{ left, top, right, bottom }: PixelRect,
		to: Uint8Array,
		toWidth: number,
		toX: number,
		toY: number,
	): void {
		assert(isAtRest(this.view.place), 'a whole picture is the frame itself');
		for (let row = 0; row < bottom - top; row++) {
			const from = this.#at.frame + (this.#pad + top + row) * this.#frameStride + 3 * (this.#pad + left);
			to.set(this.#bytes.subarray(from, from + 3 * (right - left)), 3 * ((toY + row) * toWidth + toX));
		}
	}

	changeSince(): Float32Array {
		const rects = this.view.comparable();
		this.#measureChange(this.#at.frame, rects);
		const { adjusted } = this.view;
		if (adjusted === null) return this.#change;
		const asItIs = this.#change.slice();
		this.#measureChange(adjusted, rects);
		for (let token = 0; token < asItIs.length; token++) {
			this.#change[token] = Math.min(this.#change[token]!, asItIs[token]!);
		}
		return this.#change;
	}

	#measureChange(frame: number, rects: number): void {
		const { references, change } = this.#at;
		const { rows, cols, stride, windowSize } = this.grid;
		this.#kernel.changeSince({
			frame,
			frameStride: this.#frameStride,
			references,
			pitch: this.#pitch,
			rows,
			cols,
			stride,
			side: windowSize,
			rects,
			out: change,
		});
	}

	remember(tokens: Int32Array, count: number): void {
		const { references } = this.#at;
		const { cols, stride, windowSize } = this.grid;
		if (this.view.following) this.view.windows.remember(tokens, count);
		this.#kernel.remember({
			frame: this.#at.frame,
			frameStride: this.#frameStride,
			references,
			pitch: this.#pitch,
			cols,
			stride,
			side: windowSize,
			tokens: this.#take(tokens, count),
			count,
		});
	}

	roll(rows: number, cols: number): void {
		rollGrid(this.grid, this.#references(), this.#pitch * this.grid.windowSize, rows, cols, null);
		this.view.windows.roll(rows, cols);
	}

	saveState(): NamedArrays {
		return { 'pixels.references': this.#references().slice(), ...this.view.saveState() };
	}

	restoreState(state: NamedArrays): void {
		const references = state['pixels.references'];
		assert(references instanceof Uint8Array, 'a snapshot holds pixels.references');
		this.#references().set(references);
		this.view.restoreState(state);
	}

	/** The part of the padded frame that holds pixels. */
	#seen(): { left: number; right: number; top: number; bottom: number } {
		const pad = this.#pad;
		const { left, right, top, bottom } = isAtRest(this.view.place)
			? { left: 0, right: this.#contentSize.width, top: 0, bottom: this.#contentSize.height }
			: this.view.known;
		return { left: pad + left, right: pad + right, top: pad + top, bottom: pad + bottom };
	}

	#clearPadding(): void {
		const { width, height } = this.#contentSize;
		if (width === this.#width && height === this.#height) return;
		for (let row = 0; row < 3 * this.#height; row++) {
			const first = row % this.#height < height ? width : 0;
			this.#planar.fill(0, row * this.#width + first, (row + 1) * this.#width);
		}
	}

	#references(): Uint8Array {
		const bytes = this.#pitch * this.grid.windowSize * tokenCount(this.grid);
		return this.#bytes.subarray(this.#at.references, this.#at.references + bytes);
	}

	#take(tokens: Int32Array, count: number): number {
		this.#tokens.set(tokens.subarray(0, count));
		return this.#at.tokens;
	}
}
