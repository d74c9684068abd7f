import { describe, expect, it } from 'vitest';
import type { Part } from './packing.ts';
import { planAll, planInputs, type InputPlan, type Wanted } from './plan-inputs.ts';
import { joinRectangles, rectanglesOf } from './regions.ts';
import { type CellRect, grown, layTiles, meet } from './tile-layout.ts';

const ROWS = 68;
const COLS = 120;
const GRID = { rows: ROWS, cols: COLS, stride: 16, windowSize: 16, windowOffset: 0 };
const LAYOUT = layTiles(GRID, { rows: 40, cols: 40 }, 6);
/** The same, of a network that takes smaller inputs too. */
const SIZES = layTiles(
	GRID,
	{ rows: 40, cols: 40 },
	6,
	[20, 30, 40].flatMap((rows) =>
		[20, 30, 40].flatMap((cols) => (rows + cols < 80 ? [{ rows, cols, cost: (rows * cols) / 1600 }] : [])),
	),
);
const LAYOUTS = [
	['one size', LAYOUT],
	['several sizes', SIZES],
] as const;
const LIMITS = { cost: Infinity, context: 3, pack: true };

function wanted(rects: readonly CellRect[], given: Partial<Wanted> = {}): Wanted {
	const cells = new Uint8Array(ROWS * COLS);
	for (const { left, top, right, bottom } of rects) {
		for (let row = top; row < bottom; row++) cells.fill(1, row * COLS + left, row * COLS + right);
	}
	const none = new Uint8Array(cells.length);
	return {
		cells,
		welcome: none,
		worth: cells,
		tiles: new Uint8Array(LAYOUT.tiles.length),
		objects: [],
		...given,
	};
}

const square = (left: number, top: number, side = 2): CellRect => ({
	left,
	top,
	right: left + side,
	bottom: top + side,
});

/** Pseudo-random numbers from 0 to 1, the same for the same seed. */
function random(seed: number): () => number {
	let state = seed;
	return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

function scattered(seed: number): CellRect[] {
	const next = random(seed);
	return Array.from({ length: 1 + Math.floor(30 * next()) }, () => {
		const [left, top] = [Math.floor(next() * (COLS - 1)), Math.floor(next() * (ROWS - 1))];
		const [width, height] = [1 + Math.floor(12 * next() ** 3), 1 + Math.floor(12 * next() ** 3)];
		return { left, top, right: Math.min(COLS, left + width), bottom: Math.min(ROWS, top + height) };
	});
}

/** Where a part lies in its input. */
const spot = ({ source, at }: Part): CellRect => ({
	left: at.col,
	top: at.row,
	right: at.col + source.right - source.left,
	bottom: at.row + source.bottom - source.top,
});

function expectSound({ inputs, owner }: InputPlan, { cells }: Wanted, everything = true): void {
	const all = inputs.flatMap(({ parts }) => parts);
	for (const { size, parts } of inputs) {
		expect(parts.length).toBeGreaterThan(0);
		for (const [i, part] of parts.entries()) {
			const { bottom, right } = spot(part);
			expect(bottom).toBeLessThanOrEqual(size.rows);
			expect(right).toBeLessThanOrEqual(size.cols);
			const near = parts.slice(i + 1).filter((other) => meet(spot(part), grown(spot(other), 1, size)));
			expect(near).toEqual([]);
		}
	}
	const outside = Array.from(owner.entries()).filter(([cell, part]) => {
		if (part === -1) return everything && cells[cell] === 1;
		const { source } = all[part]!;
		const [row, col] = [Math.floor(cell / COLS), cell % COLS];
		return row < source.top || row >= source.bottom || col < source.left || col >= source.right;
	});
	expect(outside).toEqual([]);
}

describe('changed cells', () => {
	it('become rectangles, one for all that touch', () => {
		const { cells } = wanted([square(3, 3), square(5, 5), square(20, 7, 3)]);
		expect(rectanglesOf(cells, GRID)).toEqual([{ left: 3, top: 3, right: 7, bottom: 7 }, square(20, 7, 3)]);
	});

	it.each([
		['apart', [square(0, 0), square(60, 0)], 2],
		['so near that their surroundings take more room apart', [square(10, 10), square(14, 10)], 1],
		[
			'crossing',
			[
				{ left: 0, top: 20, right: 60, bottom: 22 },
				{ left: 30, top: 0, right: 32, bottom: 60 },
			],
			1,
		],
	])('in rectangles that are %s', (_, rects, count) => {
		const joined = joinRectangles(rects, 3, GRID);
		expect(joined.length).toBe(count);
		for (const rect of rects) expect(joined.some((whole) => meet(whole, rect))).toBe(true);
	});

	it('never meet once joined', () => {
		for (let seed = 0; seed < 50; seed++) {
			const joined = joinRectangles(scattered(seed), 3, GRID);
			for (const [i, rect] of joined.entries()) {
				expect(joined.slice(i + 1).filter((other) => meet(rect, other))).toEqual([]);
			}
		}
	});
});

describe('a plan', () => {
	it.each(LAYOUTS)(
		'of inputs of %s holds every cell that is wanted exactly once, in parts that lie apart within inputs',
		(_, layout) => {
			for (let seed = 0; seed < 60; seed++) {
				const all = wanted(scattered(seed));
				const plan = planInputs(layout, all, LIMITS);
				expectSound(plan, all);
				expect(plan.cost).toBeLessThanOrEqual(layout.tiles.length);
			}
		},
	);

	it.each(LAYOUTS)(
		'of inputs of %s is nothing where nothing is wanted, and all tiles where everything is',
		(_, layout) => {
			expect(planInputs(layout, wanted([]), LIMITS).inputs).toEqual([]);
			const everything = wanted([{ left: 0, top: 0, right: COLS, bottom: ROWS }]);
			expect(planInputs(layout, everything, LIMITS)).toEqual(planAll(layout));
		},
	);

	it.each([
		['one small region', [square(30, 30)], ['20×20']],
		['one that is high', [{ left: 30, top: 5, right: 32, bottom: 25 }], ['30×20']],
		['two that lie far from each other', [square(5, 5), square(100, 60)], ['20×20']],
		['more of them', [square(5, 5, 10), square(100, 50, 10), square(50, 30, 10)], ['20×40', '20×20']],
		['a large and a small one', [square(5, 5, 30), square(100, 50)], ['40×40', '20×20']],
	])('takes inputs of the sizes that hold %s', (_, regions, sizes) => {
		const { inputs, cost } = planInputs(SIZES, wanted(regions), LIMITS);
		expect(inputs.map(({ size }) => `${size.rows}×${size.cols}`)).toEqual(sizes);
		const cells = inputs.reduce((sum, { size }) => sum + size.rows * size.cols, 0);
		expect(cost).toBeCloseTo(cells / 1600, 6);
	});

	it('shows as much around a region as its input has room for', () => {
		const { inputs } = planInputs(SIZES, wanted([square(30, 30)]), LIMITS);
		expect(inputs[0]!.parts[0]!.source).toEqual(square(21, 21, 20));
	});

	it('packs small regions of many tiles into one input, each with the context asked for', () => {
		const regions = [
			square(5, 5),
			square(50, 8),
			square(100, 12),
			square(20, 50),
			square(70, 55),
			square(112, 60),
		];
		const { inputs, owner } = planInputs(LAYOUT, wanted(regions), LIMITS);
		expect(inputs.length).toBe(1);
		for (const [i, region] of regions.entries()) {
			const part = inputs[0]!.parts[owner[region.top * COLS + region.left]!]!;
			const { left, top, right, bottom } = grown(region, LIMITS.context, GRID);
			expect(part.source.left <= left && part.source.top <= top, `${i}`).toBe(true);
			expect(part.source.right >= right && part.source.bottom >= bottom, `${i}`).toBe(true);
		}
	});

	it('runs a tile whole where that takes no more inputs, where it is due, and where nothing may be packed', () => {
		const tile = { size: LAYOUT.input, parts: [{ source: LAYOUT.tiles[0]!, at: { row: 0, col: 0 } }] };
		expect(planInputs(LAYOUT, wanted([square(5, 5)]), LIMITS).inputs).toEqual([tile]);
		const due = new Uint8Array(LAYOUT.tiles.length);
		due[0] = 1;
		expect(planInputs(LAYOUT, wanted([], { tiles: due }), LIMITS).inputs).toEqual([tile]);
		const two = wanted([square(5, 5), square(112, 60)]);
		expect(planInputs(LAYOUT, two, { ...LIMITS, pack: false }).inputs.length).toBe(2);
	});

	it('cuts no object of which a part changed', () => {
		const person = { left: 58, top: 20, right: 63, bottom: 32 };
		const all = wanted([square(60, 22, 1), square(5, 60, 1)], { objects: [person] });
		const { owner } = planInputs(LAYOUT, all, LIMITS);
		const part = owner[22 * COLS + 60]!;
		for (let row = person.top; row < person.bottom; row++) {
			for (let col = person.left; col < person.right; col++) expect(owner[row * COLS + col]).toBe(part);
		}
	});

	it('takes along what changed less where there is room', () => {
		const welcome = wanted([square(100, 60)]).cells;
		const all = wanted([square(5, 5), square(60, 30)], { welcome });
		const plan = planInputs(LAYOUT, all, LIMITS);
		expect(plan.inputs.length).toBe(1);
		expect(plan.owner[60 * COLS + 100]).toBeGreaterThanOrEqual(0);
	});

	it.each(LAYOUTS)('of inputs of %s keeps to a limit of their cost', (_, layout) => {
		for (let seed = 0; seed < 30; seed++) {
			for (const cost of [0.6, 1, 2]) {
				const all = wanted(scattered(seed));
				const plan = planInputs(layout, all, { ...LIMITS, cost });
				expect(plan.cost).toBeLessThanOrEqual(cost + 1e-6);
				expectSound(plan, all, false);
			}
		}
	});

	it('takes what is worth most where it may not take all', () => {
		const halves = wanted([
			{ left: 0, top: 0, right: 60, bottom: 34 },
			{ left: 61, top: 35, right: 120, bottom: 68 },
		]);
		const worth = halves.cells.map((mark, cell) => mark * (cell % COLS > 60 ? 9 : 1));
		const plan = planInputs(LAYOUT, { ...halves, worth }, { ...LIMITS, cost: 1 });
		expect(plan.inputs[0]!.parts[0]!.source.left).toBeGreaterThan(60);
		expect(planInputs(LAYOUT, halves, { ...LIMITS, cost: 0 }).inputs).toEqual([]);
	});
});
