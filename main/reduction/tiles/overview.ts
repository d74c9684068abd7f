import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import type { TokenGrid } from '../../domain/tokens.ts';
import { cellsOf } from './cell-scores.ts';
import { areaOf, type CellRect, type TileLayout } from './tile-layout.ts';

/** What is larger than a tile does not come or go without changing this share of the cells of one. */
const TILE_CHANGED = 0.25;
/** An object is looked at again from this share of changed cells on. */
const OBJECT_CHANGED = 0.15;

/** When the whole frame is looked at again: when much of a tile or of an object that only the overview shows changed since. */
export class OverviewTurn {
	readonly #layout: TileLayout;
	/** By cell, 1 where something changed since the whole frame was seen. */
	readonly #changed: Uint8Array;
	#seenAt = 0;

	constructor(layout: TileLayout) {
		this.#layout = layout;
		this.#changed = new Uint8Array(layout.home.length);
	}

	/** Takes a frame: change by cell, of which what is not above `floor` is noise. */
	mark(change: Float32Array, floor: number): void {
		for (let cell = 0; cell < change.length; cell++) if (change[cell]! > floor) this.#changed[cell] = 1;
	}

	/** Whether it is due; `objects` are boxes in pixels of the grid. Where a frame has one input, tiles have it in most frames. */
	isDue(objects: readonly ArrayLike<number>[], frame: number, inputs: number): boolean {
		const { tiles, grid } = this.#layout;
		if (inputs < 1 || (inputs < 2 && frame - this.#seenAt <= tiles.length)) return false;
		const changed = (rect: CellRect, share: number) => this.#count(rect, grid) > share * areaOf(rect);
		return (
			tiles.some((tile) => changed(tile, TILE_CHANGED)) ||
			objects.some((box) => changed(cellsOf(box, grid), OBJECT_CHANGED))
		);
	}

	seen(frame: number): void {
		this.#seenAt = frame;
		this.#changed.fill(0);
	}

	saveState(): NamedArrays {
		return { 'tiles.overview': this.#changed.slice(), 'tiles.overviewAt': Int32Array.of(this.#seenAt) };
	}

	restoreState(state: NamedArrays): void {
		const { 'tiles.overview': changed, 'tiles.overviewAt': seenAt } = state;
		assert(changed && seenAt, 'a snapshot holds when the whole frame was seen');
		this.#changed.set(changed);
		this.#seenAt = seenAt[0]!;
	}

	#count({ left, top, right, bottom }: CellRect, { cols }: TokenGrid): number {
		let count = 0;
		for (let row = top; row < bottom; row++) {
			for (let cell = row * cols + left; cell < row * cols + right; cell++) count += this.#changed[cell]!;
		}
		return count;
	}
}
