import { assert } from '../../domain/errors.ts';
import type { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { keyExtent, keyOnes } from '../../vit/grid-attention.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { type AttentionSizes, attentionSizes, type Lanes, upTo } from './attention.ts';
import type { BlockAttention, Projected } from './block-attention.ts';
import type { BlockSource } from './block-graphs.ts';
import type { GateMemory } from './gate-memory.ts';
import { KeptShares } from './kept-shares.ts';
import { KeyCells } from './key-cells.ts';
import { compileRenewal, compileStart, compileUpdate, type ProductKind } from './product-graphs.ts';
import { MixedTokens } from './mixed-tokens.ts';
import type { Remembered } from './remembered.ts';
import type { SharedGraphs } from './shared-graphs.ts';

/** A sum that shrank to less than this share of what it had been has lost digits, and is made anew. */
const LEAST_SHARE = 1 / 8;
/** One that grew by more is near the end of what single precision holds. */
const MOST_GROWTH = 1e30;
/** Sums that nothing touches are made anew too, a few in every frame, all within so many, so that rounding can't add up. */
const RENEWAL_FRAMES = 256;
/** Numbers that a graph may hold at once, in each of its steps: four megabytes, about what two cores have to themselves. */
const CACHED_FLOATS = 2 ** 20;

type Graphs = { renewal: LoadedGraph; update: LoadedGraph; start: LoadedGraph | null };

/**
 * Attention over all tokens that is kept up to date by what selected keys change; see product-graphs.ts. Remembered
 * head by head: queries [heads, tokens, row], keys [heads, keys, row], values [heads, keys, headDim].
 */
export class RunningAttention implements BlockAttention {
	touched: Int32Array = new Int32Array(0);
	readonly mixed: MixedTokens;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #graphs: Graphs;
	readonly #kind: ProductKind;
	readonly #sizes: AttentionSizes & { row: number };
	readonly #at: { queries: number; keys: number; values: number };
	readonly #cells: KeyCells | null;
	/** [heads, tokens]: how many times its present size a query's sum has been since it was made anew, at most. */
	readonly #wear: Float32Array;
	/** Null where the product is exact. */
	readonly #kept: KeptShares | null;
	/** Which query is renewed next, of all in turn. */
	readonly #turn = new Int32Array(1);

	private constructor(source: BlockSource, memory: GateMemory, graphs: Graphs, kind: ProductKind) {
		const sizes = sizesOf(source);
		const { keys, row, width, heads, tokens } = sizes;
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
		this.mixed = new MixedTokens(source, sizes, memory);
		this.#cells = pool && new KeyCells(source, pool, memory);
		this.#wear = new Float32Array(heads * tokens);
		this.#kept = kind.product === 'delta' ? new KeptShares(sizes, memory) : null;
	}

	static async load(source: BlockSource, memory: GateMemory, shared: SharedGraphs, kind: ProductKind) {
		const { tokens, keys, row, width } = sizesOf(source);
		const sizes = { tokens, keys, row, width, ...kind };
		const graphs = {
			renewal: await shared.load('renewal', sizes, (of) => compileRenewal(of, of)),
			update: await shared.load('update', sizes, (of) => compileUpdate(of, of)),
			start:
				kind.product === 'delta' ? await shared.load('start', sizes, (of) => compileStart(of, of)) : null,
		};
		return new RunningAttention(source, memory, graphs, kind);
	}

	prepare(): void {
		this.mixed.prepare();
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

	async update(fresh: Projected): Promise<void> {
		if (fresh.count === 0) {
			this.touched = new Int32Array(0);
			return;
		}
		this.#rememberQueries(fresh);
		const cells = this.#rememberPlaces(fresh);
		this.touched = cells;
		if (fresh.first || cells.length === this.#sizes.keys) {
			// All shares and all values enter: there is nothing old in the product.
			this.#rememberKeys(fresh, cells);
			return this.#start();
		}
		if (cells.length === 0) return; // selected tokens that no cell of keys holds
		const room = this.#rooms(cells.length);
		// Of each head the fresh keys before the stale ones.
		const { row } = this.#sizes;
		this.#gather('keys', cells, room.keys + 4 * cells.length * row, 2);
		this.#gather('values', cells, room.staleValues);
		this.#rememberKeys(fresh, cells);
		this.#gather('keys', cells, room.keys, 2);
		this.#gather('values', cells, room.freshValues);
		await this.#change(this.#due(fresh), cells, room);
	}

	remembered(): Remembered {
		return {
			queries: this.#array('queries').data,
			keys: this.#array('keys').data,
			values: this.#array('values').data,
			mixed: this.mixed.data,
			...this.#cells?.remembered(),
			wear: this.#wear,
			...(this.#kept && { kept: this.#kept.data }),
			turn: this.#turn,
		};
	}

	#rememberQueries({ queries, indices, count }: Projected): void {
		const { kernel, scratch } = this.#memory;
		const { tokens, heads, extended, row } = this.#sizes;
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
			outward: true,
		});
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
			const from = this.#cells ? this.#cells.means(part, cells) : fresh[part];
			scratch.indices.data.set(cells);
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
				count: cells.length,
				outward: true,
			});
		}
	}

	/** Copies the rows of `list` to `packed` [heads, list, row]; heads lie `apart` times as far from each other. */
	#gather(part: Part, list: Int32Array, packed: number, apart = 1, lanes = this.#all): void {
		const { scratch, kernel } = this.#memory;
		const { tokens, width, keys, row } = this.#sizes;
		const [size, all] = [part === 'values' ? width : row, part === 'queries' ? tokens : keys];
		scratch.indices.data.set(list);
		kernel.copyRows({
			packed,
			packedRow: size,
			packedHead: apart * list.length * size,
			sparse: this.#at[part] + 4 * lanes.first * all * size,
			sparseRow: size,
			sparseHead: all * size,
			width: size,
			heads: lanes.count,
			indices: scratch.indices.at,
			count: list.length,
			outward: false,
		});
	}

	async #start(): Promise<void> {
		const { heads, tokens, keys, row, extended } = this.#sizes;
		const { start } = this.#graphs;
		const all = this.#array('queries').data;
		for (let i = 0; i < heads * tokens; i++) all[i * row + extended] = 0;
		this.#turn[0] = 0;
		if (!start) return this.#renew(upTo(tokens));
		for (const lanes of this.#lanes(keys * tokens)) {
			const outputs = await start.run(
				{
					queries: this.#tensor('queries', lanes),
					keys: this.#tensor('keys', lanes),
					values: this.#tensor('values', lanes),
				},
				['correction', 'attention', 'mixed'],
			);
			this.#correct(upTo(tokens), floats(outputs, 'correction'), lanes);
			this.#kept?.start(floats(outputs, 'attention'), lanes);
			this.#mixedOf(lanes).set(floats(outputs, 'mixed'));
		}
	}

	/** Makes the log sums of queries anew; exact: what they attend to as well. */
	async #renew(queries: Int32Array, within?: Lanes): Promise<void> {
		const { row, keys, width } = this.#sizes;
		const { length } = queries;
		const exact = this.#kind.product === 'exact';
		const { at } = this.#memory.renewing;
		for (const lanes of within ? [within] : this.#lanes(length * keys)) {
			this.#gather('queries', queries, at, 1, lanes);
			const rows = this.#memory.array(at, lanes.count * length * row).data;
			const outputs = await this.#graphs.renewal.run(
				{
					queries: float32(rows, [lanes.count, length, row]),
					keys: this.#tensor('keys', lanes),
					...(exact ? { values: this.#tensor('values', lanes) } : {}),
				},
				['correction'],
				exact ? { mixed: this.#rowsFor(lanes, length, width) } : {},
			);
			this.#correct(queries, floats(outputs, 'correction'), lanes);
			if (exact) this.#put(queries, lanes);
		}
	}

	/** Adds `correction` [lanes, queries] to the log sums of queries, which are as good as new then. */
	#correct(queries: Int32Array, correction: Float32Array, { first, count }: Lanes): void {
		const { tokens, extended, row } = this.#sizes;
		const all = this.#array('queries').data;
		for (let lane = 0; lane < count; lane++) {
			for (let i = 0; i < queries.length; i++) {
				const query = (first + lane) * tokens + queries[i]!;
				all[query * row + extended]! -= correction[lane * queries.length + i]!;
				this.#wear[query] = 1;
			}
		}
	}

	/** Takes in what the selected keys change, with the sums of the queries `due` made anew. */
	async #change(due: Int32Array, cells: Int32Array, room: Rooms): Promise<void> {
		const { tokens } = this.#sizes;
		await this.#renew(due);
		const exact = this.#kind.product === 'exact';
		for (const lanes of this.#lanes(2 * cells.length * tokens)) {
			const steady = new Int32Array(tokens).fill(1);
			for (const query of due) steady[query] = 0;
			const outputs = await this.#changeLanes(cells, room, lanes, steady);
			// Where the product is exact, what renewed queries attend to is in place already.
			this.#put(exact ? steady.map((is, token) => (is ? token : -1)) : upTo(tokens), lanes);
			this.#shift(outputs, steady, lanes);
			this.#kept?.keep(cells, lanes);
		}
	}

	/**
	 * Runs the update of some heads, mixed tokens to the shared rows; again where sums lost digits by it: `steady` then tells
	 * whose sums did not.
	 */
	async #changeLanes(
		cells: Int32Array,
		room: Rooms,
		lanes: Lanes,
		steady: Int32Array,
	): Promise<Record<string, GraphTensor>> {
		const { tokens, width, row } = this.#sizes;
		const { length } = cells;
		const packed = (at: number, rows: number, size: number) => {
			const { data } = this.#memory.array(at + 4 * lanes.first * rows * size, lanes.count * rows * size);
			return float32(data, [lanes.count, rows, size]);
		};
		for (;;) {
			const feeds: Record<string, GraphTensor> = {
				queries: this.#tensor('queries', lanes),
				keys: packed(room.keys, 2 * length, row),
				'values.fresh': packed(room.freshValues, length, width),
				'values.stale': packed(room.staleValues, length, width),
				steady: { type: 'int32', data: steady, shape: [1, 1, tokens] },
				'mixed.before': float32(this.#mixedOf(lanes), [lanes.count, tokens, width]),
			};
			const into: Record<string, GraphTensor> = { mixed: this.#rowsFor(lanes, tokens, width) };
			if (this.#kept) {
				const { stale, fresh } = this.#kept.exchange(cells, lanes);
				feeds['attention.stale'] = stale;
				into['attention'] = fresh;
			}
			const outputs = await this.#graphs.update.run(feeds, ['grown', 'ratio'], into);
			const worn = this.#worn(outputs, steady, lanes);
			if (worn.length === 0) return outputs;
			await this.#renew(worn, lanes);
			for (const query of worn) steady[query] = 0;
		}
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
	#worn(outputs: Outputs, steady: Int32Array, { first }: Lanes): Int32Array {
		const { tokens } = this.#sizes;
		const [grown, ratio] = [floats(outputs, 'grown'), floats(outputs, 'ratio')];
		const worn = new Set<number>();
		for (let i = 0; i < ratio.length; i++) {
			const most = Math.max(this.#wear[first * tokens + i]!, grown[i]!);
			// What is not a number is not sound either.
			const sound = ratio[i]! >= LEAST_SHARE * most && most < MOST_GROWTH;
			if (steady[i % tokens] === 1 && !sound) worn.add(i % tokens);
		}
		return Int32Array.from(worn);
	}

	/** Moves the log sums of steady queries by what their sums changed. */
	#shift(outputs: Outputs, steady: Int32Array, { first }: Lanes): void {
		const { tokens, extended, row } = this.#sizes;
		const [grown, ratio] = [floats(outputs, 'grown'), floats(outputs, 'ratio')];
		const all = this.#array('queries').data;
		for (let i = 0; i < ratio.length; i++) {
			if (steady[i % tokens] === 0) continue;
			const query = first * tokens + i;
			all[query * row + extended]! -= Math.log(ratio[i]!);
			this.#wear[query] = Math.max(this.#wear[query]!, grown[i]!) / ratio[i]!;
		}
	}

	#array(part: Part) {
		const { heads, tokens, keys, row, width } = this.#sizes;
		const [size, all] = [part === 'values' ? width : row, part === 'queries' ? tokens : keys];
		return this.#memory.array(this.#at[part], heads * all * size);
	}

	#tensor(part: Part, { first, count }: Lanes): GraphTensor {
		const { tokens, keys, row, width } = this.#sizes;
		const [size, all] = [part === 'values' ? width : row, part === 'queries' ? tokens : keys];
		const data = this.#array(part).data.subarray(first * all * size, (first + count) * all * size);
		return float32(data, [count, all, size]);
	}

	get #all(): Lanes {
		return { first: 0, count: this.#sizes.heads };
	}

	/** All heads, as many at once as keep `floats` numbers each in the caches. */
	#lanes(floats: number): Lanes[] {
		const { heads } = this.#sizes;
		const count = Math.min(heads, Math.max(1, Math.floor(CACHED_FLOATS / floats)));
		return Array.from({ length: Math.ceil(heads / count) }, (_, i) => ({
			first: i * count,
			count: Math.min(count, heads - i * count),
		}));
	}

	/** The shared rows as [lanes, rows, width]. */
	#rowsFor({ count }: Lanes, rows: number, width: number): GraphTensor {
		const { data } = this.#memory.scratch.rows;
		return float32(data.subarray(0, count * rows * width), [count, rows, width]);
	}

	/** The mixed tokens of some heads, [lanes, tokens, width]. */
	#mixedOf({ first, count }: Lanes): Float32Array {
		const { apart } = this.mixed;
		return this.mixed.data.subarray(first * apart, (first + count) * apart);
	}

	/** Puts the shared rows [lanes, list, width] over the mixed tokens of `list`, of some heads; −1 is passed over. */
	#put(list: Int32Array, { first, count }: Lanes): void {
		const { scratch, kernel } = this.#memory;
		const { width } = this.#sizes;
		const { at, apart } = this.mixed;
		scratch.indices.data.set(list);
		kernel.copyRows({
			packed: scratch.rows.at,
			packedRow: width,
			packedHead: list.length * width,
			sparse: at + 4 * first * apart,
			sparseRow: width,
			sparseHead: apart,
			width,
			heads: count,
			indices: scratch.indices.at,
			count: list.length,
			outward: true,
		});
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
type Outputs = Readonly<Record<string, GraphTensor>>;

/** A row is a head's width, its relative terms, and the column of log sums; see product-graphs.ts. */
function sizesOf(source: BlockSource) {
	const sizes = attentionSizes(source);
	return { ...sizes, row: sizes.extended + 1 };
}

/** Addresses in the gates' memory. */
type Rooms = { keys: number; staleValues: number; freshValues: number };
