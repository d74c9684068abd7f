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

/**
 * As `fitLetterbox`, for networks that were trained on pictures of one size: enlarged or shrunk so that the shorter side
 * has `shorter` pixels, or fewer where the longer one would exceed `longest` or `maxSide`.
 */
export function fitShorterSide(
	displaySize: Size,
	sides: { shorter: number; longest: number; maxSide: number },
	multiple: number,
	fill: number,
): Letterbox {
	const [short, long] = [displaySize.width, displaySize.height].sort((a, b) => a - b) as [number, number];
	const most = Math.min(sides.longest, sides.maxSide);
	const shorter = Math.min(sides.shorter, Math.max(1, Math.round((most * short) / long)));
	// As torchvision has it: the longer side is cut to whole pixels.
	const scaled = (side: number) => (side === short ? shorter : Math.trunc((shorter * side) / short));
	const contentSize = { width: scaled(displaySize.width), height: scaled(displaySize.height) };
	const padded = (side: number) => Math.ceil(side / multiple) * multiple;
	const inputSize = { width: padded(contentSize.width), height: padded(contentSize.height) };
	return { displaySize, contentSize, inputSize, fill };
}

/** The size of a displayed picture in a network's input that has one fixed size: as large as fits, enlarged where it is smaller. */
export function fitInside(displaySize: Size, input: Size): Size {
	const scale = Math.min(input.width / displaySize.width, input.height / displaySize.height);
	return {
		width: Math.max(1, Math.round(displaySize.width * scale)),
		height: Math.max(1, Math.round(displaySize.height * scale)),
	};
}
