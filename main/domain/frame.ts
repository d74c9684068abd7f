import type { Size } from './video.ts';

/** One decoded frame. `pixels` belongs to the reader and is valid until the next frame is pulled. */
export type Frame = {
	/** Index among all decoded frames of the file, from 0; never the index within a range. */
	index: number;
	/** Presentation time in the file's own clock. */
	timeSeconds: number;
	/** Packed rows, top to bottom, no padding between rows. */
	pixels: Uint8Array;
	format: 'rgb24' | 'rgba';
	size: Size;
};

/**
 * How a frame is scaled from the video, whose colours are stored at half its size: `bilinear` repeats them; the fine
 * kinds interpolate them as well, as image libraries do. `nearest` takes single pixels.
 */
export const RESAMPLINGS = ['bilinear', 'fine-bilinear', 'fine-bicubic', 'fine-lanczos', 'nearest'] as const;
export type Resampling = (typeof RESAMPLINGS)[number];

/**
 * How a displayed frame becomes a detector's input: scaled to `contentSize`, which may have another shape than the frame, in
 * the top left corner of `inputSize`; the rest is filled with `fill`.
 */
export type Letterbox = {
	displaySize: Size;
	contentSize: Size;
	inputSize: Size;
	/** Grey level of the padding, 0 to 255, for all three channels. */
	fill: number;
	/** Default: `bilinear`. */
	resampling?: Resampling;
};

/** Fills `size` with the whole frame; its shape may change by that. */
export function scaledTo(size: Size, displaySize = size): Letterbox {
	return { displaySize, contentSize: size, inputSize: size, fill: 0 };
}
