import { beforeAll, describe, expect, it } from 'vitest';
import type { Detector as AnyDetector, Model } from '../../detector/detector.ts';
import type { Frame } from '../../domain/frame.ts';
import type { SettingValues } from '../../domain/settings-table.ts';
import { openDetector, step as stepFrame } from '../detector.fixture.ts';
import { openModel } from '../index.ts';

// The token cache with a camera that moves, on the embedded model: a window that travels over a scene of noise.
const MODEL = new URL('../../../models/lookout', import.meta.url).pathname;
const SIZE = { width: 192, height: 128 };
const TOKENS = 96;

type Detector = AnyDetector<{ head: Float32Array }>;

let model: Model;
beforeAll(async () => {
	model = await openModel(MODEL);
});

const open = (settings: SettingValues = {}): Promise<Detector> =>
	openDetector(model, { displaySize: SIZE, mode: 'token-cache', settings: { refresh: 0, ...settings } });

/** Noise of three sizes, smooth between its points, 0 to 255. */
function scene(x: number, y: number, channel: number): number {
	const sum =
		50 * noiseAt(x / 40, y / 40, channel) + 40 * noiseAt(x / 17, y / 17, 7) + 30 * noiseAt(x / 8, y / 8, 9);
	return 128 + sum;
}

function noiseAt(x: number, y: number, seed: number): number {
	const [left, top] = [Math.floor(x), Math.floor(y)];
	const smooth = (t: number) => t * t * (3 - 2 * t);
	const [fx, fy] = [smooth(x - left), smooth(y - top)];
	const along = (row: number) =>
		point(left, row, seed) + fx * (point(left + 1, row, seed) - point(left, row, seed));
	return along(top) + fy * (along(top + 1) - along(top));
}

function point(x: number, y: number, seed: number): number {
	let mixed = Math.imul(x + 31 * seed, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b);
	mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
	return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 31 - 1;
}

type Pixel = (x: number, y: number, channel: number) => number;

function frameOf(index: number, pixel: Pixel): Frame {
	const pixels = new Uint8Array(3 * SIZE.width * SIZE.height);
	for (let y = 0; y < SIZE.height; y++) {
		for (let x = 0; x < SIZE.width; x++) {
			for (let c = 0; c < 3; c++)
				pixels[3 * (y * SIZE.width + x) + c] = Math.min(255, Math.max(0, Math.round(pixel(x, y, c))));
		}
	}
	return { index, timeSeconds: index / 25, pixels, format: 'rgb24', size: SIZE };
}

/** What a camera shows that has moved by (x, y). */
const seenFrom =
	(x: number, y: number): Pixel =>
	(px, py, c) =>
		scene(px + x, py + y, c);

async function step(detector: Detector, frame: Frame) {
	const stepped = await stepFrame(detector, frame);
	return { ...stepped, head: stepped.output.head.slice() };
}

describe('a camera that pans', () => {
	it('costs what comes into view, and no more', async () => {
		const detector = await open({ camera: 'moving', threshold: 6 });
		let computed = 0;
		for (let index = 0; index < 30; index++) {
			const { kind, count, camera } = await step(
				detector,
				frameOf(index, seenFrom(2.3 * index, -0.7 * index)),
			);
			expect(kind).toBe(index === 0 ? 'flush' : kind);
			if (index > 0) computed += count;
			expect(camera!.x).toBeCloseTo(2.3 * index, 0);
			expect(camera!.y).toBeCloseTo(-0.7 * index, 0);
			expect(camera!.scale).toBeCloseTo(1, 2);
		}
		// Four columns and a row have come in, each computed about three times until it was whole.
		expect(computed / 29 / TOKENS).toBeLessThan(0.15);
		await detector.release();
	});

	it('takes answers along as it is, and boxes back to the frame', async () => {
		const detector = await open({ camera: 'moving', threshold: 6, floor: 0 });
		const before = await step(detector, frameOf(0, seenFrom(0, 0)));
		const after = await step(detector, frameOf(1, seenFrom(32, -16)));
		const width = before.head.length / TOKENS;
		const computed = new Set(after.tokens);
		let kept = 0;
		for (let token = 0; token < TOKENS; token++) {
			const [row, col] = [Math.floor(token / 12), token % 12];
			if (computed.has(token)) continue;
			const old = ((row - 1) * 12 + col + 2) * width;
			expect(after.head.subarray(token * width, (token + 1) * width)).toEqual(
				before.head.subarray(old, old + width),
			);
			kept++;
		}
		expect(kept).toBeGreaterThan(TOKENS / 2);
		await detector.release();
	});

	it('is found out by itself, after a few frames', async () => {
		const detector = await open({ threshold: 6 });
		const found = [];
		for (let index = 0; index < 8; index++) {
			const { camera } = await step(detector, frameOf(index, seenFrom(1.4 * index, 0.6 * index)));
			found.push(camera !== undefined);
			if (camera) expect(camera.x).toBeCloseTo(1.4 * index, 0);
		}
		expect(found).toEqual([false, false, false, true, true, true, true, true]);
		await detector.release();
	});

	it('goes on from a snapshot as if it had never stopped', async () => {
		const [first, second] = [await open({ threshold: 6 }), await open({ threshold: 6 })];
		const frame = (index: number) => frameOf(index, seenFrom(2.3 * index, -0.7 * index));
		for (let index = 0; index < 14; index++) await step(first, frame(index));
		second.restoreState(await first.saveState());
		for (let index = 14; index < 24; index++) {
			const [a, b] = [await step(first, frame(index)), await step(second, frame(index))];
			expect(b.tokens).toEqual(a.tokens);
			expect(b.camera).toEqual(a.camera);
			expect(b.detections).toEqual(a.detections);
		}
		await Promise.all([first.release(), second.release()]);
	});

	it('is audited as it is, and goes on from there', async () => {
		const detector = await open({ camera: 'moving', policy: 'quality', audits: 0.5 });
		let audits = 0;
		for (let index = 0; index < 16; index++) {
			const frame = frameOf(index, seenFrom(2.3 * index, -0.7 * index));
			const pixels = detector.prepare(frame);
			const { output, drift, selection, camera } = await detector.run(pixels, detector.select(pixels));
			expect(camera!.x).toBeCloseTo(2.3 * index, 0);
			if (!drift?.audit) continue;
			audits++;
			expect(selection.count).toBe(TOKENS);
			const dense = await openDetector<{ head: Float32Array }>(model, { displaySize: SIZE });
			const { head } = await step(dense, frame);
			expect(Math.max(...head.map((value, i) => Math.abs(value - output.head[i]!)))).toBeLessThan(1e-3);
			await dense.release();
		}
		expect(audits).toBeGreaterThan(0);
		await detector.release();
	});

	it('comes to rest again', async () => {
		const detector = await open({ threshold: 6 });
		const path = (index: number) => 1.4 * Math.min(index, 12);
		const steps = [];
		for (let index = 0; index < 125; index++)
			steps.push(await step(detector, frameOf(index, seenFrom(path(index), 0))));
		const last = steps.at(-1)!;
		expect(last.camera).toBeUndefined();
		expect(last.count).toBe(0);
		await detector.release();
	}, 120_000);
});

describe('a camera that stands still', () => {
	it('is left alone, whatever moves in front of it', async () => {
		const [auto, fixed] = [await open({ threshold: 6 }), await open({ threshold: 6, camera: 'fixed' })];
		for (let index = 0; index < 12; index++) {
			// A third of the picture drives by.
			const pixel: Pixel = (x, y, c) =>
				x > 60 && x < 124 ? scene(x + 3 * index, y + 500, c) : scene(x, y, c);
			const [a, b] = [await step(auto, frameOf(index, pixel)), await step(fixed, frameOf(index, pixel))];
			expect(a.camera).toBeUndefined();
			expect(a.tokens).toEqual(b.tokens);
			expect(a.head).toEqual(b.head);
		}
		await Promise.all([auto.release(), fixed.release()]);
	});
});

describe('what no camera does', () => {
	const still = seenFrom(0, 0);
	const noise: Pixel = (x, y, c) => 128 + 100 * point(x, y, c);
	const LATER = 6;
	const CASES: [
		string,
		(index: number) => Pixel,
		{ camera: 'auto' | 'moving'; moves: boolean; most: number },
	][] = [
		['a freeze', (index) => seenFrom(2 * Math.min(index, 5), 0), { camera: 'moving', moves: true, most: 0 }],
		['black frames', (index) => (index < 5 ? still : () => 0), { camera: 'auto', moves: false, most: 0 }],
		[
			'black frames on the way',
			(index) => (index < 5 ? seenFrom(2 * index, 0) : () => 0),
			{ camera: 'moving', moves: true, most: 0 },
		],
		['a cut', (index) => (index < 5 ? still : seenFrom(900, 300)), { camera: 'auto', moves: false, most: 0 }],
		[
			'a cut on the way',
			(index) => seenFrom(2 * index + (index < 5 ? 0 : 900), 0),
			{ camera: 'moving', moves: true, most: 0.3 },
		],
		[
			'a flash',
			(index) => (x, y, c) => (index === 8 ? 1.2 * still(x, y, c) + 15 : still(x, y, c)),
			{ camera: 'auto', moves: false, most: 0.02 },
		],
		[
			'an exposure that steps',
			(index) => (x, y, c) => (index < 5 ? still(x, y, c) : 0.7 * still(x, y, c)),
			{ camera: 'auto', moves: false, most: 0.02 },
		],
		[
			'an exposure that steps on the way',
			(index) => (x, y, c) => (index < 5 ? 1 : 0.75) * scene(x + 2.3 * index, y, c),
			{ camera: 'moving', moves: true, most: 0.2 },
		],
		[
			'a logo that stays on the screen',
			(index) => (x, y, c) => (x < 48 && y < 24 ? noise(x, y, c) : scene(x + 2.3 * index, y, c)),
			{ camera: 'moving', moves: true, most: 0.25 },
		],
		[
			'letterbox bars',
			(index) => (x, y, c) => (y < 16 || y >= 112 ? 16 : scene(x + 2.3 * index, y, c)),
			{ camera: 'auto', moves: true, most: 0.25 },
		],
		[
			'the noise of a dead camera',
			(index) => (x, y, c) => noise(x + 1000 * index, y, c),
			{ camera: 'auto', moves: false, most: 1 },
		],
	];

	it.each(CASES)('%s', async (_, pixel, { camera: setting, moves, most }) => {
		const detector = await open({ threshold: 6, camera: setting });
		let computed = 0;
		const steps = [];
		for (let index = 0; index < 16; index++) {
			steps.push(await step(detector, frameOf(index, pixel(index))));
			if (index > LATER) computed += steps.at(-1)!.count;
		}
		const last = steps.at(-1)!;
		expect(last.camera !== undefined).toBe(moves);
		if (last.camera) expect(Math.abs(last.camera.scale - 1)).toBeLessThan(0.01);
		expect(computed / (15 - LATER) / TOKENS).toBeLessThanOrEqual(most);
		await detector.release();
	});
});
