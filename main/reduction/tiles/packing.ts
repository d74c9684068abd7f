import { Skyline, type Spot } from './skyline.ts';
import { type CellRect, type Extent, grown, type InputSize, type TileLayout } from './tile-layout.ts';

/** Cells of grey between parts of an input: without it the network takes more of one part for something of the next. */
const GAP = 2;

/** A part of the frame as it lies in an input. */
export type Part = {
	/** What is shown of the frame. */
	source: CellRect;
	/** Where that begins in the input. */
	at: Spot;
};

/** What the network is run on: parts of the frame side by side, none touching another. */
export type Input = { size: Extent; parts: readonly Part[] };

/** A part that answers for its core; around it is context. */
export type PackedPart = Part & { core: CellRect };

export type PackedInput = { size: InputSize; parts: readonly PackedPart[] };

/** Costs are sums: two that are less apart are the same. */
export const ROUNDING = 1e-9;

/** Inputs that hold parts of the frame, of sizes at which they cost little. */
export class Packing {
	readonly #inputs: PackedInput[] = [];
	readonly #layout: TileLayout;
	readonly #context: number;

	/** `context`: cells around a core at least, as far as the frame and an input go. */
	constructor(layout: TileLayout, context: number) {
		this.#layout = layout;
		this.#context = context;
	}

	get inputs(): readonly PackedInput[] {
		return this.#inputs;
	}

	/** In inputs of a tile's size. */
	get cost(): number {
		return this.#inputs.reduce((sum, { size }) => sum + size.cost, 0);
	}

	/** Puts a part where that adds least: into an input, which may become a larger one, or into one of its own; not beyond a cost of `most`. */
	put(core: CellRect, most: number): boolean {
		let added = most - this.cost + ROUNDING;
		let best: { place: number; input: PackedInput } | null = null;
		for (let place = 0; place <= this.#inputs.length; place++) {
			const { size, parts } = this.#inputs[place] ?? { size: { cost: 0 }, parts: [] };
			const cores = [...parts.map((part) => part.core), core];
			const input = this.#cheapest(cores, size.cost, size.cost + added);
			if (!input) continue;
			best = { place, input };
			added = input.size.cost - size.cost;
		}
		if (best) this.#inputs[best.place] = best.input;
		return best !== null;
	}

	/** Shows more around the parts of every input, as far as it has room. */
	spread(): void {
		const { grid } = this.#layout;
		for (const [i, { size, parts }] of this.#inputs.entries()) {
			const cores = parts.map(({ core }) => core);
			for (let context = Math.max(size.rows, size.cols); context > this.#context; context--) {
				const sources = cores.map((core) => within(grown(core, context, grid), core, size));
				const roomy = arrange(cores, sources, size);
				if (!roomy) continue;
				this.#inputs[i] = roomy;
				break;
			}
		}
	}

	/** The cheapest input that holds these cores, from a cost of `least` on and below one of `limit`; null where none does. */
	#cheapest(cores: readonly CellRect[], least: number, limit: number): PackedInput | null {
		const { grid, input, sizes } = this.#layout;
		const sources = cores.map((core) => within(grown(core, this.#context, grid), core, input));
		for (const size of sizes) {
			if (size.cost >= limit) return null;
			const packed = size.cost < least ? null : arrange(cores, sources, size);
			if (packed) return packed;
		}
		return null;
	}
}

/** Parts in an input, in their order; null where it has no room. */
function arrange(
	cores: readonly CellRect[],
	sources: readonly CellRect[],
	size: InputSize,
): PackedInput | null {
	const skyline = new Skyline(size, GAP);
	const parts: PackedPart[] = [];
	for (const [i, core] of cores.entries()) {
		const source = sources[i]!;
		const at = skyline.put({ rows: source.bottom - source.top, cols: source.right - source.left });
		if (!at) return null;
		parts.push({ core, source, at });
	}
	return { size, parts };
}

/** A rectangle around a core, cut to what an input holds, as nearly as can be with the core in the middle. */
function within(rect: CellRect, core: CellRect, { rows, cols }: Extent): CellRect {
	const start = (from: number, to: number, middle: number, most: number) =>
		Math.max(from, Math.min(to - most, Math.round(middle - most / 2)));
	const left = start(rect.left, rect.right, (core.left + core.right) / 2, cols);
	const top = start(rect.top, rect.bottom, (core.top + core.bottom) / 2, rows);
	return { left, top, right: Math.min(rect.right, left + cols), bottom: Math.min(rect.bottom, top + rows) };
}
