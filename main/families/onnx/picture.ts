import type { Normalisation } from '../../detector/bound-network.ts';
import type { Letterbox } from '../../domain/frame.ts';
import type { Size } from '../../domain/video.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import { fitInside } from '../../pixels/letterbox.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { writeHalves } from '../../weights/half.ts';
import type { CardInput } from './card.ts';

/** Pixels between the cells in which change is measured; frames are padded to multiples of it. */
export const CELL = 16;
const CHANNELS = 3;

/** Where a frame lies in the input of a network. */
export type Placement = {
	/** How frames are scaled for `prepare`: the picture, without the network's own padding. */
	letterbox: Letterbox;
	/** Left and upper edge of the picture in the network's input, in pixels. */
	left: number;
	top: number;
};

/** Places a video's frames in a network's input as its card says. */
export function placePicture({ width, height, resize }: CardInput, displaySize: Size): Placement {
	const contentSize =
		resize.kind === 'stretch' ? { width, height } : fitInside(displaySize, { width, height });
	const isCentred = resize.kind === 'letterbox' && resize.align === 'centre';
	const padded = (side: number) => Math.ceil(side / CELL) * CELL;
	return {
		letterbox: {
			displaySize,
			contentSize,
			inputSize: { width: padded(contentSize.width), height: padded(contentSize.height) },
			fill: resize.kind === 'letterbox' ? resize.pad : 0,
			resampling: 'fine-bilinear',
		},
		// As Ultralytics rounds it.
		left: isCentred ? Math.round((width - contentSize.width) / 2 - 0.1) : 0,
		top: isCentred ? Math.round((height - contentSize.height) / 2 - 0.1) : 0,
	};
}

/** A card's mean and deviation for red, green and blue, of pixels from 0 to 1. */
export function normalisationOf({ mean, std, range, colour }: CardInput): Normalisation {
	const ofUnit = (perChannel: readonly number[]) => {
		const scaled = perChannel.map((value) => value / range);
		return colour === 'bgr' ? scaled.reverse() : scaled;
	};
	return { mean: ofUnit(mean), std: ofUnit(std), padding: 'grey' };
}

/** The input tensor of a network, filled anew for every frame. */
export class NetworkPicture {
	readonly #input: CardInput;
	readonly #placement: Placement;
	/** Null where the frame's own planes are the input. */
	readonly #floats: Float32Array | null;
	readonly #halves: Uint16Array | null;
	readonly #bytes: Uint8Array | null;

	constructor(input: CardInput, placement: Placement) {
		const { width, height, layout, colour, type, resize } = input;
		const { contentSize, inputSize } = placement.letterbox;
		const numbers = CHANNELS * width * height;
		const isWhole = [contentSize, inputSize].every((size) => size.width === width && size.height === height);
		this.#input = input;
		this.#placement = placement;
		this.#floats = isWhole && layout === 'nchw' && colour === 'rgb' ? null : new Float32Array(numbers);
		this.#halves = type === 'float16' ? new Uint16Array(numbers) : null;
		this.#bytes = type === 'uint8' ? new Uint8Array(numbers) : null;
		if (!this.#floats || isWhole) return;
		const pad = resize.kind === 'letterbox' ? resize.pad : 0;
		for (let channel = 0; channel < CHANNELS; channel++) {
			const value = ((pad * input.range) / 255 - input.mean[channel]!) / input.std[channel]!;
			if (layout === 'nchw')
				this.#floats.fill(value, channel * width * height, (channel + 1) * width * height);
			else for (let i = channel; i < numbers; i += CHANNELS) this.#floats[i] = value;
		}
	}

	/** [1, 3, height, width] or [1, height, width, 3]; it holds until the next call. */
	of(pixels: FramePixels): GraphTensor {
		const { layout, width, height } = this.#input;
		const data = this.#place(pixels.planar());
		const shape = layout === 'nchw' ? [1, CHANNELS, height, width] : [1, height, width, CHANNELS];
		if (this.#halves) {
			writeHalves(data, this.#halves);
			return { type: 'float16', data: this.#halves, shape };
		}
		if (this.#bytes) {
			for (let i = 0; i < data.length; i++) this.#bytes[i] = Math.round(data[i]!);
			return { type: 'uint8', data: this.#bytes, shape };
		}
		return { type: 'float32', data, shape };
	}

	/** `planes` [3, height, width] of the padded frame. */
	#place(planes: Float32Array): Float32Array {
		const out = this.#floats;
		if (!out) return planes;
		const { layout, width, height, colour } = this.#input;
		const { left, top, letterbox } = this.#placement;
		const { contentSize, inputSize } = letterbox;
		for (let channel = 0; channel < CHANNELS; channel++) {
			const plane = colour === 'bgr' ? CHANNELS - 1 - channel : channel;
			for (let y = 0; y < contentSize.height; y++) {
				const from = (plane * inputSize.height + y) * inputSize.width;
				if (layout === 'nchw') {
					const row = planes.subarray(from, from + contentSize.width);
					out.set(row, (channel * height + top + y) * width + left);
					continue;
				}
				let to = CHANNELS * ((top + y) * width + left) + channel;
				for (let x = 0; x < contentSize.width; x++, to += CHANNELS) out[to] = planes[from + x]!;
			}
		}
		return out;
	}
}
