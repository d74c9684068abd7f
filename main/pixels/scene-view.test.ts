import { describe, expect, it } from 'vitest';
import type { Frame } from '../domain/frame.ts';
import { AT_REST, inFrame, type Placement } from '../domain/placement.ts';
import type { TokenGrid } from '../domain/tokens.ts';
import { WasmFramePixels } from './frame-pixels.ts';
import { syntheticFrame } from './synthetic-frame.fixture.ts';

const GRID: TokenGrid = { rows: 6, cols: 8, stride: 16, windowSize: 31, windowOffset: -7 };
const SIZE = { width: GRID.cols * 16, height: GRID.rows * 16 };
const TOKENS = GRID.rows * GRID.cols;
const ALL = Int32Array.from({ length: TOKENS }, (_, i) => i);
/** So that a normalised pixel is a grey level. */
const PLAIN = [
	[0, 0, 0],
	[1 / 255, 1 / 255, 1 / 255],
] as const;

const FRAME = syntheticFrame(GRID, { seed: 1 });
const frame = (): Frame => FRAME;

function followed(of: Frame, place: Placement): WasmFramePixels {
	const pixels = new WasmFramePixels(GRID, ...PLAIN, undefined, { follows: true });
	pixels.load(of);
	pixels.view.follow(true);
	pixels.load(of);
	pixels.view.show(place);
	return pixels;
}

/** Pixel (x, y) of a channel of the view, from the windows of tokens; null outside all of them. */
function viewPixel(windows: Float32Array, x: number, y: number, channel: number): number {
	const col = Math.min(GRID.cols - 1, Math.max(0, Math.floor(x / 16)));
	const row = Math.min(GRID.rows - 1, Math.max(0, Math.floor(y / 16)));
	const at = (y - 16 * row + 7) * 31 + (x - 16 * col + 7);
	return windows[((row * GRID.cols + col) * 3 + channel) * 961 + at]!;
}

/** The frame at a point between its pixels, as cubic convolution has it. */
function sample({ pixels }: Frame, x: number, y: number, channel: number): number {
	const cubic = (d: number) =>
		d < 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
	const [left, top] = [Math.floor(x), Math.floor(y)];
	let sum = 0;
	for (let j = top - 1; j <= top + 2; j++) {
		for (let i = left - 1; i <= left + 2; i++) {
			const [column, row] = [
				Math.min(SIZE.width - 1, Math.max(0, i)),
				Math.min(SIZE.height - 1, Math.max(0, j)),
			];
			const value = pixels[3 * (row * SIZE.width + column) + channel]!;
			sum += cubic(Math.abs(x - i)) * cubic(Math.abs(y - j)) * value;
		}
	}
	return Math.min(255, Math.max(0, sum));
}

describe('a frame is drawn so that the scene lies on whole pixels', () => {
	it.each<[string, Placement, number]>([
		['moved by whole pixels', { ...AT_REST, x: 5, y: -3 }, 0.01],
		['moved by a fraction', { ...AT_REST, x: -6.37, y: 4.81 }, 1.5],
		['magnified and moved', { x: 2.2, y: -7.4, grow: 0.02, spin: 0 }, 4],
		['turned', { x: 0.4, y: 1.3, grow: 0, spin: 0.015 }, 4],
		['shrunk and turned', { x: -3.1, y: 0.2, grow: -0.025, spin: -0.01 }, 4],
		['magnified and turned as far as can be', { x: 1.7, y: -2.6, grow: 0.03, spin: -0.05 }, 12],
	])('%s', (_, place, tolerance) => {
		const pixels = followed(frame(), place);
		const { known, centre } = pixels.view;
		const windows = pixels.windows(ALL, TOKENS);
		expect(known.right - known.left).toBeGreaterThan(SIZE.width - 16);
		let worst = 0;
		for (let y = -7; y < SIZE.height + 8; y++) {
			for (let x = -7; x < SIZE.width + 8; x++) {
				const isKnown = x >= known.left && x < known.right && y >= known.top && y < known.bottom;
				const at = inFrame(place, centre, x, y);
				const expected = isKnown ? sample(frame(), at.x, at.y, 1) : 0;
				worst = Math.max(worst, Math.abs(viewPixel(windows, x, y, 1) - expected));
			}
		}
		expect(worst).toBeLessThan(tolerance);
	});

	it('shows the frame itself at rest, to the last bit', () => {
		const still = new WasmFramePixels(GRID, ...PLAIN);
		still.load(frame());
		const pixels = followed(frame(), { ...AT_REST, x: 3.5 });
		pixels.view.rest();
		expect(pixels.windows(ALL, TOKENS)).toEqual(still.windows(ALL, TOKENS));
		expect(pixels.planar()).toEqual(still.planar());
	});
});

describe('what the frame does not show is unknown', () => {
	it('counts as no change, and a window that was cut is due once it is whole', () => {
		const pixels = followed(frame(), { ...AT_REST, x: -9 });
		pixels.remember(ALL, TOKENS);
		const due = new Uint8Array(TOKENS);
		pixels.view.windows.markCut(due);
		expect([...due].some(Boolean)).toBe(false);
		// The right column was cut by 9 of the pixels that it would have had; the left one had its own and 9 less.
		pixels.view.show({ ...AT_REST, x: 9 });
		pixels.view.windows.markCut(due);
		const cols = (col: number) =>
			ALL.filter((token) => token % GRID.cols === col).every((token) => due[token] === 1);
		expect(cols(0)).toBe(true);
		expect(cols(3)).toBe(false);
		expect(Math.max(...pixels.changeSince())).toBeGreaterThan(5);
		pixels.view.show({ ...AT_REST, x: -9 });
		expect([...pixels.changeSince()]).toEqual(Array(TOKENS).fill(0));
	});

	it('new tokens are due, the others keep what is remembered of them', () => {
		const pixels = followed(frame(), AT_REST);
		pixels.remember(ALL, TOKENS);
		pixels.roll(0, -1);
		pixels.view.show({ ...AT_REST, x: 16 });
		const due = new Uint8Array(TOKENS);
		pixels.view.windows.markCut(due);
		for (const token of ALL) {
			if (token % GRID.cols === GRID.cols - 1) expect(due[token]).toBe(1);
			else if (token % GRID.cols < GRID.cols - 2) expect(pixels.changeSince()[token]).toBe(0);
		}
	});
});

it('takes brightness out of what is compared, and leaves it in what the network sees', () => {
	const pixels = new WasmFramePixels(GRID, ...PLAIN);
	const before = frame();
	const brighter = {
		...before,
		pixels: before.pixels.map((value) => Math.min(255, Math.round(1.2 * value + 8))),
	};
	pixels.load(before);
	pixels.remember(ALL, TOKENS);
	pixels.load(brighter);
	expect(Math.min(...pixels.changeSince())).toBeGreaterThan(10);
	pixels.view.adjust(1 / 1.2, -8 / 1.2);
	expect(Math.max(...pixels.changeSince())).toBeLessThan(2);
	expect(pixels.windows(Int32Array.of(9), 1)[500]).toBeGreaterThan(0);
	pixels.load(before);
	expect(Math.max(...pixels.changeSince())).toBe(0);
});

it('measures brightness and luma of squares', () => {
	const pixels = followed(frame(), { ...AT_REST, x: 4 });
	const [mean] = pixels.view.means().subarray(9, 10);
	const [token] = [9];
	const windows = pixels.windows(Int32Array.of(token), 1).slice();
	let sum = 0;
	let firstLuma = 0;
	for (let channel = 0; channel < 3; channel++) {
		for (let y = 7; y < 23; y++) for (let x = 7; x < 23; x++) sum += windows[channel * 961 + y * 31 + x]!;
		firstLuma += [0.299, 0.587, 0.114][channel]! * windows[channel * 961 + 7 * 31 + 7]!;
	}
	expect(mean).toBeCloseTo(sum / 768, 2);
	expect(Math.abs(pixels.view.squares(Int32Array.of(token), 1)[0]! - firstLuma)).toBeLessThan(1.5);
	const { data, stride } = pixels.view.luma();
	const at = 3 * (20 * SIZE.width + 37);
	const [r, g, b] = frame().pixels.subarray(at, at + 3) as unknown as [number, number, number];
	expect(Math.abs(data[20 * stride + 37]! - (0.299 * r + 0.587 * g + 0.114 * b))).toBeLessThan(1.5);
});
