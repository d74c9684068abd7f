import type { GraphRuntime, GraphSession } from '../../graph/graph-session.ts';
import { keyExtent, keyOnes } from '../../vit/grid-attention.ts';
import { float32, numbers } from '../full-graph.ts';
import {
	type AttentionSizes,
	attentionSizes,
	type BlockAttention,
	layoutOf,
	type Projected,
	upTo,
} from './attention.ts';
import { type BlockSource, compileAttention } from './block-graphs.ts';
import type { Block, GateMemory } from './gate-memory.ts';
import { KeyCells } from './key-cells.ts';
import type { Remembered } from './remembered.ts';

/**
 * Attention of a block that is computed in full, window by window, from remembered queries, keys and values: rows
 * [window, place, head]. A window in which nothing was selected gives what it gave before and is left out, which changes
 * no number: windows attend to nothing outside themselves.
 */
export class WholeAttention implements BlockAttention {
	touched: Int32Array = new Int32Array(0);
	readonly mixed: number;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #session: GraphSession;
	readonly #sizes: AttentionSizes;
	readonly #tokenAt: Int32Array;
	readonly #placeOf: Int32Array;
	readonly #at: { queries: number; keys: number; values: number };
	readonly #cells: KeyCells | null;

	private constructor(source: BlockSource, memory: GateMemory, session: GraphSession) {
		const sizes = attentionSizes(source);
		const { windows, places, keys, extended, dim, heads, tokens } = sizes;
		const { tokenAt, placeOf } = layoutOf(source);
		const { pool } = source.block;
		this.#source = source;
		this.#memory = memory;
		this.#session = session;
		this.#sizes = sizes;
		this.#tokenAt = tokenAt;
		this.#placeOf = placeOf;
		this.#at = {
			queries: memory.reserve(windows * places * heads * extended),
			keys: memory.reserve(windows * keys * heads * extended),
			values: memory.reserve(windows * keys * dim),
		};
		this.mixed = memory.reserve(tokens * dim);
		this.#cells = pool && new KeyCells(source, pool, memory);
	}

	static async load(source: BlockSource, memory: GateMemory, runtime: GraphRuntime, half: boolean) {
		const graph = compileAttention(source, attentionSizes(source), half);
		return new WholeAttention(source, memory, await runtime.load(graph.bytes, graph.name));
	}

	prepare(): void {
		const { windows, keys, heads, width, extended, dim } = this.#sizes;
		const { plan, block, weights } = this.#source;
		const all = this.#array('keys').data;
		const values = this.#array('values').data;
		if (block.relative) {
			const ones = keyOnes(keyExtent(plan, block)); // [keys, extended − width]
			const more = extended - width;
			for (let i = 0; i < windows * keys * heads; i++) {
				const key = Math.floor(i / heads) % keys;
				all.set(ones.subarray(key * more, (key + 1) * more), i * extended + width);
			}
		}
		if (!this.#tokenAt.includes(-1)) return;
		// A place outside the grid has what the projection makes of nothing: its bias.
		const bias = weights(`${block.name}.${plan.layerNames.qkv}.bias`, [3 * dim]).data as Float32Array;
		const [keyBias, valueBias] = [bias.subarray(dim, 2 * dim), bias.subarray(2 * dim)];
		const raw = this.#cells?.remembered();
		this.#tokenAt.forEach((token, place) => {
			if (token >= 0) return;
			if (raw) {
				raw['places.keys']!.set(keyBias, place * dim);
				raw['places.values']!.set(valueBias, place * dim);
				return;
			}
			for (let head = 0; head < heads; head++) {
				const at = (place * heads + head) * extended;
				all.set(keyBias.subarray(head * width, (head + 1) * width), at);
			}
			values.set(valueBias, place * dim);
		});
	}

	async update(fresh: Projected): Promise<number> {
		if (fresh.count === 0) {
			this.touched = new Int32Array(0);
			return 0;
		}
		const places = Int32Array.from(fresh.indices.subarray(0, fresh.count), (token) => this.#placeOf[token]!);
		this.#remember(fresh, places);
		const { windows, places: size } = this.#sizes;
		const some = fresh.first
			? upTo(windows)
			: Int32Array.from(new Set(places.map((place) => Math.floor(place / size)))).sort();
		await this.#attend(some);
		return 0;
	}

	remembered(): Remembered {
		const { tokens, dim } = this.#sizes;
		return {
			queries: this.#array('queries').data,
			keys: this.#array('keys').data,
			values: this.#array('values').data,
			mixed: this.#memory.array(this.mixed, tokens * dim).data,
			...this.#cells?.remembered(),
		};
	}

	release(): Promise<void> {
		return this.#session.release();
	}

	#remember(fresh: Projected, places: Int32Array): void {
		const { kernel, scratch } = this.#memory;
		const { windows, keys, heads, width, extended, dim } = this.#sizes;
		const row = heads * extended;
		const list = scratch.indices;
		list.data.set(places);
		scratch.rows.data.set(fresh.queries);
		kernel.copyRows(...[scratch.rows.at, row, 0, this.#at.queries, row, 0, row, 1, list.at, fresh.count, 1]);
		let cells = places;
		if (this.#cells) {
			this.#cells.put('keys', fresh.keys, fresh.count);
			this.#cells.put('values', fresh.values, fresh.count);
			cells = fresh.first ? upTo(windows * keys) : this.#cells.touched(places, fresh.count);
			this.#cells.means('keys', cells);
		} else {
			scratch.rows.data.set(fresh.keys);
		}
		const { length } = cells;
		kernel.copyRows(
			...[scratch.rows.at, dim, width, this.#at.keys, row, extended, width, heads, list.at, length, 1],
		);
		if (this.#cells) this.#cells.means('values', cells);
		else scratch.rows.data.set(fresh.values);
		kernel.copyRows(...[scratch.rows.at, dim, 0, this.#at.values, dim, 0, dim, 1, list.at, length, 1]);
		this.touched = cells;
	}

	/** Runs the graph for `some` windows and puts their mixed tokens in place. */
	async #attend(some: Int32Array): Promise<void> {
		const { kernel, scratch, packing } = this.#memory;
		const { windows, places, keys, heads, extended, dim, tokens } = this.#sizes;
		const { length } = some;
		let room = 0;
		const of = (part: Part, n: number, width: number) => {
			const { data } = this.#array(part);
			const shape = [length, n, width];
			if (length === windows) return float32(data, shape);
			const packed = packing.data.subarray(room, room + length * n * width);
			room += packed.length;
			some.forEach((window, i) => {
				packed.set(data.subarray(window * n * width, (window + 1) * n * width), i * n * width);
			});
			return float32(packed, shape);
		};
		const outputs = await this.#session.run(
			{
				queries: of('queries', places, heads * extended),
				keys: of('keys', keys, heads * extended),
				values: of('values', keys, dim),
			},
			['mixed'],
		);
		const mixed = numbers(outputs, 'mixed');
		if (length * places === tokens && windows === 1) {
			this.#memory.array(this.mixed, tokens * dim).data.set(mixed);
			return;
		}
		scratch.rows.data.set(mixed);
		some.forEach((window, i) => {
			scratch.indices.data.set(this.#tokenAt.subarray(window * places, (window + 1) * places), i * places);
		});
		const list = scratch.indices.at;
		kernel.copyRows(...[scratch.rows.at, dim, 0, this.mixed, dim, 0, dim, 1, list, length * places, 1]);
	}

	#array(part: Part): Block {
		const { windows, places, keys, heads, extended, dim } = this.#sizes;
		const row = part === 'values' ? dim : heads * extended;
		return this.#memory.array(this.#at[part], windows * (part === 'queries' ? places : keys) * row);
	}
}

type Part = 'queries' | 'keys' | 'values';
