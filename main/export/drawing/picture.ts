import type { Rect } from '../../domain/overlay-geometry.ts';
import type { Rgb } from '../../domain/palette.ts';
import type { Point } from '../../domain/placement.ts';
import type { Size } from '../../domain/video.ts';

/** Coverage of a text, 0 to 255, one byte per pixel, rows packed. */
export type Mask = { width: number; height: number; coverage: Uint8Array };

/**
 * An opaque RGBA picture in plain memory. All drawing is clipped to it and aligned to whole pixels.
 *
 * Why not a canvas: reading a large canvas back takes 14 ms per frame (1536 × 720, @napi-rs/canvas 1.1), whatever was
 * drawn; these loops touch only the pixels that change.
 */
export class Picture {
	readonly width: number;
	readonly height: number;
	/** [height, width, 4], alpha always 255. */
	readonly rgba: Uint8Array;
	readonly #pixels: Uint32Array;

	constructor(size: Size) {
		this.width = size.width;
		this.height = size.height;
		this.#pixels = new Uint32Array(size.width * size.height);
		this.rgba = new Uint8Array(this.#pixels.buffer);
	}

	/** Copies an opaque picture of `size` with its top left corner at (x, y), clipped on the right and below. */
	copyFrom(rgba: Uint8Array, size: Size, x: number, y: number): void {
		const bytes = 4 * Math.min(size.width, this.width - x);
		const rows = Math.min(size.height, this.height - y);
		for (let row = 0; row < rows; row++) {
			const from = 4 * row * size.width;
			this.rgba.set(rgba.subarray(from, from + bytes), 4 * ((y + row) * this.width + x));
		}
	}

	fillRect(x: number, y: number, width: number, height: number, colour: Rgb): void {
		const { left, top, right, bottom } = this.#clip(x, y, width, height);
		if (left >= right) return;
		const pixel = packed(colour);
		for (let row = top; row < bottom; row++) {
			this.#pixels.fill(pixel, row * this.width + left, row * this.width + right);
		}
	}

	/** `alpha` is 0 (transparent) to 255 (opaque). */
	blendRect(x: number, y: number, width: number, height: number, colour: Rgb, alpha: number): void {
		const { left, top, right, bottom } = this.#clip(x, y, width, height);
		const { rgba } = this;
		const keep = 256 - toWeight(alpha);
		const red = colour[0] * toWeight(alpha);
		const green = colour[1] * toWeight(alpha);
		const blue = colour[2] * toWeight(alpha);
		for (let row = top; row < bottom; row++) {
			const end = 4 * (row * this.width + right);
			for (let at = 4 * (row * this.width + left); at < end; at += 4) {
				rgba[at] = (rgba[at]! * keep + red) >> 8;
				rgba[at + 1] = (rgba[at + 1]! * keep + green) >> 8;
				rgba[at + 2] = (rgba[at + 2]! * keep + blue) >> 8;
			}
		}
	}

	/** A border of `thickness` whose outer edge is the rectangle; `dash` > 0 leaves gaps of that length. */
	strokeRect(rect: Rect, thickness: number, colour: Rgb, dash = 0): void {
		const { x, y, width, height } = rect;
		const t = Math.min(thickness, Math.ceil(width / 2), Math.ceil(height / 2));
		if (dash === 0) {
			this.fillRect(x, y, width, t, colour);
			this.fillRect(x, y + height - t, width, t, colour);
			this.fillRect(x, y, t, height, colour);
			this.fillRect(x + width - t, y, t, height, colour);
			return;
		}
		for (let along = 0; along < width; along += 2 * dash) {
			const length = Math.min(dash, width - along);
			this.fillRect(x + along, y, length, t, colour);
			this.fillRect(x + along, y + height - t, length, t, colour);
		}
		for (let along = 0; along < height; along += 2 * dash) {
			const length = Math.min(dash, height - along);
			this.fillRect(x, y + along, t, length, colour);
			this.fillRect(x + width - t, y + along, t, length, colour);
		}
	}

	/** A line with round ends between the middles of pixels; a dot where both ends are one. */
	strokeLine(from: Point, to: Point, thickness: number, colour: Rgb): void {
		const reach = thickness / 2 + 1;
		const x = Math.floor(Math.min(from.x, to.x) - reach);
		const y = Math.floor(Math.min(from.y, to.y) - reach);
		const { left, top, right, bottom } = this.#clip(
			x,
			y,
			Math.ceil(Math.max(from.x, to.x) + reach) - x,
			Math.ceil(Math.max(from.y, to.y) + reach) - y,
		);
		const [dx, dy] = [to.x - from.x, to.y - from.y];
		const squared = dx * dx + dy * dy;
		for (let row = top; row < bottom; row++) {
			for (let column = left; column < right; column++) {
				const [px, py] = [column - from.x, row - from.y];
				const along = squared > 0 ? Math.max(0, Math.min(1, (px * dx + py * dy) / squared)) : 0;
				const distance = Math.hypot(px - along * dx, py - along * dy);
				const coverage = Math.max(0, Math.min(1, thickness / 2 + 0.5 - distance));
				this.#blend(4 * (row * this.width + column), colour, toWeight(Math.round(255 * coverage)));
			}
		}
	}

	/** Draws text in one colour with its mask's top left corner at (x, y). */
	drawMask(mask: Mask, x: number, y: number, colour: Rgb): void {
		const { left, top, right, bottom } = this.#clip(x, y, mask.width, mask.height);
		for (let row = top; row < bottom; row++) {
			for (let column = left; column < right; column++) {
				const coverage = mask.coverage[(row - y) * mask.width + column - x]!;
				if (coverage === 0) continue;
				this.#blend(4 * (row * this.width + column), colour, toWeight(coverage));
			}
		}
	}

	/** `weight` is that of the colour, out of 256. */
	#blend(at: number, [red, green, blue]: Rgb, weight: number): void {
		const { rgba } = this;
		rgba[at] = (rgba[at]! * (256 - weight) + red * weight) >> 8;
		rgba[at + 1] = (rgba[at + 1]! * (256 - weight) + green * weight) >> 8;
		rgba[at + 2] = (rgba[at + 2]! * (256 - weight) + blue * weight) >> 8;
	}

	#clip(x: number, y: number, width: number, height: number) {
		return {
			left: Math.max(0, x),
			top: Math.max(0, y),
			right: Math.min(this.width, x + width),
			bottom: Math.min(this.height, y + height),
		};
	}
}

/** Maps 0..255 to 0..256, so that 255 is opaque with a shift instead of a division. */
function toWeight(alpha: number): number {
	return alpha + (alpha >> 7);
}

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function packed([red, green, blue]: Rgb): number {
	return littleEndian
		? ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0
		: ((red << 24) | (green << 16) | (blue << 8) | 255) >>> 0;
}
