import { describe, expect, it, vi } from 'vitest';
import { Detections } from '../../domain/detections.ts';
import { clusterColour } from '../../domain/cluster-colours.ts';
import { CAMERA_COLOURS, layCameraInset, type CameraTrack } from '../../domain/camera-inset.ts';
import { heatColour, heatLevel } from '../../domain/overlay-geometry.ts';
import { classColour, rgbOf } from '../../domain/palette.ts';
import { BUDGET_COLOUR, drawCostStrip, FLUSH_COLOUR, MACS_COLOUR, type CostScene } from './cost-strip.ts';
import { shapeColour } from '../../domain/zone-geometry.ts';
import type { ZoneSet } from '../../domain/zones.ts';
import { createOverlay, formatTime, type OverlayOptions, type PaneScene } from './draw-overlay.ts';
import { Picture } from './picture.ts';
import { TextPainter } from './text.ts';

const SIZE = { width: 64, height: 48 };
const GREY = new Uint8Array(64 * 48 * 4).map((_, i) => (i % 4 === 3 ? 255 : 128));
const NOTHING: PaneScene = {
	detections: Detections.none,
	identities: new Int32Array(8),
	held: false,
	row: 0,
	tallies: [],
	heat: null,
	isFull: false,
	cost: null,
};

function options(changes: Partial<OverlayOptions> = {}, paneCount = 1): OverlayOptions {
	const letterbox = { displaySize: SIZE, contentSize: SIZE, inputSize: SIZE, fill: 114 };
	const grid = { rows: 3, cols: 4, stride: 16, windowSize: 16, windowOffset: 0 };
	const pane = {
		caption: 'dense',
		classes: ['person', 'bicycle'],
		letterbox,
		grid,
		heat: 'frame',
		hasBudget: false,
		hasStale: false,
		track: null,
		names: new Map<number, string>(),
	} as const;
	return {
		paneSize: SIZE,
		panes: Array.from({ length: paneCount }, () => pane),
		boxes: true,
		labels: false,
		cameraPath: true,
		zones: null,
		strip: false,
		heatOpacity: 1,
		legendClasses: [],
		recordedTimes: false,
		...changes,
	};
}

/** Draws one frame and gives a reader of picture pixels, counted from the corner of pane `pane`. */
function drawn(given: OverlayOptions, scenes: PaneScene[]) {
	const overlay = createOverlay(given);
	const { layout } = overlay;
	const rgba = overlay
		.draw(GREY, { frameIndex: 7, timeSeconds: 0.7, recordedAt: null, panes: scenes })
		.slice();
	const at = (x: number, y: number, pane = 0) => {
		const { picture } = layout.panes[pane]!;
		const i = 4 * ((picture.y + y) * layout.size.width + picture.x + x);
		return [...rgba.subarray(i, i + 3)];
	};
	const count = (colour: readonly number[]) => {
		let pixels = 0;
		for (let i = 0; i < rgba.length; i += 4) {
			if (rgba[i] === colour[0] && rgba[i + 1] === colour[1] && rgba[i + 2] === colour[2]) pixels++;
		}
		return pixels;
	};
	return { layout, rgba, at, count };
}

const person = rgbOf(classColour('person')).slice();
const one = (classIndex: number, box: number[]) =>
	new Detections(Uint16Array.of(classIndex), Float32Array.of(0.9), Float32Array.from(box));

describe('the map of the camera', () => {
	const track: CameraTrack = {
		columns: {
			x: Float32Array.of(Number.NaN, 0, 32, 64),
			y: Float32Array.of(Number.NaN, 0, 0, 0),
			scale: Float32Array.of(Number.NaN, 1, 1, 1),
			rotation: Float32Array.of(Number.NaN, 0, 0, 0),
			gridX: Float32Array.of(Number.NaN, 0, 5, -8),
			gridY: Float32Array.of(Number.NaN, 0, 0, 2),
		},
		anchors: new Uint8Array(4),
		length: 4,
	};
	const size = { width: 640, height: 480 };
	const followed = (changes: Partial<OverlayOptions> = {}) =>
		options({
			paneSize: size,
			panes: [{ ...options().panes[0]!, track }],
			...changes,
		});
	const large = (given: OverlayOptions, scene: Partial<PaneScene>) => {
		const overlay = createOverlay(given);
		const frame = new Uint8Array(640 * 480 * 4).fill(128);
		const rgba = overlay.draw(frame, {
			frameIndex: 0,
			timeSeconds: 0,
			recordedAt: null,
			panes: [{ ...NOTHING, ...scene }],
		});
		const { picture } = overlay.layout.panes[0]!;
		return (x: number, y: number) => {
			const i = 4 * ((picture.y + y) * overlay.layout.size.width + picture.x + x);
			return [...rgba.subarray(i, i + 3)];
		};
	};
	const inset = (row: number) => layCameraInset(track, SIZE, size, 480 / 576)(row)!;
	const pixel = ({ x, y }: { x: number; y: number }): [number, number] => [Math.round(x), Math.round(y)];

	it('shows where it has been and where it is, where it is wanted', () => {
		const at = large(followed(), { row: 3 });
		const { now, lines } = inset(3);
		expect(at(...pixel(now))).toEqual([...rgbOf(CAMERA_COLOURS.now)]);
		const [from] = lines[0]!;
		expect(at(...pixel(from!))).toEqual([...rgbOf(CAMERA_COLOURS.path)]);
		expect(large(followed({ cameraPath: false }), { row: 3 })(...pixel(now))).toEqual([128, 128, 128]);
	});

	it('is not there where the camera is fixed', () => {
		const { now } = inset(1);
		expect(large(followed(), { row: 0 })(...pixel(now))).toEqual([128, 128, 128]);
		expect(large(followed(), { row: -1 })(...pixel(now))).toEqual([128, 128, 128]);
	});

	it('goes with a heat map that lies where the tokens lie', () => {
		const heat = Uint8Array.from({ length: 12 }, (_, token) => (token === 5 ? 255 : 0)); // row 1, column 1
		const wide = (given: OverlayOptions) => large(given, { row: 3, heat });
		const paint = [...heatColour(255)];
		// Ten pixels of the picture for one of the video: from 160 at rest to 80.
		expect(wide(followed())(85, 185)).toEqual(paint);
		expect(wide(followed())(250, 185)).toEqual([128, 128, 128]);
		const history = followed({ panes: [{ ...options().panes[0]!, track, heat: 'history' }] });
		expect(wide(history)(250, 185)).toEqual(paint);
	});
});

describe('boxes', () => {
	it('stand at their pixels, in the colour of their class', () => {
		const { at } = drawn(options(), [{ ...NOTHING, detections: one(0, [10, 12, 30, 40]) }]);
		expect(at(10, 12)).toEqual(person);
		expect(at(29, 39)).toEqual(person);
		expect(at(9, 12)).toEqual([128, 128, 128]);
		expect(at(30, 39)).toEqual([128, 128, 128]);
		expect(at(20, 25)).toEqual([128, 128, 128]);
	});

	it('shrink with the pane', () => {
		const letterbox = { ...options().panes[0]!.letterbox, displaySize: { width: 128, height: 96 } };
		const pane = { ...options().panes[0]!, letterbox };
		const { at } = drawn(options({ panes: [pane] }), [{ ...NOTHING, detections: one(0, [20, 24, 60, 80]) }]);
		expect(at(10, 12)).toEqual(person);
		expect(at(29, 39)).toEqual(person);
	});

	const whole = one(0, [0, 0, 64, 48]);
	it.each([
		['while they are held', whole, true],
		['where they are stale', whole.withStale(Uint8Array.of(1)), false],
		['where they are both', whole.withStale(Uint8Array.of(1)), true],
	])('are dashed %s', (_, detections, held) => {
		const solid = drawn(options(), [{ ...NOTHING, detections: whole }]).count(person);
		const dashed = drawn(options(), [{ ...NOTHING, detections, held }]).count(person);
		expect(dashed).toBeGreaterThan(0.3 * solid);
		expect(dashed).toBeLessThan(0.7 * solid);
	});

	it('may lie over the edge, be empty, or be of a class without a name', () => {
		const detections = new Detections(
			Uint16Array.of(9, 0, 1),
			Float32Array.of(0.9, 0.8, 0.7),
			Float32Array.of(-5, -5, 70, 60, 10, 10, 10, 10, 60, 40, 64, 48),
		);
		expect(() => drawn(options({ labels: true }), [{ ...NOTHING, detections }])).not.toThrow();
	});

	it('carry their label above, or inside where there is no room', () => {
		const labelled = options({ labels: true });
		const low = drawn(labelled, [{ ...NOTHING, detections: one(0, [2, 30, 60, 44]) }]);
		expect(low.at(3, 26)).toEqual(person);
		const high = drawn(labelled, [{ ...NOTHING, detections: one(0, [2, 2, 60, 44]) }]);
		expect(high.at(3, 1)).toEqual([128, 128, 128]);
		expect(high.at(4, 8)).toEqual(person);
	});

	it('are not drawn when switched off', () => {
		expect(
			drawn(options({ boxes: false }), [{ ...NOTHING, detections: one(0, [5, 5, 40, 40]) }]).count(person),
		).toBe(0);
	});
});

describe('token heat map', () => {
	const heat = new Uint8Array(12);
	heat[5] = 255; // row 1, column 1: input pixels 16..31 × 16..31

	it('colours the square of the token and nothing else', () => {
		const { at } = drawn(options(), [{ ...NOTHING, heat }]);
		expect(at(16, 16)).toEqual([254, 232, 56]);
		expect(at(31, 31)).toEqual([254, 232, 56]);
		for (const [x, y] of [
			[15, 16],
			[32, 31],
			[16, 15],
			[31, 32],
		] as const) {
			expect(at(x, y)).toEqual([128, 128, 128]);
		}
	});

	it('gives clusters colours of their own', () => {
		const pane = { ...options().panes[0]!, heat: 'clusters' as const };
		const levels = Uint8Array.of(1, 1, 2, 2, 0, 3, 3, 0, 0, 0, 0, 0);
		const { at } = drawn(options({ panes: [pane] }), [{ ...NOTHING, heat: levels }]);
		expect([at(0, 0), at(16, 0), at(32, 0), at(16, 16)]).toEqual(
			[1, 1, 2, 3].map((level) => [...clusterColour(level)]),
		);
		expect(at(0, 16)).toEqual([128, 128, 128]);
	});

	it('centres the square on the window where windows overlap', () => {
		const grid = { rows: 3, cols: 4, stride: 16, windowSize: 32, windowOffset: -8 };
		const { at } = drawn(options({ panes: [{ ...options().panes[0]!, grid }] }), [{ ...NOTHING, heat }]);
		expect(at(16, 16)).toEqual([254, 232, 56]);
		expect(at(15, 16)).toEqual([128, 128, 128]);
	});

	it('is carried through the letterbox: input scaled to half, with padding below', () => {
		const letterbox = {
			displaySize: SIZE,
			contentSize: { width: 32, height: 24 },
			inputSize: { width: 32, height: 32 },
			fill: 114,
		};
		const grid = { rows: 2, cols: 2, stride: 16, windowSize: 16, windowOffset: 0 };
		const pane = { ...options().panes[0]!, letterbox, grid };
		const { at } = drawn(options({ panes: [pane] }), [{ ...NOTHING, heat: Uint8Array.of(0, 0, 0, 255) }]);
		expect(at(32, 32)).toEqual([254, 232, 56]);
		expect(at(63, 47)).toEqual([254, 232, 56]);
		expect(at(31, 40)).toEqual([128, 128, 128]);
		expect(at(40, 31)).toEqual([128, 128, 128]);
	});

	it('lets the picture through by its opacity', () => {
		const { at } = drawn(options({ heatOpacity: 0.5 }), [{ ...NOTHING, heat }]);
		const [red] = at(20, 20);
		expect(red).toBeGreaterThan(185);
		expect(red).toBeLessThan(197);
	});

	it('frames the picture of a full frame, and of no other', () => {
		const corner = (isFull: boolean) => drawn(options(), [{ ...NOTHING, isFull }]).at(0, 0);
		expect(corner(true)).toEqual([...FLUSH_COLOUR]);
		expect(corner(false)).toEqual([128, 128, 128]);
	});

	it.each([
		[0, 0],
		[1e-9, 1],
		[0.25, 128],
		[1, 255],
	])('shows a share of %f at level %i', (share, level) => {
		expect(heatLevel(share)).toBe(level);
	});
});

describe('layout', () => {
	it.each([1, 2, 3, 4])(
		'gives %i panes of the right size room without overlap, in even pixels',
		(paneCount) => {
			const odd = { width: 321, height: 181 };
			const { layout } = createOverlay(options({ paneSize: odd, strip: true }, paneCount));
			expect((layout.size.width % 2) + (layout.size.height % 2)).toBe(0);
			const corners = new Set(layout.panes.map(({ picture }) => `${picture.x},${picture.y}`));
			expect(corners.size).toBe(paneCount);
			for (const { caption, picture, strip } of layout.panes) {
				expect(picture).toMatchObject(odd);
				expect(caption.y + caption.height).toBe(picture.y);
				expect(strip!.y).toBe(picture.y + picture.height);
				expect(strip!.y + strip!.height).toBeLessThanOrEqual(layout.footer.y);
				expect(picture.x + picture.width).toBeLessThanOrEqual(layout.size.width);
			}
		},
	);

	it('shows the same frame in each pane, with the boxes of its own run', () => {
		const scenes = [{ ...NOTHING, detections: one(0, [4, 4, 20, 20]) }, NOTHING];
		const { at } = drawn(options({}, 2), scenes);
		expect(at(4, 4, 0)).toEqual(person);
		expect(at(4, 4, 1)).toEqual([128, 128, 128]);
	});
});

describe('cost strip', () => {
	const wide = { width: 640, height: 48 };
	const frame = new Uint8Array(640 * 48 * 4).fill(255);
	const scale = { denseMacs: 2e9, denseMilliseconds: 20, topMacs: 2.2e9, topMilliseconds: 22, tokens: 12 };
	const columns = (rows: number, macs: (row: number) => number, flush: number[] = []) => ({
		frameIndex: Int32Array.from({ length: rows }, (_, i) => i),
		macs: Float64Array.from({ length: rows }, (_, i) => macs(i)),
		milliseconds: new Float32Array(rows),
		flush: Uint8Array.from({ length: rows }, (_, i) => (flush.includes(i) ? 1 : 0)),
		budgetMacs: new Float64Array(rows),
		selectedTokens: new Int32Array(rows).fill(1),
	});
	const count = (cost: CostScene, colour: readonly number[]) => {
		const panes = [{ ...options().panes[0]!, heat: 'off' as const }];
		const overlay = createOverlay(options({ paneSize: wide, strip: true, panes }));
		const before = overlay.layout.panes[0]!.strip!;
		const rgba = overlay.draw(frame, {
			frameIndex: 3,
			timeSeconds: 1,
			recordedAt: null,
			panes: [{ ...NOTHING, cost }],
		});
		let pixels = 0;
		for (let y = before.y; y < before.y + before.height; y++) {
			for (let x = 0; x < overlay.layout.size.width; x++) {
				const i = 4 * (y * overlay.layout.size.width + x);
				if (colour.every((value, channel) => rgba[i + channel] === value)) pixels++;
			}
		}
		return pixels;
	};
	const scene = { position: 3, scale, saved: 0.9, speedUp: 8, held: false };

	it('draws bars in proportion to the multiply-adds, up to the frame shown', () => {
		const low = count({ ...scene, columns: columns(9, () => 0.5e9) }, MACS_COLOUR);
		const high = count({ ...scene, columns: columns(9, () => 1.5e9) }, MACS_COLOUR);
		expect(high / low).toBeGreaterThan(2.2);
		expect(high / low).toBeLessThan(3.8);
		const later = count({ ...scene, position: 7, columns: columns(9, () => 0.5e9) }, MACS_COLOUR);
		expect(later).toBe(2 * low);
	});

	it('marks full frames, and the budget where one is in force', () => {
		const plain = { ...scene, columns: columns(9, () => 0.5e9) };
		expect(count(plain, FLUSH_COLOUR) + count(plain, BUDGET_COLOUR)).toBe(0);
		expect(count({ ...scene, columns: columns(9, () => 2e9, [0]) }, FLUSH_COLOUR)).toBeGreaterThan(0);
		const budgeted = { ...plain.columns, budgetMacs: new Float64Array(9).fill(1e9) };
		expect(count({ ...scene, columns: budgeted }, BUDGET_COLOUR)).toBeGreaterThan(0);
	});

	it('makes room for a number that is wider than usual', () => {
		const area = { x: 0, y: 0, width: 1200, height: 90 };
		const picture = new Picture(area);
		const texts = vi.spyOn(picture, 'drawMask');
		const slow = { ...columns(9, () => 0.5e9), milliseconds: new Float32Array(9).fill(1234567) };
		drawCostStrip(picture, area, { ...scene, columns: slow }, new TextPainter(14), 1);
		const line = texts.mock.calls.filter(([, , y]) => y === texts.mock.calls[0]![2]);
		expect(line.length).toBe(10);
		line.slice(1).forEach(([, x], i) => {
			expect(x).toBeGreaterThan(line[i]![1] + line[i]![0].width);
		});
	});

	it('draws before the first analysed frame, and on a pane too narrow for its text', () => {
		expect(() =>
			count({ ...scene, position: -1, held: true, columns: columns(0, () => 0) }, MACS_COLOUR),
		).not.toThrow();
		const narrow = options({ strip: true });
		expect(() =>
			drawn(narrow, [{ ...NOTHING, cost: { ...scene, columns: columns(9, () => 1e9) } }]),
		).not.toThrow();
	});
});

describe('formatTime', () => {
	it.each([
		[0, '0:00:00.000'],
		[12.4, '0:00:12.400'],
		[3723.0456, '1:02:03.046'],
		[59.9996, '0:01:00.000'],
		[-0.5, '-0:00:00.500'],
	])('%f s is %s', (seconds, text) => {
		expect(formatTime(seconds)).toBe(text);
	});
});

describe('zones and lines', () => {
	const zones: ZoneSet = {
		format: 'sparsight-zones',
		version: 1,
		pictureSize: { width: 640, height: 480 },
		anchor: 'bottom',
		hysteresis: 0,
		zones: [{ id: 'zone-1', name: 'A', points: [[100, 40], [600, 40], [600, 440], [100, 440]] }], // prettier-ignore
		lines: [{ id: 'line-2', name: 'B', from: [50, 400], to: [50, 100] }],
	};

	it('lie on every picture, at its size', () => {
		const { at } = drawn(options({ zones }, 2), [NOTHING, NOTHING]);
		for (const pane of [0, 1]) {
			expect(at(58, 4, pane)).toEqual([...rgbOf(shapeColour('zone-1'))]);
			expect(at(5, 15, pane)).toEqual([...rgbOf(shapeColour('line-2'))]);
		}
	});

	it('tell what they have counted', () => {
		const wide = { width: 640, height: 480 };
		const frame = new Uint8Array(640 * 480 * 4).fill(128);
		const overlay = createOverlay(options({ paneSize: wide, zones }));
		const inked = (tallies: readonly string[]) => {
			const scene = { frameIndex: 0, timeSeconds: 0, recordedAt: null, panes: [{ ...NOTHING, tallies }] };
			return overlay.draw(frame, scene).reduce((sum, value) => sum + (value > 200 ? 1 : 0), 0);
		};
		expect(inked(['12 inside', '3 with, 1 against'])).toBeGreaterThan(inked([]));
	});
});
