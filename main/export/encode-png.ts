import type { Size } from '../domain/video.ts';

/** A picture of four bytes a pixel as PNG. */
export async function encodePng(rgba: Uint8Array, { width, height }: Size): Promise<Buffer> {
	// A native canvas: loaded only if something is drawn.
	const { createCanvas } = await import('@napi-rs/canvas');
	const canvas = createCanvas(width, height);
	const pen = canvas.getContext('2d');
	const image = pen.createImageData(width, height);
	image.data.set(rgba);
	pen.putImageData(image, 0, 0);
	return canvas.encodeSync('png');
}
