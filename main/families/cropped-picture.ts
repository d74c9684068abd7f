import type { Letterbox } from '../domain/frame.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import type { GraphTensor } from '../runtime/runtime.ts';

/** The picture of a frame without its padding, for networks that take pictures of any size. */
export class CroppedPicture {
	readonly #letterbox: Letterbox;
	readonly #data: Float32Array;

	constructor(letterbox: Letterbox) {
		const { width, height } = letterbox.contentSize;
		this.#letterbox = letterbox;
		this.#data = new Float32Array(3 * width * height);
	}

	/** Normalised planes [1, 3, height, width] of the content; they hold until the next call. */
	of(pixels: FramePixels): GraphTensor {
		const { inputSize, contentSize } = this.#letterbox;
		const { width, height } = contentSize;
		const planes = pixels.planar();
		for (let channel = 0; channel < 3; channel++) {
			for (let y = 0; y < height; y++) {
				const from = (channel * inputSize.height + y) * inputSize.width;
				this.#data.set(planes.subarray(from, from + width), (channel * height + y) * width);
			}
		}
		return { type: 'float32', data: this.#data, shape: [1, 3, height, width] };
	}
}
