import { assert } from '../../domain/errors.ts';
import type { GraphRuntime, GraphSession, GraphTensor } from '../../graph/graph-session.ts';
import { keyExtent, keyOnes } from '../../vit/grid-attention.ts';
import { float32, numbers } from '../full-graph.ts';
import {
	type AttentionSizes,
	attentionSizes,
	type BlockAttention,
	type Projected,
	upTo,
} from './attention.ts';
import type { BlockSource } from './block-graphs.ts';
import type { GateMemory } from './gate-memory.ts';
import { KeyCells } from './key-cells.ts';
import { compileStart, compileUpdate } from './product-graphs.ts';
import type { Remembered } from './remembered.ts';

/** A sum that shrank to less than this share of what it had been has lost digits, and is made anew. */
const LEAST_SHARE = 1 / 8;
/** Sums that no change reaches are made anew too, a few in every frame, all within so many, so that rounding doesn't add up. */
const RENEWAL_FRAMES = 64;

/** How the product of attention and values is kept; see `BlockMethod`. */
type Kind = { product: 'delta' | 'exact'; half: boolean };

/**
 * Attention over all tokens that is kept up to date by what selected keys change; see product-graphs.ts. Remembered
 * head by head: queries [heads, tokens, extended], keys [heads, keys, extended], values [heads, keys, headDim].
 */
export class RunningAttention implements BlockAttention {
	touched: Int32Array = new Int32Array(0);
	readonly mixed: number;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #graphs: { start: GraphSession; update: GraphSession };
	readonly #kind: Kind;
	readonly #sizes: AttentionSizes;
	readonly #at: { queries: number; keys: number; values: number };
	readonly #cells: KeyCells | null;
	/** [heads, tokens]: of every query, in turn the largest logit, the sum of exponentials, and the largest that it was. */
	readonly #tops: Float32Array;
	readonly #sums: Float32Array;
	readonly #peaks: Float32Array;
	/** delta: shares [heads, keys, tokens] as each key's last update left them; exact: numerators [heads, tokens, headDim]. */
	readonly #kept: Float32Array;
	/** Which queries are renewed next, of all in turn. */
	readonly #turn = new Int32Array(1);

	private constructor(
		source: BlockSource,
		memory: GateMemory,
		graphs: { start: GraphSession; update: GraphSession },
		kind: Kind,
	) {
		const sizes = attentionSizes(source);
		const { keys, extended, width, dim, heads, tokens } = sizes;
		const { pool } = source.block;
		this.#source = source;
		this.#memory = memory;
		this.#graphs = graphs;
		this.#kind = kind;
		this.#sizes = sizes;
		this.#at = {
			queries: memory.reserve(heads * tokens * extended),
			keys: memory.reserve(heads * keys * extended),
			values: memory.reserve(heads * keys * width),
		};
		this.mixed = memory.reserve(tokens * dim);
		this.#cells = pool && new KeyCells(source, pool, memory);
		this.#tops = new Float32Array(heads * tokens);
		this.#sums = new Float32Array(heads * tokens);
		this.#peaks = new Float32Array(heads * tokens);
		this.#kept = new Float32Array(heads * tokens * (kind.product === 'delta' ? keys : width));
	}

	static async load(source: BlockSource, memory: GateMemory, runtime: GraphRuntime, kind: Kind) {
		const sizes = attentionSizes(source);
		const [start, update] = [compileStart(source, sizes, kind), compileUpdate(source, sizes, kind)];
		return new RunningAttention(
			source,
			memory,
			{
				start: await runtime.load(start.bytes, start.name),
				update: await runtime.load(update.bytes, update.name),
			},
			kind,
		);
	}

	prepare(): void {
		const { keys, heads, width, extended } = this.#sizes;
		const { plan, block } = this.#source;
		if (!block.relative) return;
		const all = this.#keys().data;
		const ones = keyOnes(keyExtent(plan, block)); // [keys, extended − width]
		const more = extended - width;
		for (let i = 0; i < heads * keys; i++) {
			all.set(ones.subarray((i % keys) * more, ((i % keys) + 1) * more), i * extended + width);
		}
	}

	async update(fresh: Projected): Promise<number> {
		const { keys } = this.#sizes;
		if (fresh.count === 0) {
			this.touched = new Int32Array(0);
			return 0;
		}
		this.#rememberQueries(fresh);
		const cells = this.#rememberPlaces(fresh);
		this.touched = cells;
		if (fresh.first || cells.length === keys) {
			// All shares and all values enter: there is nothing old in the product.
			this.#rememberKeys(fresh, cells);
			return this.#start();
		}
		if (cells.length === 0) return 0; // selected tokens that no cell of keys holds
		const room = this.#rooms(cells.length);
		this.#gather('keys', cells, room.staleKeys);
		this.#gather('values', cells, room.staleValues);
		this.#rememberKeys(fresh, cells);
		this.#gather('keys', cells, room.freshKeys);
		this.#gather('values', cells, room.freshValues);
		return this.#change(fresh, cells, room);
	}

	remembered(): Remembered {
		const { tokens, dim, heads, extended, keys, width } = this.#sizes;
		const { memory, at } = { memory: this.#memory, at: this.#at };
		return {
			queries: memory.array(at.queries, heads * tokens * extended).data,
			keys: this.#keys().data,
			values: memory.array(at.values, heads * keys * width).data,
			mixed: memory.array(this.mixed, tokens * dim).data,
			...this.#cells?.remembered(),
			tops: this.#tops,
			sums: this.#sums,
			peaks: this.#peaks,
			kept: this.#kept,
			turn: this.#turn,
		};
	}

	async release(): Promise<void> {
		await this.#graphs.start.release();
		await this.#graphs.update.release();
	}

	#keys() {
		const { heads, keys, extended } = this.#sizes;
		return this.#memory.array(this.#at.keys, heads * keys * extended);
	}

	#rememberQueries({ queries, indices, count }: Projected): void {
		const { kernel, scratch } = this.#memory;
		const { tokens, heads, extended } = this.#sizes;
		scratch.indices.data.set(indices.subarray(0, count));
		scratch.rows.data.set(queries);
		kernel.copyRows(
			...[scratch.rows.at, heads * extended, extended, this.#at.queries, extended, tokens * extended],
			...[extended, heads, scratch.indices.at, count, 1],
		);
	}

	/** Which keys the selected tokens make up; remembers what these are means of, where they are pooled. */
	#rememberPlaces({ indices, count, first, keys, values }: Projected): Int32Array {
		if (!this.#cells) return indices.slice(0, count);
		this.#cells.put('keys', keys, count);
		this.#cells.put('values', values, count);
		return first ? upTo(this.#sizes.keys) : this.#cells.touched(indices, count);
	}

	#rememberKeys(fresh: Projected, cells: Int32Array): void {
		for (const part of ['keys', 'values'] as const) {
			const { scratch, kernel } = this.#memory;
			const { dim, heads, width, keys, extended } = this.#sizes;
			if (this.#cells) this.#cells.means(part, cells);
			else scratch.rows.data.set(fresh[part]);
			scratch.indices.data.set(cells);
			const row = part === 'keys' ? extended : width;
			kernel.copyRows(
				...[scratch.rows.at, dim, width, this.#at[part], row, keys * row, width, heads],
				...[scratch.indices.at, cells.length, 1],
			);
		}
	}

	/** Copies keys or values of `cells` to `packed` [heads, cells, row]. */
	#gather(part: 'keys' | 'values', cells: Int32Array, packed: number): void {
		const { scratch, kernel } = this.#memory;
		const { heads, width, keys, extended } = this.#sizes;
		const row = part === 'keys' ? extended : width;
		scratch.indices.data.set(cells);
		kernel.copyRows(
			...[packed, row, cells.length * row, this.#at[part], row, keys * row, row, heads],
			...[scratch.indices.at, cells.length, 0],
		);
	}

	async #start(): Promise<number> {
		const exact = this.#kind.product === 'exact';
		const kept = exact ? 'numerators' : 'attention';
		const outputs = await this.#graphs.start.run(this.#projections(), ['tops', 'sums', 'mixed', kept]);
		this.#tops.set(numbers(outputs, 'tops'));
		this.#sums.set(numbers(outputs, 'sums'));
		this.#peaks.set(this.#sums);
		this.#kept.set(numbers(outputs, kept));
		this.#setMixed(numbers(outputs, 'mixed'));
		return 0;
	}

	async #change(fresh: Projected, cells: Int32Array, room: Rooms): Promise<number> {
		const { heads, tokens, extended, width, dim } = this.#sizes;
		const { length } = cells;
		const { memory } = { memory: this.#memory };
		const exact = this.#kind.product === 'exact';
		const packed = (at: number, row: number) =>
			float32(memory.array(at, heads * length * row).data, [heads, length, row]);
		const perQuery = (data: Float32Array) => float32(data, [heads, tokens]);
		const feeds: Record<string, GraphTensor> = {
			...this.#projections(exact),
			'keys.fresh': packed(room.freshKeys, extended),
			'keys.stale': packed(room.staleKeys, extended),
			'values.fresh': packed(room.freshValues, width),
			'values.stale': packed(room.staleValues, width),
			'tops.before': perQuery(this.#tops),
			'sums.before': perQuery(this.#sums),
			'peaks.before': perQuery(this.#peaks),
		};
		if (exact) feeds['numerators.before'] = float32(this.#kept, [heads, tokens, width]);
		else feeds['attention.stale'] = float32(this.#keptColumns(cells), [heads, length, tokens]);
		if (this.#kind.half)
			feeds['mixed.before'] = float32(memory.array(this.mixed, tokens * dim).data, [tokens, dim]);
		const whole = exact || this.#kind.half;
		const result = whole ? 'mixed' : 'change';
		const wanted = ['tops', 'sums', 'peaks', exact ? 'numerators' : 'attention', result];

		const renewed = this.#renewed(fresh);
		let outputs = await this.#graphs.update.run({ ...feeds, ...this.#renewal(renewed) }, wanted);
		const worn = this.#worn(outputs, renewed);
		if (worn.size > renewed.size) {
			outputs = await this.#graphs.update.run({ ...feeds, ...this.#renewal(worn) }, wanted);
		}
		this.#tops.set(numbers(outputs, 'tops'));
		this.#sums.set(numbers(outputs, 'sums'));
		this.#peaks.set(numbers(outputs, 'peaks'));
		if (exact) this.#kept.set(numbers(outputs, 'numerators'));
		else this.#keepColumns(cells, numbers(outputs, 'attention'));
		const values = numbers(outputs, result);
		if (whole) {
			this.#setMixed(values);
			return 0;
		}
		memory.scratch.rows.data.set(values);
		return memory.scratch.rows.at;
	}

	/** Queries whose sums are made anew: the changed ones, and some of the others in turn. */
	#renewed({ indices, count }: Projected): Set<number> {
		const { tokens } = this.#sizes;
		const renewed = new Set(indices.subarray(0, count));
		for (let i = 0; i < Math.ceil(tokens / RENEWAL_FRAMES); i++) {
			renewed.add(this.#turn[0]!);
			this.#turn[0] = (this.#turn[0]! + 1) % tokens;
		}
		return renewed;
	}

	/** Those, and the queries whose sums have lost digits by the update. */
	#worn(outputs: Readonly<Record<string, GraphTensor>>, renewed: Set<number>): Set<number> {
		const { tokens } = this.#sizes;
		const [sums, peaks] = [numbers(outputs, 'sums'), numbers(outputs, 'peaks')];
		const worn = new Set(renewed);
		for (let i = 0; i < sums.length; i++) {
			// Written so that a NaN is worn too.
			if (!(sums[i]! >= LEAST_SHARE * peaks[i]!)) worn.add(i % tokens);
		}
		return worn;
	}

	#renewal(queries: Set<number>): Record<string, GraphTensor> {
		const { heads } = this.#sizes;
		const list = Int32Array.from(queries);
		const slots = new BigInt64Array(2 * heads * list.length);
		for (let head = 0; head < heads; head++) {
			for (let i = 0; i < list.length; i++) {
				slots[2 * (head * list.length + i)] = BigInt(head);
				slots[2 * (head * list.length + i) + 1] = BigInt(list[i]!);
			}
		}
		return {
			renewed: { type: 'int32', data: list, shape: [list.length] },
			slots: { type: 'int64', data: slots, shape: [heads, list.length, 2] },
		};
	}

	#projections(withValues = true): Record<string, GraphTensor> {
		const { heads, tokens, keys, extended, width } = this.#sizes;
		const { memory, at } = { memory: this.#memory, at: this.#at };
		const queries = memory.array(at.queries, heads * tokens * extended).data;
		const values = memory.array(at.values, heads * keys * width).data;
		return {
			queries: float32(queries, [heads, tokens, extended]),
			keys: float32(this.#keys().data, [heads, keys, extended]),
			...(withValues ? { values: float32(values, [heads, keys, width]) } : {}),
		};
	}

	/** The kept shares of `cells`: [heads, cells, tokens]. */
	#keptColumns(cells: Int32Array): Float32Array {
		const { heads, keys, tokens } = this.#sizes;
		const columns = new Float32Array(heads * cells.length * tokens);
		for (let head = 0; head < heads; head++) {
			for (let i = 0; i < cells.length; i++) {
				const from = (head * keys + cells[i]!) * tokens;
				columns.set(this.#kept.subarray(from, from + tokens), (head * cells.length + i) * tokens);
			}
		}
		return columns;
	}

	#keepColumns(cells: Int32Array, columns: Float32Array): void {
		const { heads, keys, tokens } = this.#sizes;
		for (let head = 0; head < heads; head++) {
			for (let i = 0; i < cells.length; i++) {
				const from = (head * cells.length + i) * tokens;
				this.#kept.set(columns.subarray(from, from + tokens), (head * keys + cells[i]!) * tokens);
			}
		}
	}

	#setMixed(mixed: Float32Array): void {
		this.#memory.array(this.mixed, mixed.length).data.set(mixed);
	}

	/** Room for stale and fresh keys and values of some cells, in the shared packing room. */
	#rooms(cells: number): Rooms {
		const { heads, extended, width } = this.#sizes;
		const { at, data } = this.#memory.packing;
		const [keys, values] = [heads * cells * extended, heads * cells * width];
		assert(2 * (keys + values) <= data.length, 'the packing room holds stale and fresh keys and values');
		const from = (floats: number) => at + 4 * floats;
		return {
			staleKeys: from(0),
			freshKeys: from(keys),
			staleValues: from(2 * keys),
			freshValues: from(2 * keys + values),
		};
	}
}

/** Addresses in the gates' memory. */
type Rooms = { staleKeys: number; freshKeys: number; staleValues: number; freshValues: number };
