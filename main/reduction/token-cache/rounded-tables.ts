import type { NamedArrays } from '../../domain/named-arrays.ts';
import { LARGEST } from '../../graph/int8-linear.ts';
import { WasmLayout } from '../../pixels/wasm-layout.ts';
import type { GraphTensor, GraphTensors } from '../../runtime/runtime.ts';
import { float32 } from '../../runtime/tensors.ts';
import { headDim, tokenTotal, type VitPlan } from '../../vit/plan.ts';
import type { MemoryTables } from './memory-tables.ts';
import { ROOM, stepOf } from './rounded-attention.ts';
import {
	instantiate as instantiateRounded,
	type Kernel as RoundedKernel,
} from './rounded-memory.kernel.ts?wasm';
import { instantiate as instantiateRows, type Kernel as RowsKernel } from './row-moves.kernel.ts?wasm';
import { savedArray } from './token-places.ts';

/** Keys or values of a block. */
type Table = {
	name: string;
	/** Keys [heads, width, tokens], values [heads, tokens, width]. */
	numbers: Int8Array;
	/** [heads · width]: a number of a column stands for steps · number + centre. */
	steps: Float32Array;
	centre: Float32Array;
	/** By column. */
	placeOf: (column: number) => Column;
};

type Block = {
	number: number;
	keys: Table;
	values: Table;
	/** Of keys and behind them values. */
	steps: Float32Array;
	centres: Float32Array;
	/** [heads, width, fresh rows], where a graph writes. */
	freshKeys: Int8Array;
	/** Of each column of keys, and behind them of values, the largest fresh number in its steps, where a graph writes. */
	largest: Float32Array;
};

/** Where a column's numbers are: the first token's, and how far it is to the next one's. */
type Column = { first: number; stride: number };

/** A number may be cut off by this share, and its column has room in the next frame; beyond, the frame is computed again. */
const CUT_OFF = 0.25;

/**
 * Keys and values in whole numbers of eight bits, as `RoundedAttention` reads them. Each column of a head has a step of its own, with room
 * for numbers beyond those of the last whole frame; a column gets more where fresh ones had none, and if they had far too little they must
 * be computed again. Snapshots are those of `KeyValueTables`, with steps and centres beside them.
 */
export class RoundedTables implements MemoryTables {
	readonly tensors: GraphTensors;
	readonly whole: GraphTensors;
	readonly wholeNames: readonly string[] = [];
	readonly freshNames: readonly string[] = [];
	readonly #heads: number;
	readonly #width: number;
	readonly #tokens: number;
	readonly #blocks: readonly Block[];
	readonly #rounded: RoundedKernel;
	readonly #rows: RowsKernel;
	/** Rows that `move` is told of. */
	readonly #from: Int32Array;
	readonly #to: Int32Array;
	#last: { count: number; tensors: GraphTensors } = { count: 0, tensors: {} };

	/** Of blocks that can be rounded, by their numbers. */
	constructor(plan: VitPlan, numbers: readonly number[]) {
		const [heads, width, tokens] = [plan.heads, headDim(plan), tokenTotal(plan)];
		this.#heads = heads;
		this.#width = width;
		this.#tokens = tokens;
		const columns = heads * width;
		const layout = new WasmLayout();
		const [from, to] = [layout.take(4 * tokens), layout.take(4 * tokens)];
		const addresses = numbers.map(() => ({
			keys: layout.take(columns * tokens),
			values: layout.take(columns * tokens),
			steps: layout.take(4 * 2 * columns),
			centres: layout.take(4 * 2 * columns),
			freshKeys: layout.take(columns * tokens),
			largest: layout.take(4 * 2 * columns),
		}));
		const memory = layout.memory();
		const { buffer } = memory;
		this.#rounded = instantiateRounded(memory);
		this.#rows = instantiateRows(memory);
		this.#from = new Int32Array(buffer, from, tokens);
		this.#to = new Int32Array(buffer, to, tokens);
		this.#blocks = addresses.map((at, i) => {
			const steps = new Float32Array(buffer, at.steps, 2 * columns).fill(1);
			const centres = new Float32Array(buffer, at.centres, 2 * columns);
			const table = (of: 'keys' | 'values', part: number): Table => ({
				name: `${of}.${numbers[i]}`,
				numbers: new Int8Array(buffer, at[of], columns * tokens),
				steps: steps.subarray(part * columns, (part + 1) * columns),
				centre: centres.subarray(part * columns, (part + 1) * columns),
				placeOf: of === 'keys' ? (column) => this.#keys(column) : (column) => this.#values(column),
			});
			return {
				number: numbers[i]!,
				keys: table('keys', 0),
				values: table('values', 1),
				...{ steps, centres },
				freshKeys: new Int8Array(buffer, at.freshKeys, columns * tokens),
				largest: new Float32Array(buffer, at.largest, 2 * columns),
			};
		});
		const all: Record<string, GraphTensor> = {};
		const whole: Record<string, GraphTensor> = {};
		for (const { number, keys, values, steps, centres } of this.#blocks) {
			whole[keys.name] = int8(keys.numbers, [heads, width, tokens]);
			whole[values.name] = int8(values.numbers, [heads, tokens, width]);
			for (const table of [keys, values]) {
				whole[`${table.name}.steps`] = float32(table.steps, [heads, 1, width]);
				whole[`${table.name}.centre`] = float32(table.centre, [heads, 1, width]);
			}
			all[`steps.${number}`] = float32(steps, [2 * heads, width]);
			all[`centres.${number}`] = float32(centres, [2 * heads, width]);
		}
		this.whole = whole;
		const unread = new Set(this.#blocks.map(({ keys }) => `${keys.name}.centre`));
		const read = Object.entries(whole).filter(([name]) => !unread.has(name));
		this.tensors = { ...all, ...Object.fromEntries(read) };
	}

	/** A full graph has written everything already. */
	fill(): void {
		return;
	}

	move(from: Int32Array, to: Int32Array): void {
		this.#from.set(from);
		this.#to.set(to);
		const [heads, width, tokens] = [this.#heads, this.#width, this.#tokens];
		const moves = { from: this.#from.byteOffset, to: this.#to.byteOffset, count: from.length };
		for (const { keys, values } of this.#blocks) {
			const first = keys.numbers.byteOffset;
			this.#rounded.moveColumns({ ...moves, first, lines: heads * width, lineBytes: tokens });
			this.#rows.moveRows({
				...moves,
				first: values.numbers.byteOffset,
				heads,
				headBytes: tokens * width,
				rowBytes: width,
			});
		}
	}

	fresh(count: number): GraphTensors {
		if (this.#last.count === count) return this.#last.tensors; // as most often
		const [heads, width] = [this.#heads, this.#width];
		const tensors: Record<string, GraphTensor> = {};
		for (const { number, keys, values, freshKeys, largest } of this.#blocks) {
			tensors[`largest.${number}`] = float32(largest, [1, 2 * heads, width]);
			const ofKeys = freshKeys.subarray(0, heads * width * count);
			tensors[`${keys.name}.fresh`] = int8(ofKeys, [heads, width, count]);
			for (let head = 0; head < heads; head++) {
				const end = (head + 1) * this.#tokens * width;
				tensors[`${values.name}.${head}`] = int8(values.numbers.subarray(end - count * width, end), [
					count,
					1,
					width,
				]);
			}
		}
		this.#last = { count, tensors };
		return tensors;
	}

	put(_outputs: GraphTensors, count: number): boolean {
		const columns = this.#heads * this.#width;
		let isFair = true;
		for (const { keys, values, freshKeys, largest } of this.#blocks) {
			this.#rounded.putColumns({
				fresh: freshKeys.byteOffset,
				first: keys.numbers.byteOffset,
				lines: columns,
				lineBytes: this.#tokens,
				count,
			});
			for (let i = 0; i < 2 * columns; i++) {
				const share = largest[i]! / LARGEST;
				if (!(share > 1 && share < Infinity)) continue; // nor is there room for what is no number
				if (share > 1 + CUT_OFF) isFair = false;
				this.#widen(i < columns ? keys : values, i % columns, ROOM * share);
			}
		}
		return isFair;
	}

	saveState(): NamedArrays {
		const state: NamedArrays = {};
		for (const { number, keys, values, steps, centres } of this.#blocks) {
			state[`store.${keys.name}`] = this.#floatsOf(keys);
			state[`store.${values.name}`] = this.#floatsOf(values);
			state[`store.steps.${number}`] = steps.slice();
			state[`store.centres.${number}`] = centres.slice();
		}
		return state;
	}

	/** Where a snapshot has no steps, because what made it rounds nothing, they are found as in a whole frame. */
	restoreState(state: NamedArrays): void {
		const count = this.#heads * this.#tokens * this.#width;
		for (const { number, keys, values, steps, centres } of this.#blocks) {
			const [ofKeys, ofValues] = [keys, values].map(({ name }) => savedArray(state, name, count));
			if (`store.steps.${number}` in state) {
				steps.set(savedArray(state, `steps.${number}`, steps.length));
				centres.set(savedArray(state, `centres.${number}`, centres.length));
			} else {
				this.#measure(keys, ofKeys!);
				this.#measure(values, ofValues!);
			}
			this.#round(keys, ofKeys!);
			this.#round(values, ofValues!);
		}
	}

	/** Makes room in a column for numbers so many times as large. */
	#widen({ steps, numbers, placeOf }: Table, column: number, times: number): void {
		const { first, stride } = placeOf(column);
		steps[column]! *= times;
		const end = first + this.#tokens * stride;
		for (let at = first; at < end; at += stride) numbers[at] = Math.round(numbers[at]! / times);
	}

	/** In a table of keys. */
	#keys(column: number): Column {
		return { first: column * this.#tokens, stride: 1 };
	}

	/** In a table of values, and in one of floats. */
	#values(column: number): Column {
		const head = Math.floor(column / this.#width);
		return { first: head * this.#tokens * this.#width + (column % this.#width), stride: this.#width };
	}

	/** [heads, tokens, width] */
	#floatsOf({ numbers, steps, centre, placeOf }: Table): Float32Array {
		const floats = new Float32Array(numbers.length);
		for (let column = 0; column < steps.length; column++) {
			const [from, to] = [placeOf(column), this.#values(column)];
			const [step, middle] = [steps[column]!, centre[column]!];
			for (let token = 0; token < this.#tokens; token++) {
				floats[to.first + token * to.stride] = step * numbers[from.first + token * from.stride]! + middle;
			}
		}
		return floats;
	}

	/** `floats` [heads, tokens, width] in a table's steps. */
	#round({ numbers, steps, centre, placeOf }: Table, floats: Float32Array): void {
		for (let column = 0; column < steps.length; column++) {
			const [from, to] = [this.#values(column), placeOf(column)];
			const [step, middle] = [steps[column]!, centre[column]!];
			for (let token = 0; token < this.#tokens; token++) {
				const value = (floats[from.first + token * from.stride]! - middle) / step;
				numbers[to.first + token * to.stride] = Math.round(value);
			}
		}
	}

	/** Finds a table's steps and centres, as `asRounded` does. */
	#measure({ steps, centre }: Table, floats: Float32Array): void {
		let square = 0;
		for (const value of floats) square += value * value;
		const size = Math.sqrt(square / floats.length);
		for (let column = 0; column < steps.length; column++) {
			const { first, stride } = this.#values(column);
			const end = first + this.#tokens * stride;
			let middle = 0;
			for (let at = first; at < end; at += stride) middle += floats[at]! / this.#tokens;
			let largest = 0;
			for (let at = first; at < end; at += stride)
				largest = Math.max(largest, Math.abs(floats[at]! - middle));
			centre[column] = middle;
			steps[column] = stepOf(largest, size);
		}
	}
}

function int8(data: Int8Array, shape: readonly number[]): GraphTensor & { type: 'int8' } {
	return { type: 'int8', data, shape };
}
