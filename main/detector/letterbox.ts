import type { Letterbox } from '../domain/frame.ts';
import type { Size } from '../domain/video.ts';

/**
 * Fits a displayed picture into a network's input: shrunk so that its longer side is at most `maxSide` pixels
 * (never enlarged), then padded right and bottom to multiples of `multiple` with grey `fill`.
 */
export function fitLetterbox(displaySize: Size, maxSide: number, multiple: number, fill: number): Letterbox {
	const scale = Math.min(1, maxSide / Math.max(displaySize.width, displaySize.height));
	const contentSize = {
		width: Math.max(1, Math.round(displaySize.width * scale)),
		height: Math.max(1, Math.round(displaySize.height * scale)),
	};
	const inputSize = {
		width: Math.ceil(contentSize.width / multiple) * multiple,
		height: Math.ceil(contentSize.height / multiple) * multiple,
	};
	return { displaySize, contentSize, inputSize, fill };
}
