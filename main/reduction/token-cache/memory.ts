import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { headDim, type VitPlan } from '../../vit/plan.ts';
import { float32, numbers } from '../full-graph.ts';
import { gridAnswer } from '../vit-graphs.ts';
import { instantiate, type Kernel } from './token-memory.kernel.ts?wasm';

const PAGE_BYTES = 65536;
/** Where a table begins: the width of a cache line. */
const ALIGNMENT = 64;

/** One thing remembered of every token: `parts` tables after one another, each with `width` numbers a row. */
type Column = { output: string; parts: number; width: number; table: Float32Array };

/**
 * What the token cache remembers of every token: keys and values of every block, head by head, its head outputs and its
 * score. All lies in one WebAssembly memory that graphs read and write in place.
 *
 * Attention does not mind the order of keys. So keys and values stand in slots that tokens change: `arrange` brings the
 * selected tokens to the last ones, where a graph can write their fresh rows one behind the other. Head outputs and
 * scores stand in raster order.
 */
export class TokenMemory {
	/** The plan's answers, [tokens, width]. */
	readonly head: Float32Array;
	/** Scorer logits [tokens]. */
	readonly scores: Float32Array;
	/** Outputs that a full graph must give for `take`. */
	readonly fullOutputs: readonly string[];
	/** Outputs that a partial graph must give for `merge`. */
	readonly partialOutputs: readonly string[];
	/** `keys.i` and `values.i` [heads, 1, tokens, headDim], slots in order: what a partial graph reads. */
	readonly keysAndValues: Readonly<Record<string, GraphTensor>>;
	readonly #columns: { slots: readonly Column[]; raster: readonly Column[] };
	readonly #tokens: number;
	/** Which token stands in a slot, and in which slot a token stands. */
	readonly #tokenAt: Int32Array;
	readonly #slotOf: Int32Array;
	readonly #kernel: Kernel;
	/** Where the kernel finds fresh rows, and which rows to move. */
	readonly #fresh: Float32Array;
	readonly #from: Int32Array;
	readonly #to: Int32Array;

	constructor(plan: VitPlan) {
		const tokens = tokenCount(plan.grid);
		const inSlots = plan.blocks.flatMap((_, i) =>
			[`keys.${i}`, `values.${i}`].map((output) => ({ output, parts: plan.heads, width: headDim(plan) })),
		);
		const inRaster = [
			{ output: 'head', parts: 1, width: gridAnswer(plan).width },
			...(plan.scorer ? [{ output: 'scores', parts: 1, width: 1 }] : []),
		];
		const rowNumbers = [...inSlots, ...inRaster].map(({ parts, width }) => parts * width);
		const freshNumbers = Math.max(...inRaster.map(({ width }) => width));
		const rooms = rowNumbers.length + 4;
		const bytes = 4 * tokens * (rowNumbers.reduce((sum, size) => sum + size) + freshNumbers + 2);
		const memory = new WebAssembly.Memory({
			initial: Math.ceil((bytes + rooms * ALIGNMENT) / PAGE_BYTES),
		});
		let end = ALIGNMENT; // address 0 stays unused
		const take = (length: number) => {
			const start = end;
			end = Math.ceil((end + 4 * length) / ALIGNMENT) * ALIGNMENT;
			return start;
		};
		const floats = (length: number) => new Float32Array(memory.buffer, take(length), length);
		const integers = (length: number) => new Int32Array(memory.buffer, take(length), length);
		const column = (of: Omit<Column, 'table'>) => ({ ...of, table: floats(tokens * of.parts * of.width) });
		const columns = { slots: inSlots.map(column), raster: inRaster.map(column) };
		this.#columns = columns;
		this.#fresh = floats(tokens * freshNumbers);
		this.#from = integers(tokens);
		this.#to = integers(tokens);
		this.#kernel = instantiate(memory);

		this.#tokens = tokens;
		this.#tokenAt = new Int32Array(tokens);
		this.#slotOf = new Int32Array(tokens);
		this.#settle(Int32Array.from({ length: tokens }, (_, token) => token));
		this.head = columns.raster[0]!.table;
		this.scores = columns.raster[1]?.table ?? new Float32Array(tokens);
		this.fullOutputs = [...columns.raster, ...columns.slots].map(({ output }) => output);
		this.partialOutputs = columns.raster.map(({ output }) => output);
		const shape = [plan.heads, 1, tokens, headDim(plan)];
		this.keysAndValues = Object.fromEntries(
			columns.slots.map(({ output, table }) => [output, float32(table, shape)]),
		);
	}

	/** Remembers the outputs of a full graph. */
	take(outputs: Readonly<Record<string, GraphTensor>>): void {
		for (const { output, table } of [...this.#columns.slots, ...this.#columns.raster]) {
			table.set(numbers(outputs, output));
		}
		this.#settle(this.#tokenAt.map((_, slot) => slot));
	}

	/**
	 * Brings `tokens[0..count)` to the last slots, in their order. Their keys and values are gone then: a partial graph
	 * must write fresh ones to `tail`.
	 */
	arrange(tokens: Int32Array, count: number): void {
		const first = this.#tokens - count;
		const selected = new Uint8Array(this.#tokens);
		for (let i = 0; i < count; i++) selected[tokens[i]!] = 1;
		// Tokens that must leave the tail go where the selected ones were.
		let moves = 0;
		for (let slot = first; slot < this.#tokens; slot++) {
			if (!selected[this.#tokenAt[slot]!]) this.#from[moves++] = slot;
		}
		let places = 0;
		for (let i = 0; i < count; i++) {
			const slot = this.#slotOf[tokens[i]!]!;
			if (slot < first) this.#to[places++] = slot;
		}
		assert(moves === places, 'as many tokens leave the tail as come to it');
		for (const { table, parts, width } of this.#columns.slots) {
			this.#kernel.moveRows({
				source: table.byteOffset,
				sourceRows: this.#tokens,
				from: this.#from.byteOffset,
				target: table.byteOffset,
				targetRows: this.#tokens,
				to: this.#to.byteOffset,
				count: moves,
				parts,
				width,
			});
		}
		for (let i = 0; i < moves; i++) this.#put(this.#tokenAt[this.#from[i]!]!, this.#to[i]!);
		for (let i = 0; i < count; i++) this.#put(tokens[i]!, first + i);
	}

	/** Per block and head `keys.i.h` and `values.i.h` [1, count, headDim]: the last slots, for a graph to write to. */
	tail(count: number): Record<string, GraphTensor> {
		const tensors: Record<string, GraphTensor> = {};
		for (const { output, parts, width, table } of this.#columns.slots) {
			for (let part = 0; part < parts; part++) {
				const end = (part + 1) * this.#tokens * width;
				const rows = table.subarray(end - count * width, end);
				tensors[`${output}.${part}`] = float32(rows, [1, count, width]);
			}
		}
		return tensors;
	}

	/** Puts the fresh head outputs and scores of `tokens[0..count)`, outputs of a partial graph, in their places. */
	merge(outputs: Readonly<Record<string, GraphTensor>>, tokens: Int32Array, count: number): void {
		for (let i = 0; i < count; i++) this.#from[i] = i;
		this.#to.set(tokens.subarray(0, count));
		for (const { output, parts, width, table } of this.#columns.raster) {
			this.#fresh.set(numbers(outputs, output));
			this.#kernel.moveRows({
				source: this.#fresh.byteOffset,
				sourceRows: count,
				from: this.#from.byteOffset,
				target: table.byteOffset,
				targetRows: this.#tokens,
				to: this.#to.byteOffset,
				count,
				parts,
				width,
			});
		}
	}

	saveState(): NamedArrays {
		const columns = [...this.#columns.slots, ...this.#columns.raster];
		return {
			...Object.fromEntries(columns.map(({ output, table }) => [`memory.${output}`, table.slice()])),
			'memory.tokenAt': this.#tokenAt.slice(),
		};
	}

	restoreState(state: NamedArrays): void {
		for (const { output, table } of [...this.#columns.slots, ...this.#columns.raster]) {
			const saved = state[`memory.${output}`];
			assert(
				saved instanceof Float32Array && saved.length === table.length,
				`a snapshot holds memory.${output}`,
			);
			table.set(saved);
		}
		const tokenAt = state['memory.tokenAt'];
		assert(
			tokenAt instanceof Int32Array && tokenAt.length === this.#tokens,
			'a snapshot holds memory.tokenAt',
		);
		this.#settle(tokenAt);
	}

	#settle(tokenAt: Int32Array): void {
		tokenAt.forEach((token, slot) => this.#put(token, slot));
	}

	#put(token: number, slot: number): void {
		this.#tokenAt[slot] = token;
		this.#slotOf[token] = slot;
	}
}
