import { attentionExtent, keyExtent } from '../../vit/grid-attention.ts';
import type { Extent } from '../../vit/plan.ts';
import { type AttentionSizes, attentionSizes } from './attention-sizes.ts';
import type { BlockSource } from './block-graphs.ts';
import type { GateMemory, MemoryArray } from './gate-memory.ts';
import type { Remembered } from './remembered.ts';

/**
 * Keys and values pooled by averaging: remembers them per slot before pooling, [windows · slots, dim], and computes the means
 * over cells. Cells are numbered window by window, in raster order.
 */
export class PooledKeys {
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
		const { windows, slots, dim } = this.#sizes;
		this.#at = {
			keys: memory.reserve(windows * slots * dim),
			values: memory.reserve(windows * slots * dim),
		};
	}

	remembered(): Remembered {
		return { 'unpooled.keys': this.#array('keys').data, 'unpooled.values': this.#array('values').data };
	}

	/** Remembers rows [count, dim] of the slots that the scratch indices name. */
	put(part: 'keys' | 'values', rows: MemoryArray, count: number): void {
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
			scatter: true,
		});
	}

	/** The cells that `slots[0..count)` belong to, ascending. */
	cellsOf(slots: Int32Array, count: number): Int32Array {
		const { slots: size, keys } = this.#sizes;
		const cells = new Set<number>();
		for (let i = 0; i < count; i++) {
			const [window, slot] = [Math.floor(slots[i]! / size), slots[i]! % size];
			const row = Math.floor(Math.floor(slot / this.#extent.cols) / this.#pool.rows);
			const col = Math.floor((slot % this.#extent.cols) / this.#pool.cols);
			// Pooling drops cells that the edge cuts off.
			if (row < this.#cells.rows && col < this.#cells.cols)
				cells.add(window * keys + row * this.#cells.cols + col);
		}
		return Int32Array.from(cells).sort();
	}

	/** Means over `cells`, [cells, dim], in the scratch rows. */
	means(part: 'keys' | 'values', cells: Int32Array): MemoryArray {
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

	#array(part: 'keys' | 'values'): MemoryArray {
		const { windows, slots, dim } = this.#sizes;
		return this.#memory.array(this.#at[part], windows * slots * dim);
	}
}
