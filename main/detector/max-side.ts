import type { ReductionMode } from '../reduction/mode.ts';

/** Longer side of the picture that a network sees unless asked otherwise, in pixels. */
export const DEFAULT_MAX_SIDE = 768;
/** The same of a picture that is cut into tiles: 4K stays as it is. */
const DEFAULT_TILED_SIDE = 4096;

/** Longer side of the picture in a mode unless asked otherwise, in pixels. */
export function defaultMaxSide(mode: ReductionMode): number {
	return mode.tiling ? DEFAULT_TILED_SIDE : DEFAULT_MAX_SIDE;
}
