import type { TokenGrid } from '../../domain/tokens.ts';
import type { Size } from '../../domain/video.ts';

/** Pixels of the backbone's finest map: what motion is measured in. */
export const TOKEN_STRIDE = 16;

/** Cells of the backbone's finest map, for inputs whose sides are multiples of its stride. */
export function shvitGrid({ width, height }: Size): TokenGrid {
	return {
		rows: height / TOKEN_STRIDE,
		cols: width / TOKEN_STRIDE,
		stride: TOKEN_STRIDE,
		windowSize: TOKEN_STRIDE,
		windowOffset: 0,
	};
}
