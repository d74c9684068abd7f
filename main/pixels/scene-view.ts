import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { AT_REST, isAtRest, type Placement, type Point } from '../domain/placement.ts';
import { cubicKernel } from '../domain/resampling.ts';
import { tokenCount, type TokenGrid } from '../domain/tokens.ts';
import type { Size } from '../domain/video.ts';
import { KnownWindows, type Rect } from './known-windows.ts';
import { instantiate, type Kernel } from './scene-view.kernel.ts?wasm';
import { align } from './wasm-layout.ts';

/** Pixels around a picture that can be read, and how many of them repeat its edges. */
const MARGIN = 48;
const REPEATED = 4;
/** Pixels that are drawn at a time. */
const GROUP = 8;
const PHASES = 64;
const TAPS = 4;
/** A pixel as the kernel's shifts have it. */
const SHIFT_ONE = 2 ** 22;
/** The most that a view may be turned, as `Placement.spin`. */
const MOST_SPIN = 0.05;
/** 1 as the kernel's weights have it. */
const ONE = 16384;
/** Slope of the cubic with which the picture is resampled (Keys, 1981). */
const CUBIC = -0.5;

/** Where things lie in the memory that pixels share. */
export type SceneViewLayout = {
	/** The padded view, its stride and the width of its padding; its size. */
	frame: number;
	frameStride: number;
	pad: number;
	padded: Size;
	adjusted: number;
	luma: number;
	lumaStride: number;
	means: number;
	tokens: number;
	compared: number;
	weights: number;
	/** Null where the view never moves. */
	moving: {
		source: number;
		sourceStride: number;
		ring: number;
		ringStride: number;
		ringRows: number;
		squares: number;
	} | null;
};

/** Takes room for a view; `picture`: the part of the frame that is no padding. */
export function layoutSceneView(
	grid: TokenGrid,
	view: Pick<SceneViewLayout, 'frame' | 'frameStride' | 'pad' | 'padded' | 'tokens'>,
	picture: Size,
	follows: boolean,
	take: (bytes: number) => number,
): SceneViewLayout {
	const tokens = tokenCount(grid);
	const lumaStride = align(grid.cols * grid.stride, 16);
	const sourceStride = align(3 * (picture.width + 2 * MARGIN), 16);
	const ringStride = 6 * GROUP * Math.ceil(view.padded.width / GROUP);
	const ringRows = 2 ** Math.ceil(Math.log2(MOST_SPIN * view.padded.width + TAPS + 1));
	return {
		...view,
		adjusted: take(view.frameStride * view.padded.height + 64),
		luma: take(lumaStride * picture.height),
		lumaStride,
		means: take(4 * tokens),
		compared: take(4 * tokens),
		weights: take(8 * PHASES),
		moving: follows
			? {
					source: take(sourceStride * (picture.height + 2 * REPEATED + 2)),
					sourceStride,
					ring: take(ringStride * ringRows),
					ringStride,
					ringRows,
					squares: take(256 * tokens),
				}
			: null,
	};
}

/**
 * The frame as part of a scene: drawn so that the scene lies on whole pixels of the view, where the tokens are, while the camera
 * moves. What the frame does not show of the view is unknown. Until `follow` is called the view is the frame itself.
 */
export class SceneView {
	/** Whether the camera is followed: frames come into a buffer of their own and are drawn from there. */
	following = false;
	/** Where the view lies in the frame. */
	place: Placement = AT_REST;
	/** The part of the view that the frame shows. */
	known: Rect;
	/** The byte that a frame is padded with. */
	padding = 0;
	readonly #grid: TokenGrid;
	/** Which parts of windows are known. */
	readonly windows: KnownWindows;
	/** The size of the frame without its padding. */
	readonly picture: Size;
	readonly #at: SceneViewLayout;
	readonly #bytes: Uint8Array;
	readonly #kernel: Kernel;
	readonly #means: Float32Array;
	readonly #compared: Uint8Array;
	/** Whether the present frame came into the buffer that views are drawn from. */
	#inSource = false;
	#adjusted = false;
	#meansAreCurrent = false;

	constructor(grid: TokenGrid, picture: Size, layout: SceneViewLayout, memory: WebAssembly.Memory) {
		const tokens = tokenCount(grid);
		this.#grid = grid;
		this.picture = picture;
		this.#at = layout;
		this.#bytes = new Uint8Array(memory.buffer);
		this.#kernel = instantiate(memory);
		this.#means = new Float32Array(memory.buffer, layout.means, tokens);
		this.#compared = new Uint8Array(memory.buffer, layout.compared, 4 * tokens);
		this.windows = new KnownWindows(grid);
		this.known = this.#wholePicture();
		this.windows.show(this.known);
		new Int16Array(memory.buffer, layout.weights, 4 * PHASES).set(cubicWeights());
	}

	/** Where its first pixel belongs that a frame brings, and the distance of its rows, in bytes of the memory. */
	get target(): { first: number; stride: number } {
		if (this.following) return { first: this.#sourceStart, stride: this.#moving.sourceStride };
		return { first: this.#viewStart, stride: this.#at.frameStride };
	}

	/** Whether the camera can be followed. */
	get movable(): boolean {
		return this.#at.moving !== null;
	}

	/** Where the view lies whose brightness is adjusted; null where that was not asked. */
	get adjusted(): number | null {
		return this.#adjusted ? this.#at.adjusted : null;
	}

	/** A new frame has come. */
	renew(): void {
		this.#adjusted = false;
		this.#meansAreCurrent = false;
		this.#inSource = this.following;
		if (this.following) this.#repeatEdges();
	}

	/** From the next frame on the camera is followed, or not; this frame is shown as it is. */
	follow(following: boolean): void {
		assert(!following || this.#at.moving, 'a view that moves has room for it');
		this.rest();
		this.following = following;
		if (following) this.windows.rememberAll();
	}

	/** Shows the frame as it is. */
	rest(): void {
		if (this.#inSource) {
			const { frame, frameStride, padded } = this.#at;
			const { sourceStride } = this.#moving;
			this.#bytes.fill(0, frame, frame + frameStride * padded.height);
			const { rows, cols, stride } = this.#grid;
			for (let row = 0; row < rows * stride; row++) {
				const start = this.#viewStart + row * frameStride;
				this.#bytes.fill(this.padding, start, start + 3 * cols * stride);
			}
			for (let row = 0; row < this.picture.height; row++) {
				const from = this.#sourceStart + row * sourceStride;
				this.#bytes.copyWithin(this.#viewStart + row * frameStride, from, from + 3 * this.picture.width);
			}
		}
		this.#shown(AT_REST, this.#wholePicture());
	}

	/** Draws the frame so that the view lies at `place` in it. */
	show(place: Placement): void {
		if (isAtRest(place)) {
			this.rest();
			return;
		}
		assert(Math.abs(place.spin) <= MOST_SPIN, `a view is turned by at most ${MOST_SPIN} (got ${place.spin})`);
		const { frame, frameStride, pad, padded, weights } = this.#at;
		const { sourceStride, ring, ringStride, ringRows } = this.#moving;
		const known = this.#knownAt(place);
		const groups = Math.ceil(padded.width / GROUP);
		// Rows are resampled along themselves before columns are: their shift is that of the view's pixel that they end up in.
		const { grow, spin } = place;
		const right = (GROUP - 1) / 2 - pad - this.centre.x;
		const x = place.x + grow * right + spin * (place.y + spin * right + this.centre.y);
		const y = place.y + spin * right + grow * (known.top - this.centre.y);
		const acrossView = GROUP * spin * (groups - 1);
		this.#kernel.draw({
			source: this.#sourceStart,
			sourceStride,
			firstRow: Math.max(-REPEATED, known.top + Math.floor(y + Math.min(0, acrossView)) - 1),
			endRow: this.picture.height + REPEATED,
			left: -pad,
			top: known.top,
			groups,
			rows: known.bottom - known.top,
			x: toShift(x),
			xPerGroup: Math.round(SHIFT_ONE * GROUP * (grow + spin * spin)),
			xPerRow: Math.round(SHIFT_ONE * -spin),
			y: toShift(y),
			yPerGroup: Math.round(SHIFT_ONE * GROUP * spin),
			yPerRow: Math.round(SHIFT_ONE * grow),
			weights,
			ring,
			ringStride,
			ringRows,
			view: frame + (pad + known.top) * frameStride,
			viewStride: frameStride,
		});
		this.#shown(place, known);
	}

	/** The middle of the view, in its pixels. */
	get centre(): Point {
		const { rows, cols, stride } = this.#grid;
		return { x: (cols * stride - 1) / 2, y: (rows * stride - 1) / 2 };
	}

	/** Luma of the frame as it came, without padding, and the distance of its rows. Reused. */
	luma(): { data: Uint8Array; stride: number } {
		const { luma, lumaStride } = this.#at;
		const { width, height } = this.picture;
		const [first, stride] = this.#inSource
			? [this.#sourceStart, this.#moving.sourceStride]
			: [this.#viewStart, this.#at.frameStride];
		this.#kernel.luma({
			frame: first,
			frameStride: stride,
			rows: height,
			cols: width,
			out: luma,
			outStride: lumaStride,
		});
		return { data: this.#bytes.subarray(luma, luma + lumaStride * height), stride: lumaStride };
	}

	/** Luma of the view's squares of `tokens[0..count)`: [count, 16, 16]. Reused. */
	squares(tokens: Int32Array, count: number): Uint8Array {
		const { frameStride, tokens: at } = this.#at;
		const { squares } = this.#moving;
		new Int32Array(this.#bytes.buffer, at, count).set(tokens.subarray(0, count));
		this.#kernel.lumaSquares({
			frame: this.#viewStart,
			frameStride,
			cols: this.#grid.cols,
			tokens: at,
			count,
			out: squares,
		});
		return this.#bytes.subarray(squares, squares + 256 * count);
	}

	/** Mean of all channels of every token's square of the view, not adjusted, [tokens], 0 to 255; NaN where it is cut. Reused. */
	means(): Float32Array {
		if (!this.#meansAreCurrent) {
			const { frameStride, means } = this.#at;
			const { rows, cols, stride } = this.#grid;
			this.#kernel.squareMeans({ frame: this.#viewStart, frameStride, rows, cols, stride, out: means });
			if (!isAtRest(this.place)) {
				for (let token = 0; token < this.#means.length; token++) {
					if (!this.windows.showsSquare(token)) this.#means[token] = NaN;
				}
			}
			this.#meansAreCurrent = true;
		}
		return this.#means;
	}

	/**
	 * From here on, until the next frame, change is also measured on brightness × `gain` + `offset`, and the lesser one counts. What is
	 * remembered, and what the network sees, is the frame as it is.
	 */
	adjust(gain: number, offset: number): void {
		const { frame, frameStride, pad, padded, adjusted } = this.#at;
		this.#bytes.copyWithin(adjusted, frame, frame + frameStride * padded.height);
		const { left, right, top, bottom } = this.known;
		const at = (pad + top) * frameStride + 3 * (pad + left);
		this.#kernel.adjust({
			from: frame + at,
			stride: frameStride,
			rows: bottom - top,
			bytes: 3 * (right - left),
			gain: Math.round(8192 * gain),
			offset: Math.round(16 * offset),
			to: adjusted + at,
		});
		this.#adjusted = true;
	}

	/** Address of the parts of windows that are known now and were when they were remembered, for `changeSince`; 0 = whole windows are. */
	comparable(): number {
		if (!this.following) return 0;
		this.windows.writeCommon(this.#compared);
		return this.#at.compared;
	}

	saveState(): NamedArrays {
		return this.following ? this.windows.saveState() : {};
	}

	restoreState(state: NamedArrays): void {
		this.following = 'view.known' in state;
		if (this.following) this.windows.restoreState(state);
	}

	get #moving(): NonNullable<SceneViewLayout['moving']> {
		assert(this.#at.moving, 'a view that moves has room for it');
		return this.#at.moving;
	}

	get #viewStart(): number {
		const { frame, frameStride, pad } = this.#at;
		return frame + pad * frameStride + 3 * pad;
	}

	get #sourceStart(): number {
		const { source, sourceStride } = this.#moving;
		return source + (REPEATED + 1) * sourceStride + 3 * MARGIN;
	}

	#wholePicture(): Rect {
		return { left: 0, right: this.picture.width, top: 0, bottom: this.picture.height };
	}

	#shown(place: Placement, known: Rect): void {
		this.place = place;
		this.known = known;
		this.#adjusted = false;
		this.#meansAreCurrent = false;
		this.windows.show(this.known);
	}

	/** The largest upright part of the view whose pixels all lie in the frame, about. */
	#knownAt(place: Placement): Rect {
		const { pad, padded } = this.#at;
		const { width, height } = this.picture;
		const { x: centreX, y: centreY } = this.centre;
		const tiltX = Math.abs(place.spin) * centreY;
		const tiltY = Math.abs(place.spin) * centreX;
		const along = (frame: number, shift: number, centre: number) =>
			(frame - shift + place.grow * centre) / (1 + place.grow);
		return {
			left: Math.max(-pad, Math.ceil(along(tiltX, place.x, centreX))),
			right: Math.min(padded.width - pad, Math.floor(along(width - 1 - tiltX, place.x, centreX)) + 1),
			top: Math.max(-pad, Math.ceil(along(tiltY, place.y, centreY))),
			bottom: Math.min(padded.height - pad, Math.floor(along(height - 1 - tiltY, place.y, centreY)) + 1),
		};
	}

	#repeatEdges(): void {
		const { sourceStride } = this.#moving;
		const bytes = this.#bytes;
		const { width, height } = this.picture;
		const start = this.#sourceStart;
		for (let row = 0; row < height; row++) {
			const first = start + row * sourceStride;
			const last = first + 3 * (width - 1);
			for (let i = 1; i <= REPEATED; i++) {
				bytes.copyWithin(first - 3 * i, first, first + 3);
				bytes.copyWithin(last + 3 * i, last, last + 3);
			}
		}
		const line = 3 * (width + 2 * REPEATED);
		const top = start - 3 * REPEATED;
		const bottom = top + (height - 1) * sourceStride;
		for (let i = 1; i <= REPEATED; i++) {
			bytes.copyWithin(top - i * sourceStride, top, top + line);
			bytes.copyWithin(bottom + i * sourceStride, bottom, bottom + line);
		}
	}
}

/** A shift as the kernel has it, so that rounding it down gives the nearest phase. */
function toShift(pixels: number): number {
	return Math.round(SHIFT_ONE * (pixels + 0.5 / PHASES));
}

/** Four weights for each phase, which add up to 1. */
function cubicWeights(): number[] {
	const cubic = cubicKernel(CUBIC);
	return Array.from({ length: PHASES }, (_, phase) => {
		const [before, , next, after] = [-1, 0, 1, 2].map((tap) =>
			Math.round(ONE * cubic.weight(Math.abs(tap - phase / PHASES))),
		) as [number, number, number, number];
		return [before, ONE - before - next - after, next, after];
	}).flat();
}
