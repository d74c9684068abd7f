import type { LoadedGraph } from '../../runtime/loaded-graph.ts';
import { keyExtent, keyOnes, layoutOf } from '../../vit/grid-attention.ts';
import { qkvBias } from '../../vit/qkv.ts';
import { float32 } from '../../runtime/tensors.ts';
import { type AttentionSizes, attentionSizes, firstHeadRow, upTo } from './attention.ts';
import type { BlockAttention, Projected } from './block-attention.ts';
import { type BlockSource, compileAttention } from './block-graphs.ts';
import type { Block, GateMemory } from './gate-memory.ts';
import { KeyCells } from './key-cells.ts';
import { MixedTokens } from './mixed-tokens.ts';
import type { Precision } from './method.ts';
import type { Remembered } from './remembered.ts';
import type { SharedGraphs } from './shared-graphs.ts';

/**
 * Attention of a block that is computed in full, window by window, from remembered queries [window, head, place, extended],
 * keys [window, head, key, extended] and values [window, head, key, headDim]. A window in which nothing was selected gives what it gave before and is left out, which changes
 * no number: windows attend to nothing outside themselves.
 */
export class WholeAttention implements BlockAttention {
	touched: Int32Array = new Int32Array(0);
	readonly mixed: MixedTokens;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #graph: LoadedGraph;
	readonly #sizes: AttentionSizes;
	readonly #tokenAt: Int32Array;
	readonly #placeOf: Int32Array;
	readonly #at: { queries: number; keys: number; values: number };
	readonly #cells: KeyCells | null;

	private constructor(source: BlockSource, memory: GateMemory, graph: LoadedGraph) {
		const sizes = attentionSizes(source);
		const { windows, places, keys, extended, dim, heads } = sizes;
		const { tokenAt, placeOf } = layoutOf(source.plan, source.block);
		const { pool } = source.block;
		this.#source = source;
		this.#memory = memory;
		this.#graph = graph;
		this.#sizes = sizes;
		this.#tokenAt = tokenAt;
		this.#placeOf = placeOf;
		this.#at = {
			queries: memory.reserve(windows * places * heads * extended),
			keys: memory.reserve(windows * keys * heads * extended),
			values: memory.reserve(windows * keys * dim),
		};
		this.mixed = new MixedTokens(source, sizes, memory);
		this.#cells = pool && new KeyCells(source, pool, memory);
	}

	static async load(source: BlockSource, memory: GateMemory, graphs: SharedGraphs, precision: Precision) {
		const { places, keys, width, extended } = attentionSizes(source);
		const windowed = source.block.window !== null;
		const sizes = { places, keys, width, extended, windowed, precision };
		return new WholeAttention(source, memory, await graphs.load('attention', sizes, compileAttention));
	}

	prepare(): void {
		this.mixed.prepare();
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
		// A place outside the grid has what the projections make of nothing: their biases.
		const bias = qkvBias(weights, plan, block);
		const raw = this.#cells?.remembered();
		this.#tokenAt.forEach((token, place) => {
			if (token >= 0) return;
			if (raw) {
				raw['places.keys']!.set(bias.subarray(dim, 2 * dim), place * dim);
				raw['places.values']!.set(bias.subarray(2 * dim), place * dim);
				return;
			}
			for (let head = 0; head < heads; head++) {
				const row = this.#rowOf(place, keys) + head * keys;
				const part = (which: number) =>
					bias.subarray(which * dim + head * width, which * dim + (head + 1) * width);
				all.set(part(1), row * extended);
				values.set(part(2), row * width);
			}
		});
	}

	async update(fresh: Projected): Promise<void> {
		if (fresh.count === 0) {
			this.touched = new Int32Array(0);
			return;
		}
		const places = Int32Array.from(fresh.indices.subarray(0, fresh.count), (token) => this.#placeOf[token]!);
		this.#remember(fresh, places);
		const { windows, places: size } = this.#sizes;
		const some = fresh.first
			? upTo(windows)
			: Int32Array.from(new Set(places.map((place) => Math.floor(place / size)))).sort();
		await this.#attend(some);
	}

	remembered(): Remembered {
		return {
			queries: this.#array('queries').data,
			keys: this.#array('keys').data,
			values: this.#array('values').data,
			mixed: this.mixed.data,
			...this.#cells?.remembered(),
		};
	}

	#remember(fresh: Projected, places: Int32Array): void {
		const { kernel, scratch } = this.#memory;
		const { windows, places: size, keys, heads, width, extended, dim } = this.#sizes;
		const { at } = scratch.indices;
		scratch.indices.data.set(places.map((place) => this.#rowOf(place, size)));
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
			outward: true,
		});
		let cells = places;
		if (this.#cells) {
			scratch.indices.data.set(places);
			this.#cells.put('keys', fresh.keys, fresh.count);
			this.#cells.put('values', fresh.values, fresh.count);
			cells = fresh.first ? upTo(windows * keys) : this.#cells.touched(places, fresh.count);
		}
		const rows = cells.map((cell) => this.#rowOf(cell, keys));
		for (const part of ['keys', 'values'] as const) {
			const length = part === 'keys' ? extended : width;
			const from = this.#cells ? this.#cells.means(part, cells) : fresh[part];
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
				outward: true,
			});
		}
		this.touched = cells;
	}

	/** As `firstHeadRow`, of a place or a key. */
	#rowOf(place: number, size: number): number {
		return firstHeadRow(place, size, this.#sizes.heads);
	}

	/** Mixes the tokens of `some` windows. */
	async #attend(some: Int32Array): Promise<void> {
		const { scratch, packing } = this.#memory;
		const { windows, places, keys, heads, width, extended } = this.#sizes;
		const { length } = some;
		const all = length === windows;
		let room = 0;
		const of = (part: Part, shape: readonly number[]) => {
			const { data } = this.#array(part);
			if (all) return float32(data, [length * heads, ...shape]);
			const size = data.length / windows;
			const packed = packing.data.subarray(room, room + length * size);
			room += packed.length;
			some.forEach((window, i) => packed.set(data.subarray(window * size, (window + 1) * size), i * size));
			return float32(packed, [length * heads, ...shape]);
		};
		const size = heads * places * width;
		const target = all ? this.mixed.data : scratch.rows.data.subarray(0, length * size);
		await this.#graph.run(
			{
				queries: of('queries', [places, extended]),
				keys: of('keys', [keys, extended]),
				values: of('values', [keys, width]),
			},
			[],
			{ mixed: float32(target, [length * heads, places, width]) },
		);
		if (all) return;
		const mixed = this.mixed.data;
		some.forEach((window, i) => mixed.set(target.subarray(i * size, (i + 1) * size), window * size));
	}

	#array(part: Part): Block {
		const { windows, places, keys, heads, extended, dim } = this.#sizes;
		const row = part === 'values' ? dim : heads * extended;
		return this.#memory.array(this.#at[part], windows * (part === 'queries' ? places : keys) * row);
	}
}

type Part = 'queries' | 'keys' | 'values';
