import { describe, expect, it } from 'vitest';
import type { Frame } from '../domain/frame.ts';
import type { TokenGrid } from '../domain/tokens.ts';
import { WasmFramePixels } from './frame-pixels.ts';

const MEAN = [0.46, 0.44, 0.41];
const STD = [0.27, 0.265, 0.28];

const GRIDS: Record<string, TokenGrid> = {
	'overlapping windows with a border': { rows: 3, cols: 4, stride: 16, windowSize: 31, windowOffset: -7 },
	'patches without a border': { rows: 2, cols: 3, stride: 16, windowSize: 16, windowOffset: 0 },
};

function noise(grid: TokenGrid, seed: number): Frame {
	const size = { width: grid.cols * grid.stride, height: grid.rows * grid.stride };
	let state = seed;
	const pixels = Uint8Array.from({ length: 3 * size.width * size.height }, () => {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		return state >>> 24;
	});
	return { index: 0, timeSeconds: 0, pixels, format: 'rgb24', size };
}

/** The same window, pixel by pixel: byte value, or null outside the picture. */
function naiveWindow(grid: TokenGrid, frame: Frame, token: number): (number | null)[][] {
	const { width, height } = frame.size;
	const left = (token % grid.cols) * grid.stride + grid.windowOffset;
	const top = Math.floor(token / grid.cols) * grid.stride + grid.windowOffset;
	return [0, 1, 2].map((channel) => {
		const values: (number | null)[] = [];
		for (let y = top; y < top + grid.windowSize; y++) {
			for (let x = left; x < left + grid.windowSize; x++) {
				const inside = x >= 0 && y >= 0 && x < width && y < height;
				values.push(inside ? frame.pixels[3 * (y * width + x) + channel]! : null);
			}
		}
		return values;
	});
}

const normalised = (value: number | null, channel: number) =>
	value === null ? 0 : (value / 255 - MEAN[channel]!) / STD[channel]!;

describe.each(Object.entries(GRIDS))('%s', (_, grid) => {
	const tokens = grid.rows * grid.cols;
	const all = Int32Array.from({ length: tokens }, (_, i) => i);

	it('gathers the windows of the asked tokens, zero outside the picture', () => {
		const pixels = new WasmFramePixels(grid, MEAN, STD);
		const frame = noise(grid, 1);
		pixels.load(frame);
		const asked = Int32Array.of(tokens - 1, 0, 2);
		const windows = pixels.windows(asked, 3);
		const expected = [...asked].flatMap((token) =>
			naiveWindow(grid, frame, token).flatMap((plane, channel) =>
				plane.map((value) => normalised(value, channel)),
			),
		);
		expect(windows.length).toBe(expected.length);
		expect(Math.max(...windows.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
	});

	it('gives the whole picture, planar', () => {
		const pixels = new WasmFramePixels(grid, MEAN, STD);
		const frame = noise(grid, 2);
		pixels.load(frame);
		const plane = frame.size.width * frame.size.height;
		const picture = pixels.planar();
		for (const [channel, at] of [
			[0, 0],
			[1, 5],
			[2, plane - 1],
		] as const) {
			expect(picture[channel * plane + at]).toBeCloseTo(
				normalised(frame.pixels[3 * at + channel]!, channel),
				5,
			);
		}
	});

	it('takes what lies beyond the content for padding, 0 after normalisation', () => {
		const frame = noise(grid, 9);
		const { width, height } = frame.size;
		const content = { width: width - 19, height: height - 17 };
		const pixels = new WasmFramePixels(grid, MEAN, STD, content);
		pixels.load(frame);
		const inside = (at: number) => at % width < content.width && Math.floor(at / width) < content.height;
		const plane = width * height;
		const expected = Array.from({ length: 3 * plane }, (_, i) => {
			const [channel, at] = [Math.floor(i / plane), i % plane];
			return inside(at) ? normalised(frame.pixels[3 * at + channel]!, channel) : 0;
		});
		const picture = pixels.planar();
		expect(Math.max(...picture.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
		// The same for windows, of which the last lies at the bottom right.
		const side = grid.windowSize;
		const [left, top] = [(grid.cols - 1) * grid.stride, (grid.rows - 1) * grid.stride].map(
			(start) => start + grid.windowOffset,
		) as [number, number];
		const window = pixels.windows(Int32Array.of(tokens - 1), 1).slice();
		for (let y = 0; y < side; y++) {
			for (let x = 0; x < side; x++) {
				const isContent = left + x < content.width && top + y < content.height;
				const value = isContent ? expected[(top + y) * width + left + x]! : 0;
				expect(window[y * side + x]).toBeCloseTo(value, 5);
			}
		}
	});

	it('measures the mean absolute change of every window since it was remembered', () => {
		const pixels = new WasmFramePixels(grid, MEAN, STD);
		const [before, after] = [noise(grid, 3), noise(grid, 4)];
		pixels.load(before);
		pixels.remember(all, tokens);
		expect([...pixels.changeSince()]).toEqual(Array(tokens).fill(0));
		pixels.load(after);
		const expected = [...all].map((token) => {
			const a = naiveWindow(grid, before, token).flat();
			const b = naiveWindow(grid, after, token).flat();
			return a.reduce<number>((sum, value, i) => sum + Math.abs((value ?? 0) - (b[i] ?? 0)), 0) / a.length;
		});
		pixels.changeSince().forEach((change, token) => expect(change).toBeCloseTo(expected[token]!, 3));
	});

	it('measures against the frame in which each token was remembered last', () => {
		const pixels = new WasmFramePixels(grid, MEAN, STD);
		pixels.load(noise(grid, 5));
		pixels.remember(all, tokens);
		pixels.load(noise(grid, 6));
		pixels.remember(Int32Array.of(1), 1);
		const change = pixels.changeSince();
		expect(change[1]).toBe(0);
		expect(change[0]).toBeGreaterThan(10);
	});

	it('goes on from a snapshot as if it had never stopped', () => {
		const first = new WasmFramePixels(grid, MEAN, STD);
		first.load(noise(grid, 7));
		first.remember(all, tokens);
		const second = new WasmFramePixels(grid, MEAN, STD);
		second.restoreState(first.saveState());
		for (const pixels of [first, second]) pixels.load(noise(grid, 8));
		expect([...second.changeSince()]).toEqual([...first.changeSince()]);
	});
});

it('refuses a frame of another size', () => {
	const pixels = new WasmFramePixels(GRIDS['patches without a border']!, MEAN, STD);
	expect(() => pixels.load(noise(GRIDS['overlapping windows with a border']!, 1))).toThrow(/48×32/);
});
