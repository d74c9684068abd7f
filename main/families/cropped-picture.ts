import type { Letterbox } from '../domain/frame.ts';
import type { Size } from '../domain/video.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import type { GraphTensor } from '../runtime/runtime.ts';

/** The upper left part of a frame, for networks that take pictures of any size. */
export class CroppedPicture {
	readonly #inputSize: Size;
	readonly #seen: Size;
	readonly #data: Float32Array;

	/** `seen`: what the network takes; the picture without padding unless told otherwise. */
	constructor({ inputSize, contentSize }: Letterbox, seen = contentSize) {
		this.#inputSize = inputSize;
		this.#seen = seen;
		this.#data = new Float32Array(3 * seen.width * seen.height);
	}

	/** Normalised planes [1, 3, height, width]; they hold until the next call. */
	of(pixels: FramePixels): GraphTensor {
		const { width, height } = this.#seen;
		const planes = pixels.planar();
		for (let channel = 0; channel < 3; channel++) {
			for (let y = 0; y < height; y++) {
				const from = (channel * this.#inputSize.height + y) * this.#inputSize.width;
				this.#data.set(planes.subarray(from, from + width), (channel * height + y) * width);
			}
		}
		return { type: 'float32', data: this.#data, shape: [1, 3, height, width] };
	}
}
