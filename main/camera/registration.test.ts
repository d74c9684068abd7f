import { describe, expect, it } from 'vitest';
import { AT_REST, inFrame, type Placement } from '../domain/placement.ts';
import type { TokenGrid } from '../domain/tokens.ts';
import { Registration } from './registration.ts';

const GRID: TokenGrid = { rows: 12, cols: 16, stride: 16, windowSize: 31, windowOffset: -7 };
const SIZE = { width: 256, height: 192 };
const CENTRE = { x: 127.5, y: 95.5 };

/** A scene without end, in luma: noise of four sizes, smooth between its points. */
function scene(x: number, y: number): number {
	return (
		128 +
		60 * noiseAt(x / 40, y / 40) +
		50 * noiseAt(x / 17, y / 17) +
		40 * noiseAt(x / 8, y / 8) +
		20 * noiseAt(x / 5, y / 5)
	);
}

/** −1 to 1. */
function noiseAt(x: number, y: number): number {
	const [left, top] = [Math.floor(x), Math.floor(y)];
	const smooth = (t: number) => t * t * (3 - 2 * t);
	const [fx, fy] = [smooth(x - left), smooth(y - top)];
	const along = (row: number) => point(left, row) + fx * (point(left + 1, row) - point(left, row));
	return along(top) + fy * (along(top + 1) - along(top));
}

function point(x: number, y: number): number {
	let mixed = Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b);
	mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
	return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 31 - 1;
}

type Look = (x: number, y: number) => number;

/** What a camera shows whose view lies at `place` in its frame: the inverse of `inFrame`, near enough for small turns. */
function frameAt(place: Placement, look: Look = scene): Uint8Array {
	const luma = new Uint8Array(SIZE.width * SIZE.height);
	const scale = (1 + place.grow) ** 2 + place.spin ** 2;
	for (let y = 0; y < SIZE.height; y++) {
		for (let x = 0; x < SIZE.width; x++) {
			const [dx, dy] = [x - CENTRE.x - place.x, y - CENTRE.y - place.y];
			const viewX = CENTRE.x + ((1 + place.grow) * dx + place.spin * dy) / scale;
			const viewY = CENTRE.y + ((1 + place.grow) * dy - place.spin * dx) / scale;
			luma[y * SIZE.width + x] = Math.min(255, Math.max(0, Math.round(look(viewX, viewY))));
		}
	}
	return luma;
}

function remembering(luma: Uint8Array): Registration {
	const registration = new Registration(GRID, SIZE);
	registration.reference.load(luma, SIZE.width);
	registration.reference.rememberFrame();
	return registration;
}

/** Pixels between where the corners of the view lie and where they were found. */
function errorOf(found: Placement, place: Placement): number {
	const corners = [0, SIZE.width - 1].flatMap((x) => [0, SIZE.height - 1].map((y) => ({ x, y })));
	return Math.max(
		...corners.map(({ x, y }) => {
			const [a, b] = [inFrame(found, CENTRE, x, y), inFrame(place, CENTRE, x, y)];
			return Math.hypot(a.x - b.x, a.y - b.y);
		}),
	);
}

it('registers tokens from all over a picture, however large', () => {
	const grid = { ...GRID, rows: 68, cols: 120 };
	const [width, height] = [16 * grid.cols, 16 * grid.rows];
	const registration = new Registration(grid, { width, height });
	registration.reference.load(
		Uint8Array.from({ length: width * height }, (_, i) => (i * 7919) >>> 5),
		width,
	);
	registration.reference.rememberFrame();
	const patches = [...registration.reference.patches()];
	expect(patches.length).toBeGreaterThan(200);
	const rows = patches.map((token) => Math.floor(token / grid.cols));
	expect(new Set(rows.map((row) => Math.floor(row / 7))).size).toBe(Math.ceil(grid.rows / 7));
});

describe('finds where what is remembered lies, to a fraction of a pixel', () => {
	it.each<[string, Placement]>([
		['at rest', AT_REST],
		['moved by a fraction', { ...AT_REST, x: 1.37, y: -0.31 }],
		['moved far', { ...AT_REST, x: -27.4, y: 18.8 }],
		['magnified', { x: 0.6, y: 0.2, grow: 0.025, spin: 0 }],
		['turned', { x: -2.1, y: 0.9, grow: 0, spin: 0.02 }],
		['all of it', { x: 3.3, y: 1.7, grow: -0.02, spin: -0.012 }],
	])('%s', (_, place) => {
		const registration = remembering(frameAt(AT_REST));
		registration.reference.load(frameAt(place), SIZE.width);
		const { place: found, sure } = registration.register(AT_REST);
		expect(sure).toBe(true);
		expect(errorOf(found, place)).toBeLessThan(0.15);
	});

	it('whatever moves by itself', () => {
		const place = { ...AT_REST, x: 2.6, y: 1.1 };
		// A third of the picture goes the other way, and a logo stays on the screen.
		const busy =
			(shift: number): Look =>
			(x, y) =>
				x > 80 && x < 160 ? scene(x + shift, y + 2 * shift) : scene(x, y);
		const logo = (luma: Uint8Array) => {
			for (let y = 10; y < 40; y++)
				for (let x = 180; x < 250; x++) luma[y * SIZE.width + x] = (x * 37 + y * 91) % 256;
			return luma;
		};
		const registration = remembering(logo(frameAt(AT_REST, busy(0))));
		registration.reference.load(logo(frameAt(place, busy(5))), SIZE.width);
		const { place: found, sure } = registration.register(AT_REST);
		expect(sure).toBe(true);
		expect(errorOf(found, place)).toBeLessThan(0.15);
	});

	it('whatever the exposure', () => {
		const place = { ...AT_REST, x: -4.2, y: 2.5 };
		const registration = remembering(frameAt(AT_REST));
		registration.reference.load(
			frameAt(place).map((value) => 0.6 * value + 10),
			SIZE.width,
		);
		const { place: found, sure } = registration.register(AT_REST, 1 / 0.6, -10 / 0.6);
		expect(sure).toBe(true);
		expect(errorOf(found, place)).toBeLessThan(0.15);
	});

	it('within letterbox bars', () => {
		const place = { ...AT_REST, x: 3.8, y: -2.2 };
		const bars = (luma: Uint8Array) => luma.fill(16, 0, 32 * SIZE.width).fill(16, 160 * SIZE.width);
		const registration = remembering(bars(frameAt(AT_REST)));
		registration.reference.load(bars(frameAt(place)), SIZE.width);
		const { place: found, sure } = registration.register(AT_REST);
		expect(sure).toBe(true);
		expect(errorOf(found, place)).toBeLessThan(0.2);
	});
});

describe('answers no motion where none is sure', () => {
	const noise = (seed: number) => {
		let state = seed;
		return Uint8Array.from({ length: SIZE.width * SIZE.height }, () => {
			state = (Math.imul(state, 1103515245) + 12345) >>> 0;
			return state >>> 24;
		});
	};
	it.each<[string, Uint8Array, Uint8Array]>([
		['black frames', frameAt(AT_REST), new Uint8Array(SIZE.width * SIZE.height)],
		['nothing remembered but black', new Uint8Array(SIZE.width * SIZE.height), frameAt(AT_REST)],
		['a cut', frameAt(AT_REST), frameAt({ ...AT_REST, x: 500, y: 300 }, (x, y) => scene(1.7 * y, x))],
		['the noise of a dead camera', noise(1), noise(2)],
	])('%s', (_, before, after) => {
		const registration = remembering(before);
		registration.reference.load(after, SIZE.width);
		expect(registration.register(AT_REST)).toMatchObject({ sure: false });
		expect(registration.glance(AT_REST).sure).toBe(false);
	});
});

it('sees at a glance whether the camera stands still', () => {
	const registration = remembering(frameAt(AT_REST));
	registration.reference.load(frameAt(AT_REST), SIZE.width);
	const still = registration.glance(AT_REST);
	expect(still.sure).toBe(true);
	expect(errorOf(still.step, AT_REST)).toBeLessThan(0.05);
	expect(registration.agreeingAt(AT_REST, 0.3)).toBeGreaterThan(0.9);
	registration.reference.load(frameAt({ ...AT_REST, x: 1, y: -0.5 }), SIZE.width);
	const { step } = registration.glance(AT_REST);
	expect(step.x).toBeCloseTo(1, 0);
	expect(registration.agreeingAt(AT_REST, 0.3)).toBeLessThan(0.3);
});

it('keeps squares as they move through the view, and goes on from a snapshot', () => {
	const first = remembering(frameAt(AT_REST));
	first.reference.roll(1, -2);
	const second = new Registration(GRID, SIZE);
	second.reference.restoreState(first.reference.saveState());
	const place = { ...AT_REST, x: 32 + 1.5, y: -16 - 0.5 };
	for (const registration of [first, second]) {
		registration.reference.load(frameAt({ ...AT_REST, x: 1.5, y: -0.5 }), SIZE.width);
		const { place: found, sure } = registration.register({ ...AT_REST, x: 32, y: -16 });
		expect(sure).toBe(true);
		expect(errorOf(found, place)).toBeLessThan(0.15);
	}
});
