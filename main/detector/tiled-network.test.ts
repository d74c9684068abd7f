import { describe, expect, it } from 'vitest';
import { tiledNetwork } from './tiled-network.ts';
import { Detections } from '../domain/detections.ts';
import { UserFacingError } from '../domain/errors.ts';
import { scaledTo, type Frame } from '../domain/frame.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import { WasmFramePixels } from '../pixels/frame-pixels.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';
import { staticHost } from '../reduction/host.ts';
import { tiles } from '../reduction/tiles/tiles.ts';

// The mode over a network that finds white squares exactly: what it answers is known wherever they are.
const SIDE = 128;
const PICTURE = { width: 512, height: 320 };
const CLASSES = 2;
/** Of an input. */
const MACS = 1e8;

type Square = { x: number; y: number; side: number; level?: number };
type White = { boxes: Float32Array };

/** Runs of the network since the test began. */
class Counter {
	runs = 0;
	/** Of these, with nothing white in them. */
	empty = 0;
	/** Networks that were loaded and not released. */
	loaded = 0;
	/** Of these, what there is memory for. */
	most = Infinity;
}

/** Bounding boxes of what is brighter than `least` and touches. */
function brightBoxes(planes: Float32Array, width: number, height: number, least: number): number[] {
	const white = Uint8Array.from(planes.subarray(0, width * height), (value) => Number(value > least));
	const boxes: number[] = [];
	for (let first = 0; first < white.length; first++) {
		if (white[first] === 0) continue;
		const [left, top] = [first % width, Math.floor(first / width)];
		let [right, bottom] = [left, top];
		while (right < width && white[top * width + right]) right++;
		while (bottom < height && white[bottom * width + left]) bottom++;
		for (let y = top; y < bottom; y++) white.fill(0, y * width + left, y * width + right);
		boxes.push(left, top, right, bottom);
	}
	return boxes;
}

/** What an input costs: the same whatever its size, or by its pixels. */
type Costs = (size: Frame['size']) => number;
const sameForAll: Costs = () => MACS;
const byPixels: Costs = ({ width, height }) => (MACS * width * height) / SIDE ** 2;

async function open(
	settings: SettingValues,
	counter = new Counter(),
	picture = PICTURE,
	macsOf: Costs = sameForAll,
) {
	const bound = tiledNetwork<White>(
		({ displaySize }) => {
			const { width, height } = displaySize;
			const macs = macsOf(displaySize);
			const grid = { rows: height / 16, cols: width / 16, stride: 16, windowSize: 16, windowOffset: 0 };
			const letterbox = scaledTo(displaySize);
			return {
				host: staticHost('a finder of white squares', grid, {
					macs: () => macs,
					load() {
						if (counter.loaded >= counter.most) {
							return Promise.reject(new UserFacingError('model-unreadable', 'No memory is left.'));
						}
						counter.loaded++;
						return Promise.resolve({
							run(pixels) {
								const planes = pixels.planar();
								// Where an input shows nothing somewhere, it is a worse one.
								const least = planes.includes(0) ? 0.45 : 0.8;
								const boxes = brightBoxes(planes, width, height, least);
								counter.runs++;
								if (boxes.length === 0) counter.empty++;
								return Promise.resolve({ output: { boxes: Float32Array.from(boxes) }, macs });
							},
							release: () => Promise.resolve(void counter.loaded--),
						});
					},
				}),
				letterbox,
				normalisation: { mean: [0, 0, 0], std: [1, 1, 1], padding: 'grey' as const },
				interpret({ boxes }) {
					const count = boxes.length / 4;
					return new Detections(new Uint16Array(count), new Float32Array(count).fill(0.9), boxes);
				},
			};
		},
		{ displaySize: picture, maxSide: 4096, scoreThreshold: 0.05 },
		{ side: SIDE, overlap: 48, overview: settings['overview'] === true },
		new Array<number>(CLASSES).fill(0.3),
	);
	const { host, letterbox } = bound;
	const runtime = {} as GraphRuntime; // the network needs none
	const reduction = await tiles.open(host, runtime, { audits: 0, ...settings });
	const pixels = new WasmFramePixels(host.grid, [0, 0, 0], [1, 1, 1]);
	let index = 0;
	return {
		reduction,
		pixels,
		host,
		counter,
		async step(squares: readonly Square[], grey = 60) {
			pixels.load(paint(letterbox.inputSize, squares, grey, index++));
			const { output, macs, selection, drift } = await reduction.run(pixels, reduction.select(pixels));
			reduction.observe?.({ milliseconds: 10 * (macs / MACS), shown: output.scores.length });
			return {
				boxes: boxesOf(bound.interpret(output, null)),
				macs,
				count: selection.count,
				kind: selection.kind,
				drift,
			};
		},
	};
}

function paint(
	{ width, height }: Frame['size'],
	squares: readonly Square[],
	grey: number,
	index: number,
): Frame {
	const pixels = new Uint8Array(3 * width * height).fill(grey);
	for (const { x, y, side, level = 255 } of squares) {
		for (let row = y; row < y + side; row++)
			pixels.fill(level, 3 * (row * width + x), 3 * (row * width + x + side));
	}
	return { index, timeSeconds: index / 25, pixels, format: 'rgb24', size: { width, height } };
}

const boxesOf = (found: Detections) =>
	Array.from({ length: found.count }, (_, i) => [...found.box(i)]).sort(
		(a, b) => a[0]! - b[0]! || a[1]! - b[1]!,
	);
const expected = (squares: readonly Square[]) =>
	squares.map(({ x, y, side }) => [x, y, x + side, y + side]).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);

/** Two that move, and two that stand: one across four tiles. */
const scene = (t: number): Square[] => [
	{ x: 20 + 6 * t, y: 40, side: 24 },
	{ x: 380, y: 250 - 5 * t, side: 20 },
	{ x: 85, y: 85, side: 40 },
	{ x: 300, y: 200, side: 30 },
];

describe('tiles', () => {
	it.each<[string, SettingValues]>([
		['all of them', { policy: 'all' }],
		['by quality', {}],
		['by a threshold', { threshold: 2 }],
		['without packing', { threshold: 2, pack: false }],
		['with little context', { threshold: 2, context: 0 }],
	])('%s: show every object once, where it is, in every frame', async (_, settings) => {
		const { step } = await open(settings);
		for (let t = 0; t < 25; t++) expect((await step(scene(t))).boxes).toEqual(expected(scene(t)));
	});

	it('see pictures that are smaller than a tile in one piece', async () => {
		const { step, host } = await open({}, new Counter(), { width: 96, height: 64 });
		expect(host.tiles!.layout.tiles.length).toBe(1);
		expect((await step([{ x: 10, y: 20, side: 12 }])).boxes).toEqual([[10, 20, 22, 32]]);
	});

	it.each([
		['shorter than a tile, and no whole number of cells', { width: 400, height: 100 }],
		['shorter than a cell', { width: 400, height: 12 }],
		['narrower than a cell', { width: 9, height: 300 }],
	])('lie in one row where a picture is %s', async (_, picture) => {
		const { step, host } = await open({ threshold: 2, context: 0 }, new Counter(), picture, byPixels);
		const { tiles, grid } = host.tiles!.layout;
		const isWide = picture.width > picture.height;
		for (const { left, top, right, bottom } of tiles) {
			expect(isWide ? [top, bottom] : [left, right]).toEqual([0, isWide ? grid.rows : grid.cols]);
		}
		for (let t = 0; t < 10; t++) {
			const moved = isWide ? { x: 20 + 2 * t, y: 2, side: 6 } : { x: 2, y: 20 + 2 * t, side: 6 };
			expect((await step([moved])).boxes).toEqual(expected([moved]));
		}
	});

	it('cost nothing while nothing moves', async () => {
		const { step } = await open({ refresh: 10 });
		await step(scene(0));
		for (let t = 1; t < 40; t++) {
			const { macs, kind, boxes } = await step(scene(0));
			expect([macs, kind]).toEqual([0, 'skipped']);
			expect(boxes).toEqual(expected(scene(0)));
		}
	});

	it('answer as plain slicing does, where everything changes', async () => {
		const [all, some] = [await open({ policy: 'all' }), await open({ sceneCut: 1 })];
		for (let t = 0; t < 6; t++) {
			const [a, b] = [await all.step(scene(t), 20 + 30 * t), await some.step(scene(t), 20 + 30 * t)];
			expect(b).toEqual(a);
		}
		expect((await some.reduction.saveState())['tiles.boxes']).toEqual(
			(await all.reduction.saveState())['tiles.boxes'],
		);
	});

	it('run only inputs that show what moved, several regions in one', async () => {
		const counter = new Counter();
		const { step, host } = await open({ threshold: 2 }, counter);
		await step(scene(0));
		const first = counter.runs;
		expect(first).toBe(host.tiles!.layout.tiles.length);
		counter.empty = 0;
		for (let t = 1; t < 10; t++) await step(scene(t));
		expect(counter.runs - first).toBeLessThanOrEqual(2 * 9); // two regions
		expect(counter.empty).toBe(0);
	});

	it('run smaller inputs where the network takes them, each loaded when it first runs', async () => {
		const counter = new Counter();
		const settings = { threshold: 2, context: 16 };
		const { step, reduction, host } = await open(settings, counter, PICTURE, byPixels);
		const all = MACS * host.tiles!.layout.tiles.length;
		expect(await step(scene(0))).toMatchObject({ boxes: expected(scene(0)), macs: all });
		expect(counter.loaded).toBe(1);
		const plain = await open(settings);
		await plain.step(scene(0));
		let [spent, spentPlain] = [0, 0];
		for (let t = 1; t < 25; t++) {
			const { boxes, macs } = await step(scene(t));
			expect(boxes).toEqual(expected(scene(t)));
			spent += macs;
			spentPlain += (await plain.step(scene(t))).macs;
		}
		expect(spent).toBeLessThan(0.8 * spentPlain);
		expect(counter.loaded).toBeGreaterThan(1);
		await reduction.release();
		expect(counter.loaded).toBe(0);
	});

	it.each([1, 2])('go on in inputs of a tile’s size where only %i can be loaded', async (most) => {
		const counter = new Counter();
		counter.most = most;
		const { step, reduction } = await open({ threshold: 2, context: 16 }, counter, PICTURE, byPixels);
		for (let t = 0; t < 25; t++) expect((await step(scene(t))).boxes).toEqual(expected(scene(t)));
		expect(counter.loaded).toBe(most);
		await reduction.release();
		expect(counter.loaded).toBe(0);
	});

	it('forget what has gone, and find what is new', async () => {
		const { step } = await open({});
		await step(scene(0));
		expect((await step([])).boxes).toEqual([]);
		expect((await step([{ x: 440, y: 20, side: 16 }])).boxes).toEqual([[440, 20, 456, 36]]);
	});

	it('show an object that is larger than their overlap once, however it moves', async () => {
		const { step } = await open({});
		for (let t = 0; t < 20; t++) {
			const large = [{ x: 60 + 8 * t, y: 60, side: 100 }];
			expect((await step(large)).boxes).toEqual(expected(large));
		}
	});

	it.each<[string, SettingValues]>([
		['by quality', { context: 16, agreement: 0.99 }],
		['by a threshold', { context: 16, threshold: 2 }],
	])(
		'%s: show what small parts alone show only when a whole tile does, and ask for that once',
		async (_, settings) => {
			const counter = new Counter();
			const { step } = await open(settings, counter);
			const scene = (t: number): Square[] => [{ x: 16 + 4 * t, y: 48, side: 16 }];
			await step(scene(0));
			const first = counter.runs;
			for (let t = 1; t < 25; t++) {
				const dim = { x: 400, y: 240, side: 16, level: 130 + 20 * (t % 2) };
				expect((await step([...scene(t), dim])).boxes).toEqual(expected(scene(t)));
			}
			// Both in one input, and the tile when it is asked for: now, and when that was long ago.
			expect(counter.runs - first).toBeLessThanOrEqual(24 + 3);
			const come = [...scene(25), { x: 400, y: 48, side: 16 }];
			await step(come);
			expect((await step(come)).boxes).toEqual(expected(come));
		},
	);

	it('see what no tile holds in the whole frame too, again when it moves, and not while it stands', async () => {
		const { step, host } = await open({ overview: true });
		const all = MACS * (host.tiles!.layout.tiles.length + 1);
		expect(host.whole.macs()).toBe(all);
		const scene = (x: number): Square[] => [
			{ x, y: 40, side: 240 },
			{ x: 460, y: 24, side: 16 },
		];
		expect(await step(scene(80))).toMatchObject({ boxes: expected(scene(80)), macs: all });
		expect(await step(scene(80))).toMatchObject({ boxes: expected(scene(80)), macs: 0, kind: 'skipped' });
		expect((await step(scene(160))).boxes).toEqual(expected(scene(160)));
		expect((await step([{ x: 460, y: 24, side: 16 }])).boxes).toEqual([[460, 24, 476, 40]]);
	});

	it('run all again at a scene cut, and see black frames as empty', async () => {
		const { step, host } = await open({});
		await step(scene(0));
		const all = MACS * host.tiles!.layout.tiles.length;
		expect(await step([], 0)).toMatchObject({ boxes: [], macs: all, kind: 'flush' });
		expect(await step([], 0)).toMatchObject({ boxes: [], macs: 0 });
		expect(await step(scene(3), 200)).toMatchObject({ boxes: expected(scene(3)), macs: all, kind: 'flush' });
	});

	it.each<[string, SettingValues, number, Costs?]>([
		['inputs', { k: 1 }, 1],
		['operations', { gmac: 0.04 }, 0.4],
		['milliseconds', { ms: 5 }, 0.5],
		['inputs of several sizes', { k: 1 }, 1, byPixels],
		['operations in inputs of several sizes', { gmac: 0.04 }, 0.4, byPixels],
	])('keep a budget of %s after the first frame', async (_, settings, inputs, macsOf = sameForAll) => {
		const { step } = await open({ sceneCut: 1, refresh: 5, ...settings }, new Counter(), PICTURE, macsOf);
		await step(scene(0));
		let spent = 0;
		for (let t = 1; t <= 30; t++) {
			spent += (await step(scene(t % 25), 60 + (t % 7) * 20)).macs / MACS;
			expect(spent).toBeLessThanOrEqual(inputs * t + 1);
		}
		expect(spent).toBeGreaterThan(0.8 * 30 * inputs);
	});

	it('spread the first frame where they keep the video’s pace', async () => {
		const { step, host } = await open({ policy: 'real-time', spread: true });
		expect((await step(scene(0))).macs).toBe(MACS);
		let frames = 1;
		while (frames < 60 && (await step(scene(0))).boxes.length < 4) frames++;
		expect(frames).toBeGreaterThan(1);
		expect(frames).toBeLessThan(4 * host.tiles!.layout.tiles.length);
	});

	it.each([
		['one size', sameForAll],
		['several sizes', byPixels],
	])('go on from a snapshot as if they had never stopped, in inputs of %s', async (_, macsOf) => {
		const settings = { k: 2, sceneCut: 1, refresh: 4, audits: 0.2 };
		const [whole, resumed] = [
			await open(settings, new Counter(), PICTURE, macsOf),
			await open(settings, new Counter(), PICTURE, macsOf),
		];
		for (let t = 0; t < 8; t++) await whole.step(scene(t));
		resumed.pixels.restoreState(whole.pixels.saveState());
		resumed.reduction.restoreState(await whole.reduction.saveState());
		for (let t = 8; t < 20; t++) {
			const [a, b] = [await whole.step(scene(t)), await resumed.step(scene(t))];
			expect(b).toEqual(a);
		}
	});

	it('are audited: all of them run as well, their answer is shown and remembered', async () => {
		const { step, host } = await open({ threshold: 2, audits: 0.5 });
		const all = MACS * host.tiles!.layout.tiles.length;
		const macs: number[] = [];
		for (let t = 0; t < 25; t++) {
			const frame = await step(scene(t));
			macs.push(frame.macs);
			expect(frame.boxes).toEqual(expected(scene(t)));
		}
		const audits = macs.slice(1).filter((value) => value > all).length;
		expect(audits).toBeGreaterThan(0);
	});

	it('change policy while they run', async () => {
		const { step, reduction } = await open({});
		await step(scene(0));
		reduction.change({ threshold: 255 });
		expect((await step(scene(1))).macs).toBe(0);
		reduction.change({ policy: 'all' });
		expect((await step(scene(2))).boxes).toEqual(expected(scene(2)));
		expect(() => reduction.change({ policy: 'nonsense' })).toThrow(/mode tiles: policy must be one of/);
	});
});
