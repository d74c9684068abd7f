import type { Frame } from '../domain/frame.ts';
import type { TokenGrid } from '../domain/tokens.ts';

/**
 * A picture made for tests: smooth noise, the same for the same seed, with a bright square at (x, y) whose
 * side is `square` pixels.
 */
export function syntheticFrame(
	grid: TokenGrid,
	options: { seed: number; index?: number; square?: { x: number; y: number; side: number } },
): Frame {
	const size = { width: grid.cols * grid.stride, height: grid.rows * grid.stride };
	const pixels = new Uint8Array(3 * size.width * size.height);
	for (let y = 0; y < size.height; y++) {
		for (let x = 0; x < size.width; x++) {
			for (let channel = 0; channel < 3; channel++) {
				const wave = Math.sin(x / 9 + options.seed + channel) * Math.cos(y / 7 - options.seed);
				pixels[3 * (y * size.width + x) + channel] = 128 + 90 * wave;
			}
		}
	}
	const { square } = options;
	if (square) {
		for (let y = Math.max(0, square.y); y < Math.min(size.height, square.y + square.side); y++) {
			const from = 3 * (y * size.width + Math.max(0, square.x));
			pixels.fill(250, from, 3 * (y * size.width + Math.min(size.width, square.x + square.side)));
		}
	}
	const index = options.index ?? 0;
	return { index, timeSeconds: index / 25, pixels, format: 'rgb24', size };
}
