import type { WeightLookup } from '../../graph/layers.ts';
import type { GraphTensors } from '../../runtime/runtime.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { tokenTotal, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import { blockMemory, keyPositions, paddingRows, slotInWindow } from './memory-layout.ts';

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

/** The remembered keys and values of all blocks, `keys.i` and `values.i`, whose rows a `RowOrder` gives to tokens. */
export class KeyValueTables {
	/** What graphs read. */
	readonly tensors: GraphTensors;
	/** The numbers themselves, by name. */
	readonly arrays: Readonly<Record<string, Float32Array>>;
	readonly #heads: number;
	readonly #tables: readonly Table[];
	#last: { count: number; tensors: GraphTensors } = { count: 0, tensors: {} };

	constructor(plan: VitPlan, weights: WeightLookup) {
		this.#heads = plan.heads;
		this.#tables = plan.blocks.flatMap((block, i) => tablesOf(plan, weights, block, i));
		this.arrays = Object.fromEntries(this.#tables.map(({ name, data }) => [name, data]));
		this.tensors = Object.fromEntries(
			this.#tables.map(({ name, data, rows, width }) => [name, float32(data, [1, plan.heads, rows, width])]),
		);
	}

	/** All tokens' numbers, outputs [1, heads, tokens, headDim] in the plan's order, become their rows. */
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

	/**
	 * Copies each head's row `from[i]` over its row `to[i]`, counted without padding. Rows of a head are short: two numbers at a time, in a
	 * loop of one's own, four steps a turn, they are copied in half of the time that `copyWithin` takes for them.
	 */
	move(from: Int32Array, to: Int32Array): void {
		for (const { data, padding, rows, width } of this.#tables) {
			const even = width % 2 === 0;
			const numbers = even ? new Float64Array(data.buffer, data.byteOffset, data.length / 2) : data;
			const step = even ? width / 2 : width;
			for (let head = 0; head < this.#heads; head++) {
				const first = head * rows + padding;
				for (let i = 0; i < from.length; i++) {
					const source = (first + from[i]!) * step;
					const target = (first + to[i]!) * step;
					let j = 0;
					for (; j + 4 <= step; j += 4) {
						numbers[target + j] = numbers[source + j]!;
						numbers[target + j + 1] = numbers[source + j + 1]!;
						numbers[target + j + 2] = numbers[source + j + 2]!;
						numbers[target + j + 3] = numbers[source + j + 3]!;
					}
					for (; j < step; j++) numbers[target + j] = numbers[source + j]!;
				}
			}
		}
	}

	/** Per table and head `<table>.<head>` [count, 1, width], the last rows, for a graph to write to. */
	lastRows(count: number): GraphTensors {
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

	/** The outputs that `putLast` takes. */
	get freshNames(): string[] {
		return this.#tables.map(({ name }) => `${name}.fresh`);
	}

	/** Outputs [heads, count, width] become the last rows of each head. */
	putLast(outputs: GraphTensors, count: number): void {
		for (const { name, data, rows, width } of this.#tables) {
			const fresh = floats(outputs, `${name}.fresh`);
			for (let head = 0; head < this.#heads; head++) {
				const own = fresh.subarray(head * count * width, (head + 1) * count * width);
				data.set(own, ((head + 1) * rows - count) * width);
			}
		}
	}
}

function tablesOf(plan: VitPlan, weights: WeightLookup, block: VitBlock, i: number): Table[] {
	const { padding, rows, keyWidth, valueWidth } = blockMemory(plan, block);
	const ofPadding = paddingRows(plan, weights, block);
	const table = (of: 'keys' | 'values', width: number, positions: Float32Array | null): Table => {
		const data = new Float32Array(plan.heads * rows * width);
		for (let head = 0; head < plan.heads; head++) {
			const own = ofPadding[of].subarray(head * padding * width, (head + 1) * padding * width);
			data.set(own, head * rows * width);
		}
		return { name: `${of}.${i}`, data, padding, rows, width, positions };
	};
	const positions = block.relative ? positionsOfTokens(plan, block) : null;
	return [table('keys', keyWidth, positions), table('values', valueWidth, null)];
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
