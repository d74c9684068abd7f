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
import { compileRenewal, compileStart, compileUpdate } from './product-graphs.ts';
import type { Remembered } from './remembered.ts';

/** A sum that shrank to less than this share of what it had been has lost digits, and is made anew. */
const LEAST_SHARE = 1 / 8;
/** One that grew by more is near the end of what single precision holds. */
const MOST_GROWTH = 1e30;
/** Sums that nothing touches are made anew too, a few in every frame, all within so many, so that rounding can't add up. */
const RENEWAL_FRAMES = 256;

/** How the product of attention and values is kept; see `BlockMethod`. */
type Kind = { product: 'delta' | 'exact'; half: boolean };
type Graphs = { renewal: GraphSession; update: GraphSession; start: GraphSession | null };

/**
 * Attention over all tokens that is kept up to date by what selected keys change; see product-graphs.ts. Remembered
 * head by head: queries [heads, tokens, row], keys [heads, keys, row], values [heads, keys, headDim].
 */
export class RunningAttention implements BlockAttention {
	touched: Int32Array = new Int32Array(0);
	readonly mixed: number;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #graphs: Graphs;
	readonly #kind: Kind;
	readonly #sizes: AttentionSizes & { row: number };
	readonly #at: { queries: number; keys: number; values: number };
	readonly #cells: KeyCells | null;
	/** [heads, tokens]: how many times its present size a query's sum has been since it was made anew, at most. */
	readonly #wear: Float32Array;
	/** delta: shares [heads, keys, tokens], as each key's last update left them; exact: nothing. */
	readonly #kept: Float32Array;
	/** Which query is renewed next, of all in turn. */
	readonly #turn = new Int32Array(1);

	private constructor(source: BlockSource, memory: GateMemory, graphs: Graphs, kind: Kind) {
		const sizes = sizesOf(source);
		const { keys, row, width, dim, heads, tokens } = sizes;
		const { pool } = source.block;
		this.#source = source;
		this.#memory = memory;
		this.#graphs = graphs;
		this.#kind = kind;
		this.#sizes = sizes;
		this.#at = {
			queries: memory.reserve(heads * tokens * row),
			keys: memory.reserve(heads * keys * row),
			values: memory.reserve(heads * keys * width),
		};
		this.mixed = memory.reserve(tokens * dim);
		this.#cells = pool && new KeyCells(source, pool, memory);
		this.#wear = new Float32Array(heads * tokens);
		this.#kept = new Float32Array(kind.product === 'delta' ? heads * keys * tokens : 0);
	}

	static async load(source: BlockSource, memory: GateMemory, runtime: GraphRuntime, kind: Kind) {
		const sizes = sizesOf(source);
		const load = ({ name, bytes }: { name: string; bytes: Uint8Array }) => runtime.load(bytes, name);
		const graphs = {
			renewal: await load(compileRenewal(source, sizes, kind)),
			update: await load(compileUpdate(source, sizes, kind)),
			start: kind.product === 'delta' ? await load(compileStart(source, sizes, kind)) : null,
		};
		return new RunningAttention(source, memory, graphs, kind);
	}

	prepare(): void {
		const { keys, heads, width, extended, row } = this.#sizes;
		const { plan, block } = this.#source;
		const all = this.#array('keys').data;
		const ones = block.relative ? keyOnes(keyExtent(plan, block)) : new Float32Array(0); // [keys, extended − width]
		const more = extended - width;
		for (let i = 0; i < heads * keys; i++) {
			all.set(ones.subarray((i % keys) * more, ((i % keys) + 1) * more), i * row + width);
			all[i * row + extended] = 1;
		}
	}

	async update(fresh: Projected): Promise<number> {
		if (fresh.count === 0) {
			this.touched = new Int32Array(0);
			return 0;
		}
		this.#rememberQueries(fresh);
		const cells = this.#rememberPlaces(fresh);
		this.touched = cells;
		if (fresh.first || cells.length === this.#sizes.keys) {
			// All shares and all values enter: there is nothing old in the product.
			this.#rememberKeys(fresh, cells);
			await this.#start();
			return 0;
		}
		if (cells.length === 0) return 0; // selected tokens that no cell of keys holds
		const room = this.#rooms(cells.length);
		// Of each head the fresh keys before the stale ones.
		const { row } = this.#sizes;
		this.#gather('keys', cells, room.keys + 4 * cells.length * row, 2);
		this.#gather('values', cells, room.staleValues);
		this.#rememberKeys(fresh, cells);
		this.#gather('keys', cells, room.keys, 2);
		this.#gather('values', cells, room.freshValues);
		return this.#change(fresh, cells, room);
	}

	remembered(): Remembered {
		const { tokens, dim } = this.#sizes;
		return {
			queries: this.#array('queries').data,
			keys: this.#array('keys').data,
			values: this.#array('values').data,
			mixed: this.#memory.array(this.mixed, tokens * dim).data,
			...this.#cells?.remembered(),
			wear: this.#wear,
			kept: this.#kept,
			turn: this.#turn,
		};
	}

	async release(): Promise<void> {
		await this.#graphs.renewal.release();
		await this.#graphs.update.release();
		await this.#graphs.start?.release();
	}

	#rememberQueries({ queries, indices, count }: Projected): void {
		const { kernel, scratch } = this.#memory;
		const { tokens, heads, extended, row } = this.#sizes;
		scratch.indices.data.set(indices.subarray(0, count));
		scratch.rows.data.set(queries);
		kernel.copyRows(
			...[scratch.rows.at, heads * extended, extended, this.#at.queries, row, tokens * row],
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
		const { scratch, kernel } = this.#memory;
		const { dim, heads, width, keys, row } = this.#sizes;
		for (const part of ['keys', 'values'] as const) {
			if (this.#cells) this.#cells.means(part, cells);
			else scratch.rows.data.set(fresh[part]);
			scratch.indices.data.set(cells);
			const size = part === 'keys' ? row : width;
			kernel.copyRows(
				...[scratch.rows.at, dim, width, this.#at[part], size, keys * size, width, heads],
				...[scratch.indices.at, cells.length, 1],
			);
		}
	}

	/** Copies the rows of `list` to `packed` [heads, list, row]; heads lie `apart` times as far from each other. */
	#gather(part: Part, list: Int32Array, packed: number, apart = 1): void {
		const { scratch, kernel } = this.#memory;
		const { heads, tokens, width, keys, row } = this.#sizes;
		const [size, all] = [part === 'values' ? width : row, part === 'queries' ? tokens : keys];
		scratch.indices.data.set(list);
		kernel.copyRows(
			...[packed, size, apart * list.length * size, this.#at[part], size, all * size, size, heads],
			...[scratch.indices.at, list.length, 0],
		);
	}

	async #start(): Promise<void> {
		const { heads, tokens, row, extended } = this.#sizes;
		const all = this.#array('queries').data;
		for (let i = 0; i < heads * tokens; i++) all[i * row + extended] = 0;
		this.#turn[0] = 0;
		if (!this.#graphs.start) {
			await this.#renew(upTo(tokens));
			return;
		}
		const feeds = {
			queries: this.#tensor('queries'),
			keys: this.#tensor('keys'),
			values: this.#tensor('values'),
		};
		const outputs = await this.#graphs.start.run(feeds, ['correction', 'attention', 'mixed']);
		this.#correct(upTo(tokens), numbers(outputs, 'correction'));
		this.#kept.set(numbers(outputs, 'attention'));
		this.#setMixed(numbers(outputs, 'mixed'));
	}

	/** Makes the log sums of queries anew; exact: what they attend to as well. */
	async #renew(queries: Int32Array): Promise<void> {
		const { heads, row, dim } = this.#sizes;
		const { length } = queries;
		const exact = this.#kind.product === 'exact';
		const { at } = this.#memory.renewing;
		this.#gather('queries', queries, at);
		const rows = this.#memory.array(at, heads * length * row).data;
		const outputs = await this.#graphs.renewal.run(
			{
				queries: float32(rows, [heads, length, row]),
				keys: this.#tensor('keys'),
				...(exact ? { values: this.#tensor('values') } : {}),
			},
			exact ? ['correction', 'mixed'] : ['correction'],
		);
		this.#correct(queries, numbers(outputs, 'correction'));
		if (!exact) return;
		const { scratch, kernel } = this.#memory;
		scratch.rows.data.set(numbers(outputs, 'mixed'));
		scratch.indices.data.set(queries);
		kernel.copyRows(...[scratch.rows.at, dim, 0, this.mixed, dim, 0, dim, 1, scratch.indices.at, length, 1]);
	}

	/** Adds `correction` [heads, queries] to the log sums of queries, which are as good as new then. */
	#correct(queries: Int32Array, correction: Float32Array): void {
		const { heads, tokens, extended, row } = this.#sizes;
		const all = this.#array('queries').data;
		for (let head = 0; head < heads; head++) {
			for (let i = 0; i < queries.length; i++) {
				const query = head * tokens + queries[i]!;
				all[query * row + extended]! -= correction[head * queries.length + i]!;
				this.#wear[query] = 1;
			}
		}
	}

	async #change(fresh: Projected, cells: Int32Array, room: Rooms): Promise<number> {
		const { heads, tokens, row, width, dim } = this.#sizes;
		const memory = this.#memory;
		const { length } = cells;
		const exact = this.#kind.product === 'exact';
		const packed = (at: number, rows: number, size: number) =>
			float32(memory.array(at, heads * rows * size).data, [heads, rows, size]);
		const whole = exact || this.#kind.half;
		const mixed = memory.array(this.mixed, tokens * dim).data;
		const feeds: Record<string, GraphTensor> = {
			queries: this.#tensor('queries'),
			keys: packed(room.keys, 2 * length, row),
			'values.fresh': packed(room.freshValues, length, width),
			'values.stale': packed(room.staleValues, length, width),
			...(exact ? {} : { 'attention.stale': float32(this.#keptColumns(cells), [heads, length, tokens]) }),
			...(whole ? { 'mixed.before': float32(mixed.slice(), [tokens, dim]) } : {}),
		};
		const result = whole ? 'mixed' : 'change';
		const rows = memory.scratch.rows.data.subarray(0, tokens * dim);
		const wanted = ['grown', 'ratio', ...(exact ? [] : ['attention'])];
		const steady = new Int32Array(tokens).fill(1);
		feeds['steady'] = { type: 'int32', data: steady, shape: [1, 1, tokens] };

		let renewed = this.#due(fresh);
		let outputs: Record<string, GraphTensor>;
		do {
			await this.#renew(renewed);
			for (const query of renewed) steady[query] = 0;
			outputs = await this.#graphs.update.run(feeds, wanted, { [result]: float32(rows, [tokens, dim]) });
			renewed = this.#worn(outputs, steady);
		} while (renewed.length > 0);

		this.#shift(outputs, steady);
		if (exact) {
			this.#setSteady(rows, steady);
			return 0;
		}
		this.#keepColumns(cells, numbers(outputs, 'attention'));
		if (!whole) return memory.scratch.rows.at;
		this.#setMixed(rows);
		return 0;
	}

	/** Queries whose sums are made anew: the changed ones, and some of the others in turn. */
	#due({ indices, count }: Projected): Int32Array {
		const { tokens } = this.#sizes;
		const due = new Set(indices.subarray(0, count));
		for (let i = 0; i < Math.ceil(tokens / RENEWAL_FRAMES); i++) {
			due.add(this.#turn[0]!);
			this.#turn[0] = (this.#turn[0]! + 1) % tokens;
		}
		return Int32Array.from(due);
	}

	/** Steady queries whose sums have lost digits by the update; see LEAST_SHARE. */
	#worn(outputs: Readonly<Record<string, GraphTensor>>, steady: Int32Array): Int32Array {
		const { tokens } = this.#sizes;
		const [grown, ratio] = [numbers(outputs, 'grown'), numbers(outputs, 'ratio')];
		const worn = new Set<number>();
		for (let i = 0; i < ratio.length; i++) {
			const most = Math.max(this.#wear[i]!, grown[i]!);
			// What is not a number is not sound either.
			const sound = ratio[i]! >= LEAST_SHARE * most && most < MOST_GROWTH;
			if (steady[i % tokens] === 1 && !sound) worn.add(i % tokens);
		}
		return Int32Array.from(worn);
	}

	/** Moves the log sums of steady queries by what their sums changed. */
	#shift(outputs: Readonly<Record<string, GraphTensor>>, steady: Int32Array): void {
		const { tokens, extended, row } = this.#sizes;
		const [grown, ratio] = [numbers(outputs, 'grown'), numbers(outputs, 'ratio')];
		const all = this.#array('queries').data;
		for (let i = 0; i < ratio.length; i++) {
			if (steady[i % tokens] === 0) continue;
			all[i * row + extended]! -= Math.log(ratio[i]!);
			this.#wear[i] = Math.max(this.#wear[i]!, grown[i]!) / ratio[i]!;
		}
	}

	#array(part: Part) {
		const { heads, tokens, keys, row, width } = this.#sizes;
		const [size, all] = [part === 'values' ? width : row, part === 'queries' ? tokens : keys];
		return this.#memory.array(this.#at[part], heads * all * size);
	}

	#tensor(part: Part): GraphTensor {
		const { heads, tokens, keys, row, width } = this.#sizes;
		const [size, all] = [part === 'values' ? width : row, part === 'queries' ? tokens : keys];
		return float32(this.#array(part).data, [heads, all, size]);
	}

	/** The kept shares of `cells`: [heads, cells, tokens], in room that is used again. */
	#keptColumns(cells: Int32Array): Float32Array {
		const { heads, keys, tokens } = this.#sizes;
		const columns = this.#memory.columns(heads * cells.length * tokens);
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

	/** Takes the mixed tokens of steady queries; those of renewed ones are in place. */
	#setSteady(mixed: Float32Array, steady: Int32Array): void {
		const { tokens, dim } = this.#sizes;
		const { data } = this.#memory.array(this.mixed, tokens * dim);
		for (let token = 0; token < tokens; token++) {
			if (steady[token] === 1) data.set(mixed.subarray(token * dim, (token + 1) * dim), token * dim);
		}
	}

	/** Room for stale and fresh keys and values of some cells, in the shared packing room. */
	#rooms(cells: number): Rooms {
		const { heads, row, width } = this.#sizes;
		const { at, data } = this.#memory.packing;
		const [keys, values] = [heads * cells * row, heads * cells * width];
		assert(2 * (keys + values) <= data.length, 'the packing room holds stale and fresh keys and values');
		const from = (floats: number) => at + 4 * floats;
		return {
			keys: from(0),
			staleValues: from(2 * keys),
			freshValues: from(2 * keys + values),
		};
	}
}

type Part = 'queries' | 'keys' | 'values';

/** A row is a head's width, its relative terms, and the column of log sums; see product-graphs.ts. */
function sizesOf(source: BlockSource) {
	const sizes = attentionSizes(source);
	return { ...sizes, row: sizes.extended + 1 };
}

/** Addresses in the gates' memory. */
type Rooms = { keys: number; staleValues: number; freshValues: number };
