import { z } from 'zod';

/**
 * Sizes in configurations, each up to what lies far above every published network: a plan of more would take minutes to lay
 * out, or more memory than there is, before the weights could be held against it.
 */
const upTo = (most: number) => z.int().positive().max(most);

/** Layers, blocks or stages one after the other. */
export const layerCount = upTo(256);
export const layerCountOrNone = z.int().nonnegative().max(256);
export const headCount = upTo(256);
/** Numbers per token, or channels per pixel. */
export const width = upTo(32_768);
/** Queries, or tokens that read no pixels. */
export const queryCount = upTo(8192);
/** Maps of different scale. */
export const levelCount = upTo(8);
/** Points that a head samples per level. */
export const pointCount = upTo(32);
/** Windows along a side, and in all. */
export const windowsPerSide = upTo(32);
export const windowCount = upTo(32 ** 2);
export const classCount = upTo(65_536);
/** Of a picture, in pixels. */
export const side = upTo(16_384);
/** Of a patch, in pixels. */
export const patchSide = upTo(256);
/** Of a layer to the one before it. */
export const widthRatio = z.number().positive().max(64);
/** What norms add to variances. */
export const epsilon = z.number().nonnegative().max(1);
/** The number of a layer, block or stage, from the end where it is negative. */
export const layerIndex = z.int().min(-256).max(256);
