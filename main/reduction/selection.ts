import { tokenCount, type TokenGrid } from '../domain/tokens.ts';
import type { Selection } from './mode.ts';

/** The tokens of a grid, in raster order. */
export function allTokens(grid: TokenGrid): Int32Array {
	return Int32Array.from({ length: tokenCount(grid) }, (_, token) => token);
}

/** Every token of a frame. */
export function wholeFrame(grid: TokenGrid): Selection {
	const tokens = allTokens(grid);
	return { kind: 'flush', tokens, count: tokens.length };
}
