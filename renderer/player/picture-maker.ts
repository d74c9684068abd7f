import type { VideoSample } from 'mediabunny';
import type { VideoInfo, Size } from '../../main/domain/video.ts';
import type { Cut } from './cut-frames.ts';
import type { Picture } from './picture-cache.ts';

/** Larger pictures are scaled down to this, which bounds memory; few screens show more. */
const MOST_PIXELS = 3840 * 2160;

/** The size of a video's pictures: as displayed, or smaller if that is huge. */
export function pictureSize({ width, height }: Size): Size {
	const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
	return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Makes pictures from decoded frames: upright, with square pixels, matching the boxes. */
export class PictureMaker {
	readonly size: Size;
	readonly #displaySize: Size;
	readonly #rotation: VideoInfo['rotationDegrees'] | null;
	readonly #canvas: OffscreenCanvas;
	readonly #pen: OffscreenCanvasRenderingContext2D;

	/** `rotationDegrees` overrides the file's rotation; null keeps it. */
	constructor(displaySize: Size, rotationDegrees: VideoInfo['rotationDegrees'] | null) {
		this.size = pictureSize(displaySize);
		this.#displaySize = displaySize;
		this.#rotation = rotationDegrees;
		this.#canvas = new OffscreenCanvas(this.size.width, this.size.height);
		this.#pen = this.#canvas.getContext('2d', { alpha: false })!;
	}

	/** Copies the sample and closes it: decoders have few frames to lend. */
	make(sample: VideoSample, index: number): Picture {
		try {
			if (this.#rotation !== null) sample.setRotation(this.#rotation);
			sample.draw(this.#pen, 0, 0, this.size.width, this.size.height);
			return { index, bitmap: this.#canvas.transferToImageBitmap() };
		} finally {
			sample.close();
		}
	}

	/** A piece of the same picture, at a size of its own. Leaves the sample open. */
	cut(sample: VideoSample, { rect, size }: Omit<Cut, 'frame'>): ImageBitmap {
		if (this.#rotation !== null) sample.setRotation(this.#rotation);
		const canvas = new OffscreenCanvas(size.width, size.height);
		const pen = canvas.getContext('2d', { alpha: false })!;
		pen.imageSmoothingQuality = 'high';
		pen.scale(size.width / rect.width, size.height / rect.height);
		sample.draw(pen, -rect.x, -rect.y, this.#displaySize.width, this.#displaySize.height);
		return canvas.transferToImageBitmap();
	}
}
