import { Skyline, type Spot } from './skyline.ts';
import { type CellRect, type Extent, grown, type TileLayout } from './tile-layout.ts';

/** Cells of grey between parts of an input. */
const GAP = 1;

/** A part of the frame as it lies in an input. */
export type Part = {
	/** What is shown of the frame. */
	source: CellRect;
	/** Where that begins in the input. */
	at: Spot;
};

/** A part that answers for its core; around it is context. */
export type PackedPart = Part & { core: CellRect };

/** Inputs that hold parts of the frame side by side, none touching another. */
export class Packing {
	/** The parts of each input. */
	readonly inputs: PackedPart[][] = [];
	readonly #layout: TileLayout;
	readonly #context: number;
	readonly #skylines: Skyline[] = [];

	/** `context`: cells around a core, as far as the frame and an input go. */
	constructor(layout: TileLayout, context: number) {
		this.#layout = layout;
		this.#context = context;
	}

	/** Puts a part into the first input with room; opens another one for it while there are fewer than `most`. */
	put(core: CellRect, most: number): boolean {
		const { grid, input } = this.#layout;
		const source = within(grown(core, this.#context, grid), core, input);
		const extent = { rows: source.bottom - source.top, cols: source.right - source.left };
		for (const [i, skyline] of this.#skylines.entries()) {
			const at = skyline.put(extent);
			if (!at) continue;
			this.inputs[i]!.push({ core, source, at });
			return true;
		}
		if (this.inputs.length >= most) return false;
		this.inputs.push([]);
		this.#skylines.push(new Skyline(input, GAP));
		return this.put(core, most);
	}
}

/** A rectangle around a core, cut to what an input holds, as nearly as can be with the core in the middle. */
function within(rect: CellRect, core: CellRect, { rows, cols }: Extent): CellRect {
	const start = (from: number, to: number, middle: number, most: number) =>
		Math.max(from, Math.min(to - most, Math.round(middle - most / 2)));
	const left = start(rect.left, rect.right, (core.left + core.right) / 2, cols);
	const top = start(rect.top, rect.bottom, (core.top + core.bottom) / 2, rows);
	return { left, top, right: Math.min(rect.right, left + cols), bottom: Math.min(rect.bottom, top + rows) };
}
