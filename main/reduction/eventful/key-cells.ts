import { attentionExtent, keyExtent } from '../../vit/grid-attention.ts';
import type { Extent } from '../../vit/plan.ts';
import { type AttentionSizes, attentionSizes } from './attention.ts';
import type { BlockSource } from './block-graphs.ts';
import type { Block, GateMemory } from './gate-memory.ts';
import type { Remembered } from './remembered.ts';

/**
 * Pooled keys and values: remembers them for every place, and gives their means over cells. Cells are numbered window by
 * window, in raster order.
 */
export class KeyCells {
	readonly #memory: GateMemory;
	readonly #sizes: AttentionSizes;
	readonly #extent: Extent;
	readonly #cells: Extent;
	readonly #pool: Extent;
	readonly #at: { keys: number; values: number };

	constructor(source: BlockSource, pool: Extent, memory: GateMemory) {
		this.#memory = memory;
		this.#sizes = attentionSizes(source);
		this.#extent = attentionExtent(source.plan, source.block);
		this.#cells = keyExtent(source.plan, source.block);
		this.#pool = pool;
		const { windows, places, dim } = this.#sizes;
		this.#at = {
			keys: memory.reserve(windows * places * dim),
			values: memory.reserve(windows * places * dim),
		};
	}

	remembered(): Remembered {
		return { 'places.keys': this.#array('keys').data, 'places.values': this.#array('values').data };
	}

	/** Puts rows [count, dim] at `places[0..count)`, which stand in the shared list of indices. */
	put(part: 'keys' | 'values', rows: Block, count: number): void {
		const { kernel, scratch } = this.#memory;
		const { dim } = this.#sizes;
		kernel.copyRows({
			packed: rows.at,
			packedRow: dim,
			packedHead: 0,
			sparse: this.#at[part],
			sparseRow: dim,
			sparseHead: 0,
			width: dim,
			heads: 1,
			indices: scratch.indices.at,
			count,
			outward: true,
		});
	}

	/** The cells that places touch, ascending. */
	touched(places: Int32Array, count: number): Int32Array {
		const { places: size, keys } = this.#sizes;
		const cells = new Set<number>();
		for (let i = 0; i < count; i++) {
			const [window, place] = [Math.floor(places[i]! / size), places[i]! % size];
			const row = Math.floor(Math.floor(place / this.#extent.cols) / this.#pool.rows);
			const col = Math.floor((place % this.#extent.cols) / this.#pool.cols);
			// Cells that the edge cuts off are left out.
			if (row < this.#cells.rows && col < this.#cells.cols)
				cells.add(window * keys + row * this.#cells.cols + col);
		}
		return Int32Array.from(cells).sort();
	}

	/** Means over `cells`, [cells, dim], in the shared rows. */
	means(part: 'keys' | 'values', cells: Int32Array): Block {
		const { kernel, scratch } = this.#memory;
		const { rows, cols } = this.#extent;
		scratch.indices.data.set(cells);
		kernel.poolCells({
			x: this.#at[part],
			dim: this.#sizes.dim,
			rows,
			cols,
			cellRows: this.#pool.rows,
			cellCols: this.#pool.cols,
			indices: scratch.indices.at,
			count: cells.length,
			out: scratch.rows.at,
		});
		return scratch.rows;
	}

	#array(part: 'keys' | 'values'): Block {
		const { windows, places, dim } = this.#sizes;
		return this.#memory.array(this.#at[part], windows * places * dim);
	}
}
