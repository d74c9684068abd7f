import type { LoadedGraph } from '../../runtime/loaded-graph.ts';
import { keyExtent, keyOnes, layoutOf } from '../../vit/grid-attention.ts';
import { qkvBias } from '../../vit/qkv.ts';
import { float32 } from '../../runtime/tensors.ts';
import { AttentionOutput } from './attention-output.ts';
import { type AttentionSizes, attentionSizes, firstHeadRow, upTo } from './attention-sizes.ts';
import type { BlockAttention, Projected } from './block-attention.ts';
import { type BlockSource, compileAttention } from './block-graphs.ts';
import type { GateMemory, MemoryArray } from './gate-memory.ts';
import type { Precision } from './method.ts';
import { PooledKeys } from './pooled-keys.ts';
import type { Remembered } from './remembered.ts';
import type { SharedGraphs } from './shared-graphs.ts';

/**
 * Attention of a block that is computed in full, window by window, from remembered queries [windows, heads, slots, extended],
 * keys [windows, heads, keys, extended] and values [windows, heads, keys, headDim]. A window without a selected token is
 * skipped: its output can't have changed, since windows attend to nothing outside themselves.
 */
export class WholeAttention implements BlockAttention {
	changedKeys: Int32Array = new Int32Array(0);
	readonly output: AttentionOutput;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #graph: LoadedGraph;
	readonly #sizes: AttentionSizes;
	readonly #tokenAt: Int32Array;
	readonly #slotOf: Int32Array;
	readonly #at: { queries: number; keys: number; values: number };
	readonly #pooled: PooledKeys | null;

	private constructor(source: BlockSource, memory: GateMemory, graph: LoadedGraph) {
		const sizes = attentionSizes(source);
		const { windows, slots, keys, extended, dim, heads } = sizes;
		const { tokenAt, slotOf } = layoutOf(source.plan, source.block);
		const { pool } = source.block;
		this.#source = source;
		this.#memory = memory;
		this.#graph = graph;
		this.#sizes = sizes;
		this.#tokenAt = tokenAt;
		this.#slotOf = slotOf;
		this.#at = {
			queries: memory.reserve(windows * slots * heads * extended),
			keys: memory.reserve(windows * keys * heads * extended),
			values: memory.reserve(windows * keys * dim),
		};
		this.output = new AttentionOutput(source, sizes, memory);
		this.#pooled = pool && new PooledKeys(source, pool, memory);
	}

	static async load(source: BlockSource, memory: GateMemory, graphs: SharedGraphs, precision: Precision) {
		const { slots, keys, width, extended } = attentionSizes(source);
		const windowed = source.block.window !== null;
		const sizes = { slots, keys, width, extended, windowed, precision };
		return new WholeAttention(source, memory, await graphs.load('attention', sizes, compileAttention));
	}

	prepare(): void {
		this.output.prepare();
		const { windows, keys, heads, width, extended, dim } = this.#sizes;
		const { plan, block, weights } = this.#source;
		const all = this.#array('keys').data;
		const values = this.#array('values').data;
		if (block.relative) {
			const ones = keyOnes(keyExtent(plan, block)); // [keys, extended − width]
			const more = extended - width;
			for (let i = 0; i < windows * heads * keys; i++) {
				all.set(ones.subarray((i % keys) * more, ((i % keys) + 1) * more), i * extended + width);
			}
		}
		if (!this.#tokenAt.includes(-1)) return;
		// A slot of padding has the projections of zeros: their biases.
		const bias = qkvBias(weights, plan, block).data;
		const unpooled = this.#pooled?.remembered();
		this.#tokenAt.forEach((token, slot) => {
			if (token >= 0) return;
			if (unpooled) {
				unpooled['unpooled.keys']!.set(bias.subarray(dim, 2 * dim), slot * dim);
				unpooled['unpooled.values']!.set(bias.subarray(2 * dim), slot * dim);
				return;
			}
			for (let head = 0; head < heads; head++) {
				const row = this.#rowOf(slot, keys) + head * keys;
				const part = (which: number) =>
					bias.subarray(which * dim + head * width, which * dim + (head + 1) * width);
				all.set(part(1), row * extended);
				values.set(part(2), row * width);
			}
		});
	}

	async update(fresh: Projected): Promise<void> {
		if (fresh.count === 0) {
			this.changedKeys = new Int32Array(0);
			return;
		}
		const slots = Int32Array.from(fresh.indices.subarray(0, fresh.count), (token) => this.#slotOf[token]!);
		this.#remember(fresh, slots);
		const { windows, slots: size } = this.#sizes;
		const some = fresh.first
			? upTo(windows)
			: Int32Array.from(new Set(slots.map((slot) => Math.floor(slot / size)))).sort();
		await this.#attend(some);
	}

	remembered(): Remembered {
		return {
			queries: this.#array('queries').data,
			keys: this.#array('keys').data,
			values: this.#array('values').data,
			output: this.output.data,
			...this.#pooled?.remembered(),
		};
	}

	#remember(fresh: Projected, slots: Int32Array): void {
		const { kernel, scratch } = this.#memory;
		const { windows, slots: size, keys, heads, width, extended, dim } = this.#sizes;
		const { at } = scratch.indices;
		scratch.indices.data.set(slots.map((slot) => this.#rowOf(slot, size)));
		kernel.copyRows({
			packed: fresh.queries.at,
			packedRow: heads * extended,
			packedHead: extended,
			sparse: this.#at.queries,
			sparseRow: extended,
			sparseHead: size * extended,
			width: extended,
			heads,
			indices: at,
			count: fresh.count,
			scatter: true,
		});
		let changed = slots;
		if (this.#pooled) {
			scratch.indices.data.set(slots);
			this.#pooled.put('keys', fresh.keys, fresh.count);
			this.#pooled.put('values', fresh.values, fresh.count);
			changed = fresh.first ? upTo(windows * keys) : this.#pooled.cellsOf(slots, fresh.count);
		}
		const rows = changed.map((key) => this.#rowOf(key, keys));
		for (const part of ['keys', 'values'] as const) {
			const length = part === 'keys' ? extended : width;
			const from = this.#pooled ? this.#pooled.means(part, changed) : fresh[part];
			scratch.indices.data.set(rows);
			kernel.copyRows({
				packed: from.at,
				packedRow: dim,
				packedHead: width,
				sparse: this.#at[part],
				sparseRow: length,
				sparseHead: keys * length,
				width,
				heads,
				indices: at,
				count: rows.length,
				scatter: true,
			});
		}
		this.changedKeys = changed;
	}

	/** As `firstHeadRow`, of a query's slot or a key, `size` per window. */
	#rowOf(index: number, size: number): number {
		return firstHeadRow(index, size, this.#sizes.heads);
	}

	/** Computes the output of `some` windows. */
	async #attend(some: Int32Array): Promise<void> {
		const { scratch, packed: gathered } = this.#memory;
		const { windows, slots, keys, heads, width, extended } = this.#sizes;
		const { length } = some;
		const all = length === windows;
		let offset = 0;
		const input = (part: Part, shape: readonly number[]) => {
			const { data } = this.#array(part);
			if (all) return float32(data, [length * heads, ...shape]);
			const size = data.length / windows;
			const packed = gathered.data.subarray(offset, offset + length * size);
			offset += packed.length;
			some.forEach((window, i) => packed.set(data.subarray(window * size, (window + 1) * size), i * size));
			return float32(packed, [length * heads, ...shape]);
		};
		const size = heads * slots * width;
		const target = all ? this.output.data : scratch.rows.data.subarray(0, length * size);
		await this.#graph.run(
			{
				queries: input('queries', [slots, extended]),
				keys: input('keys', [keys, extended]),
				values: input('values', [keys, width]),
			},
			[],
			{ output: float32(target, [length * heads, slots, width]) },
		);
		if (all) return;
		const output = this.output.data;
		some.forEach((window, i) => output.set(target.subarray(i * size, (i + 1) * size), window * size));
	}

	#array(part: Part): MemoryArray {
		const { windows, slots, keys, heads, extended, dim } = this.#sizes;
		const row = part === 'values' ? dim : heads * extended;
		return this.#memory.array(this.#at[part], windows * (part === 'queries' ? slots : keys) * row);
	}
}

type Part = 'queries' | 'keys' | 'values';
