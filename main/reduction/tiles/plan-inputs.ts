import { tokenCount } from '../../domain/tokens.ts';
import { type Input, type PackedInput, Packing, ROUNDING } from './packing.ts';
import { joinRectangles, markWhole, rectanglesOf } from './regions.ts';
import { areaOf, type CellRect, fitsIn, grown, meet, type TileLayout } from './tile-layout.ts';

/** A tile runs whole where parts of it would fill this share of an input. */
const CROWDED = 0.5;
/** An object that is larger than an input is computed anew from this share of changed cells on. */
const LARGE_CHANGED = 0.15;

/** What to run for a frame. */
export type InputPlan = {
	inputs: readonly Input[];
	/** What they cost, in inputs of a tile's size. */
	cost: number;
	/** By cell, the part that answers for it, counted through all inputs; −1 = it is not computed. */
	owner: Int32Array;
};

/** What a frame should compute; columns are by cell. */
export type Wanted = {
	/** 1 where it must be computed. */
	cells: Uint8Array;
	/** 1 where it may be computed if there is room. */
	welcome: ArrayLike<number>;
	/** What computing it is worth. */
	worth: ArrayLike<number>;
	/** By tile, 1 where it must run whole. */
	tiles: Uint8Array;
	/** Where objects are: they are computed whole or not at all. */
	objects: readonly CellRect[];
};

export type PlanLimits = {
	/** What inputs may cost, in inputs of a tile's size. */
	cost: number;
	/** Cells around a part at least, as far as the frame goes. */
	context: number;
	/** Whether parts of the frame may share an input; else tiles run whole. */
	pack: boolean;
};

/** Every tile, whole. */
export function planAll(layout: TileLayout): InputPlan {
	return planOf(layout, [...layout.tiles.keys()], []);
}

/** Plans the cheapest inputs that hold what is wanted, or what is worth most of it where they would cost more than they may. */
export function planInputs(layout: TileLayout, wanted: Wanted, limits: PlanLimits): InputPlan {
	const { tiles, home } = layout;
	const marks = withObjects(layout, wanted);
	const worth = new Float64Array(tiles.length);
	const concerned = new Set([...tiles.keys()].filter((tile) => wanted.tiles[tile]));
	for (let cell = 0; cell < marks.length; cell++) {
		if (!marks[cell]) continue;
		worth[home[cell]!]! += wanted.worth[cell]!;
		concerned.add(home[cell]!);
	}
	const asTiles = () =>
		planOf(
			layout,
			most(concerned, (tile) => worth[tile]!, Math.floor(limits.cost + ROUNDING)),
			[],
		);
	if (!limits.pack) return asTiles();

	const { regions, must } = regionsOf(layout, marks, wanted.tiles, limits.context);
	const crowded = new Set(must);
	for (const [tile, share] of crowdOf(layout, regions, limits.context).entries()) {
		if (share > CROWDED) crowded.add(tile);
	}
	// Where it makes no difference whole tiles are better: they show more.
	const [plain, mixed] = [must, crowded].map((whole) => {
		const rest = regions.filter((core) => !covers(layout, marks, whole, core));
		const packing = pack(layout, rest, limits.context);
		return { whole, rest, packing, cost: whole.size + packing.cost };
	}) as [Cover, Cover];
	const cover = plain.cost < mixed.cost - ROUNDING ? plain : mixed;
	if (concerned.size <= Math.min(cover.cost, limits.cost) + ROUNDING) return asTiles();
	if (cover.cost > limits.cost + ROUNDING) return worthiest(layout, wanted.worth, worth, cover, limits);

	const { whole, packing } = cover;
	addWelcome(layout, wanted, whole, packing, limits.context);
	packing.spread();
	return planOf(layout, [...whole], packing.inputs);
}

/** Tiles to run whole, the regions that they don't hold, in inputs of their own, and what it costs. */
type Cover = { whole: Set<number>; rest: CellRect[]; packing: Packing; cost: number };

/** Tiles in their order, then the inputs of a packing. A part's own cells are its own though a tile has them too. */
function planOf(
	{ grid, input, tiles, home }: TileLayout,
	chosen: readonly number[],
	packed: readonly PackedInput[],
): InputPlan {
	const place = new Int32Array(tiles.length).fill(-1);
	const ordered = [...chosen].sort((a, b) => a - b);
	ordered.forEach((tile, i) => (place[tile] = i));
	const owner = new Int32Array(tokenCount(grid));
	for (let cell = 0; cell < owner.length; cell++) owner[cell] = place[home[cell]!]!;
	const whole = ordered.map((tile): Input => ({
		size: input,
		parts: [{ source: tiles[tile]!, at: { row: 0, col: 0 } }],
	}));
	// What has one size runs in a row: the network's weights are at hand then.
	const sorted = [...packed].sort((a, b) => b.size.cost - a.size.cost || b.size.rows - a.size.rows);
	sorted
		.flatMap(({ parts }) => parts)
		.forEach(({ core }, i) => eachCell(core, grid.cols, (cell) => (owner[cell] = whole.length + i)));
	const cost = whole.length + packed.reduce((sum, { size }) => sum + size.cost, 0);
	return { inputs: [...whole, ...sorted], cost, owner };
}

/**
 * What is wanted, with all cells of the objects that it touches, so that none is shown half as it was and half as it is. Of those
 * that no input holds, a part may change by itself: they count from a share of their cells on.
 */
function withObjects(layout: TileLayout, { cells, objects }: Wanted): Uint8Array {
	const { grid } = layout;
	const marks = cells.slice();
	const [small, large] = [true, false].map((fit) => objects.filter((rect) => fits(layout, rect) === fit));
	markWhole(marks, small!, grid, 0);
	markWhole(marks, large!, grid, LARGE_CHANGED);
	return marks;
}

/** Whether an input holds a part of the frame, with a cell of context at least. */
function fits({ grid, input }: TileLayout, core: CellRect): boolean {
	return fitsIn(grown(core, 1, grid), input);
}

/** Marked cells in parts that an input holds, and the tiles that must run whole: those asked for, and those of larger parts. */
function regionsOf(
	layout: TileLayout,
	marks: Uint8Array,
	due: Uint8Array,
	context: number,
): { regions: CellRect[]; must: Set<number> } {
	const { grid, home } = layout;
	const must = new Set([...due.keys()].filter((tile) => due[tile]));
	const rest = marks.map((mark, cell) => (must.has(home[cell]!) ? 0 : mark));
	const regions = joinRectangles(rectanglesOf(rest, grid), context, grid).filter((rect) => {
		if (fits(layout, rect)) return true;
		eachCell(rect, grid.cols, (cell) => marks[cell] && must.add(home[cell]!));
		return false;
	});
	return { regions, must };
}

/** By tile, the share of an input that the regions in it would fill. */
function crowdOf(
	{ grid, input, tiles, home }: TileLayout,
	regions: CellRect[],
	context: number,
): Float64Array {
	const shares = new Float64Array(tiles.length);
	for (const rect of regions) {
		const middle = ((rect.top + rect.bottom) >> 1) * grid.cols + ((rect.left + rect.right) >> 1);
		shares[home[middle]!]! += areaOf(grown(rect, context, grid)) / (input.rows * input.cols);
	}
	return shares;
}

/** Whether all that is marked of a region lies in these tiles. */
function covers(
	{ grid, home }: TileLayout,
	marks: Uint8Array,
	tiles: ReadonlySet<number>,
	region: CellRect,
): boolean {
	let all = true;
	eachCell(region, grid.cols, (cell) => (all &&= marks[cell] === 0 || tiles.has(home[cell]!)));
	return all;
}

function pack(layout: TileLayout, cores: readonly CellRect[], context: number): Packing {
	const packing = new Packing(layout, context);
	const tallest = [...cores].sort(
		(a, b) => b.bottom - b.top - (a.bottom - a.top) || b.right - b.left - (a.right - a.left),
	);
	for (const core of tallest) packing.put(core, Infinity);
	return packing;
}

/** Tiles and regions as far as the inputs go, what is worth most for its size first. */
function worthiest(
	layout: TileLayout,
	ofCell: ArrayLike<number>,
	ofTile: Float64Array,
	{ whole, rest }: Cover,
	limits: PlanLimits,
): InputPlan {
	const { grid, input } = layout;
	const ofRegion = (core: CellRect) => {
		let sum = 0;
		eachCell(core, grid.cols, (cell) => (sum += ofCell[cell]!));
		return sum / areaOf(grown(core, limits.context, grid));
	};
	const items = [
		...[...whole].map((tile) => ({ tile, density: ofTile[tile]! / (input.rows * input.cols) })),
		...rest.map((core) => ({ core, density: ofRegion(core) })),
	].sort((a, b) => b.density - a.density);
	const packing = new Packing(layout, limits.context);
	const tiles: number[] = [];
	for (const item of items) {
		if ('core' in item) packing.put(item.core, limits.cost - tiles.length);
		else if (tiles.length + 1 + packing.cost <= limits.cost + ROUNDING) tiles.push(item.tile);
	}
	packing.spread();
	return planOf(layout, tiles, packing.inputs);
}

/** Adds what is welcome where an input has room for it. */
function addWelcome(
	layout: TileLayout,
	wanted: Wanted,
	whole: ReadonlySet<number>,
	packing: Packing,
	context: number,
): void {
	const { grid, home } = layout;
	const most = packing.cost;
	const marks = Uint8Array.from(wanted.welcome, (mark, cell) => (whole.has(home[cell]!) ? 0 : mark));
	const taken = packing.inputs.flatMap(({ parts }) => parts.map(({ core }) => core));
	for (const core of taken) eachCell(core, grid.cols, (cell) => (marks[cell] = 0));
	if (taken.length === 0 || !marks.includes(1)) return;
	markWhole(
		marks,
		wanted.objects.filter((rect) => fits(layout, rect)),
		grid,
		0,
	);
	for (const core of joinRectangles(rectanglesOf(marks, grid), context, grid)) {
		if (!fits(layout, core) || taken.some((other) => meet(other, core))) continue;
		packing.put(core, most);
	}
}

/** At most `count` of these, those of the highest value. */
function most(of: Iterable<number>, value: (item: number) => number, count: number): number[] {
	return [...of].sort((a, b) => value(b) - value(a) || a - b).slice(0, count);
}

function eachCell({ left, top, right, bottom }: CellRect, cols: number, visit: (cell: number) => void): void {
	for (let row = top; row < bottom; row++) {
		for (let col = left; col < right; col++) visit(row * cols + col);
	}
}
