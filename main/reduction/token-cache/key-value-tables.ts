import type { NamedArrays } from '../../domain/named-arrays.ts';
import { WasmLayout } from '../../pixels/wasm-layout.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import type { GraphTensors } from '../../runtime/runtime.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { tokenTotal, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import { instantiate, type Kernel } from './row-moves.kernel.ts?wasm';
import { blockMemory, keyPositions, paddingRows, slotInWindow } from './memory-layout.ts';
import type { MemoryTables } from './memory-tables.ts';
import { savedArray } from './token-places.ts';

/** Keys or values of a block: [heads, padding + tokens, width]. */
type Table = {
	name: string;
	data: Float32Array;
	padding: number;
	rows: number;
	width: number;
	/** What follows every token's `headDim` numbers, [tokens, positions' width]; null where nothing does. */
	positions: Float32Array | null;
};

/**
 * Keys and values in float32, `keys.i` and `values.i`. They lie in one WebAssembly memory, where rows are copied twice as fast as in
 * JavaScript.
 */
export class KeyValueTables implements MemoryTables {
	readonly tensors: GraphTensors;
	readonly whole: GraphTensors = {};
	readonly freshNames: readonly string[];
	readonly #inPlace: boolean;
	readonly #heads: number;
	readonly #tables: readonly Table[];
	readonly #kernel: Kernel;
	/** Rows that `move` is told of. */
	readonly #from: Int32Array;
	readonly #to: Int32Array;
	#last: { count: number; tensors: GraphTensors } = { count: 0, tensors: {} };

	/** Of `blocks`, by their numbers. `inPlace`: graphs write fresh rows where they belong. */
	constructor(
		plan: VitPlan,
		weights: WeightLookup,
		{ blocks, inPlace }: { blocks: readonly number[]; inPlace: boolean },
	) {
		this.#inPlace = inPlace;
		this.#heads = plan.heads;
		const tokens = tokenTotal(plan);
		const layout = new WasmLayout();
		const [from, to] = [layout.take(4 * tokens), layout.take(4 * tokens)];
		const shapes = blocks.flatMap((i) => shapesOf(plan, plan.blocks[i]!, i));
		const addresses = shapes.map(({ rows, width }) => layout.take(4 * plan.heads * rows * width));
		const memory = layout.memory();
		this.#kernel = instantiate(memory);
		this.#from = new Int32Array(memory.buffer, from, tokens);
		this.#to = new Int32Array(memory.buffer, to, tokens);
		this.#tables = shapes.map((shape, i) => {
			const data = new Float32Array(memory.buffer, addresses[i], plan.heads * shape.rows * shape.width);
			return tableOf(plan, weights, shape, data);
		});
		this.tensors = Object.fromEntries(
			this.#tables.map(({ name, data, rows, width }) => [name, float32(data, [1, plan.heads, rows, width])]),
		);
		this.freshNames = inPlace ? [] : this.#tables.map(({ name }) => `${name}.fresh`);
	}

	get wholeNames(): readonly string[] {
		return Object.keys(this.tensors);
	}

	/** Outputs are [1, heads, tokens, headDim] in the plan's order. */
	fill(outputs: GraphTensors, tokenAt: Int32Array): void {
		const tokens = tokenAt.length;
		for (const { name, data, padding, rows, width, positions } of this.#tables) {
			const fresh = floats(outputs, name);
			const own = fresh.length / (this.#heads * tokens);
			for (let head = 0; head < this.#heads; head++) {
				for (let row = 0; row < tokens; row++) {
					const token = tokenAt[row]!;
					const [source, target] = [(head * tokens + token) * own, (head * rows + padding + row) * width];
					data.set(fresh.subarray(source, source + own), target);
					if (!positions) continue;
					data.set(positions.subarray(token * (width - own), (token + 1) * (width - own)), target + own);
				}
			}
		}
	}

	move(from: Int32Array, to: Int32Array): void {
		this.#from.set(from);
		this.#to.set(to);
		for (const { data, padding, rows, width } of this.#tables) {
			const rowBytes = 4 * width;
			this.#kernel.moveRows({
				first: data.byteOffset + padding * rowBytes,
				heads: this.#heads,
				headBytes: rows * rowBytes,
				rowBytes,
				from: this.#from.byteOffset,
				to: this.#to.byteOffset,
				count: from.length,
			});
		}
	}

	/** Per table and head `<table>.<head>` [count, 1, width], the last rows. */
	fresh(count: number): GraphTensors {
		if (!this.#inPlace) return {};
		if (this.#last.count === count) return this.#last.tensors; // as most often
		const tensors = this.#tables.flatMap(({ name, data, rows, width }) =>
			Array.from({ length: this.#heads }, (_, head) => {
				const end = (head + 1) * rows * width;
				const last = data.subarray(end - count * width, end);
				return [`${name}.${head}`, float32(last, [count, 1, width])] as const;
			}),
		);
		this.#last = { count, tensors: Object.fromEntries(tensors) };
		return this.#last.tensors;
	}

	/** Outputs are [heads, count, width]. */
	put(outputs: GraphTensors, count: number): boolean {
		if (this.#inPlace) return true;
		for (const { name, data, rows, width } of this.#tables) {
			const fresh = floats(outputs, `${name}.fresh`);
			for (let head = 0; head < this.#heads; head++) {
				const own = fresh.subarray(head * count * width, (head + 1) * count * width);
				data.set(own, ((head + 1) * rows - count) * width);
			}
		}
		return true;
	}

	saveState(): NamedArrays {
		return Object.fromEntries(this.#tables.map(({ name, data }) => [`store.${name}`, data.slice()]));
	}

	restoreState(state: NamedArrays): void {
		for (const { name, data } of this.#tables) data.set(savedArray(state, name, data.length));
	}
}

/** What a table is before it has its memory. */
type TableShape = {
	block: VitBlock;
	of: 'keys' | 'values';
	name: string;
	padding: number;
	rows: number;
	width: number;
};

function shapesOf(plan: VitPlan, block: VitBlock, i: number): TableShape[] {
	const { padding, rows, keyWidth, valueWidth } = blockMemory(plan, block);
	const shape = (of: TableShape['of'], width: number) => ({
		block,
		of,
		name: `${of}.${i}`,
		padding,
		rows,
		width,
	});
	return [shape('keys', keyWidth), shape('values', valueWidth)];
}

function tableOf(plan: VitPlan, weights: WeightLookup, shape: TableShape, data: Float32Array): Table {
	const { block, of, name, padding, rows, width } = shape;
	const ofPadding = paddingRows(plan, weights, block)[of];
	for (let head = 0; head < plan.heads; head++) {
		const own = ofPadding.subarray(head * padding * width, (head + 1) * padding * width);
		data.set(own, head * rows * width);
	}
	const positions = of === 'keys' && block.relative ? positionsOfTokens(plan, block) : null;
	return { name, data, padding, rows, width, positions };
}

/** What follows each token's key: [tokens, key rows + key cols]. */
export function positionsOfTokens(plan: VitPlan, block: VitBlock): Float32Array {
	const { keyWidth, valueWidth } = blockMemory(plan, block);
	const width = keyWidth - valueWidth;
	const positions = keyPositions(plan, block);
	const out = new Float32Array(tokenTotal(plan) * width);
	slotInWindow(plan, block).forEach((slot, token) =>
		out.set(positions.subarray(slot * width, (slot + 1) * width), token * width),
	);
	return out;
}
