import type { GraphTensor } from '../../runtime/runtime.ts';
import { keyExtent, keyOnes } from '../../vit/grid-attention.ts';
import { float32 } from '../../runtime/tensors.ts';
import { type AttentionSizes, attentionSizes, type HeadRange, upTo } from './attention-sizes.ts';
import type { Projected } from './block-attention.ts';
import type { BlockSource } from './block-graphs.ts';
import type { GateMemory } from './gate-memory.ts';
import { PooledKeys } from './pooled-keys.ts';
import type { Remembered } from './remembered.ts';

type Part = 'queries' | 'keys' | 'values';

/** `row`: numbers in a head's row of a query or a key; see `RememberedProjections`. */
export type RowSizes = AttentionSizes & { row: number };

export function rowSizes(source: BlockSource): RowSizes {
	const sizes = attentionSizes(source);
	return { ...sizes, row: sizes.extended + 1 };
}

/**
 * The latest queries [heads, tokens, row], keys [heads, keys, row] and values [heads, keys, headDim] of attention over all
 * tokens. A row is headDim wide, followed by the terms of relative positions and by one more column: −z_i of a query, z_i
 * being its log-sum-exp, and 1 of a key. The product of a query's and a key's row is therefore the log of the attention
 * weight, l_ij − z_i.
 */
export class RememberedProjections {
	readonly sizes: RowSizes;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #at: Record<Part, number>;
	readonly #pooled: PooledKeys | null;

	constructor(source: BlockSource, memory: GateMemory) {
		this.sizes = rowSizes(source);
		const { keys, row, width, heads, tokens } = this.sizes;
		const { pool } = source.block;
		this.#source = source;
		this.#memory = memory;
		this.#at = {
			queries: memory.reserve(heads * tokens * row),
			keys: memory.reserve(heads * keys * row),
			values: memory.reserve(heads * keys * width),
		};
		this.#pooled = pool && new PooledKeys(source, pool, memory);
	}

	/** Called once the memory has been made: fills in the columns of keys that never change. */
	prepare(): void {
		const { keys, heads, width, extended, row } = this.sizes;
		const { plan, block } = this.#source;
		const all = this.array('keys');
		const ones = block.relative ? keyOnes(keyExtent(plan, block)) : new Float32Array(0); // [keys, extended − width]
		const more = extended - width;
		for (let i = 0; i < heads * keys; i++) {
			all.set(ones.subarray((i % keys) * more, ((i % keys) + 1) * more), i * row + width);
			all[i * row + extended] = 1;
		}
	}

	/** Remembers fresh queries; the column of their log-sum-exp stays as it is. */
	setQueries({ queries, indices, count }: Projected): void {
		const { kernel, scratch } = this.#memory;
		const { tokens, heads, extended, row } = this.sizes;
		scratch.indices.data.set(indices.subarray(0, count));
		kernel.copyRows({
			packed: queries.at,
			packedRow: heads * extended,
			packedHead: extended,
			sparse: this.#at.queries,
			sparseRow: row,
			sparseHead: tokens * row,
			width: extended,
			heads,
			indices: scratch.indices.at,
			count,
			scatter: true,
		});
	}

	/** The keys that fresh projections change, ascending; where keys are pooled, remembers what they are means of. */
	changedKeys({ indices, count, first, keys, values }: Projected): Int32Array {
		if (!this.#pooled) return indices.slice(0, count);
		// The scratch indices still name the tokens of `setQueries`.
		this.#pooled.put('keys', keys, count);
		this.#pooled.put('values', values, count);
		return first ? upTo(this.sizes.keys) : this.#pooled.cellsOf(indices, count);
	}

	/** Remembers `changed` keys and their values, pooled where the block pools. */
	setKeysAndValues(fresh: Projected, changed: Int32Array): void {
		const { scratch, kernel } = this.#memory;
		const { dim, heads, width, keys, row } = this.sizes;
		for (const part of ['keys', 'values'] as const) {
			const from = this.#pooled ? this.#pooled.means(part, changed) : fresh[part];
			scratch.indices.data.set(changed);
			const size = part === 'keys' ? row : width;
			kernel.copyRows({
				packed: from.at,
				packedRow: dim,
				packedHead: width,
				sparse: this.#at[part],
				sparseRow: size,
				sparseHead: keys * size,
				width,
				heads,
				indices: scratch.indices.at,
				count: changed.length,
				scatter: true,
			});
		}
	}

	/**
	 * Copies rows of some heads to address `packed`, [heads, indices.length, row or headDim]; from one head to the next lie
	 * `headStride` rows.
	 */
	gather(
		part: Part,
		indices: Int32Array,
		packed: number,
		{
			headStride = indices.length,
			heads = { first: 0, count: this.sizes.heads },
		}: { headStride?: number; heads?: HeadRange } = {},
	): void {
		const { scratch, kernel } = this.#memory;
		const { rows, width } = this.#shape(part);
		scratch.indices.data.set(indices);
		kernel.copyRows({
			packed,
			packedRow: width,
			packedHead: headStride * width,
			sparse: this.#at[part] + 4 * heads.first * rows * width,
			sparseRow: width,
			sparseHead: rows * width,
			width,
			heads: heads.count,
			indices: scratch.indices.at,
			count: indices.length,
			scatter: false,
		});
	}

	/** All rows of all heads. */
	array(part: Part): Float32Array {
		const { rows, width } = this.#shape(part);
		return this.#memory.array(this.#at[part], this.sizes.heads * rows * width).data;
	}

	/** All rows of some heads, as a graph's input. */
	tensor(part: Part, { first, count }: HeadRange): GraphTensor {
		const { rows, width } = this.#shape(part);
		const data = this.array(part).subarray(first * rows * width, (first + count) * rows * width);
		return float32(data, [count, rows, width]);
	}

	remembered(): Remembered {
		return {
			queries: this.array('queries'),
			keys: this.array('keys'),
			values: this.array('values'),
			...this.#pooled?.remembered(),
		};
	}

	#shape(part: Part): { rows: number; width: number } {
		const { tokens, keys, row, width } = this.sizes;
		return { rows: part === 'queries' ? tokens : keys, width: part === 'values' ? width : row };
	}
}
