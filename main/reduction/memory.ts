import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { tokenCount } from '../domain/tokens.ts';
import type { GraphTensor } from '../graph/graph-session.ts';
import { headDim, type VitPlan } from '../vit/plan.ts';
import { float32, numbers } from './full-graph.ts';

/**
 * What the token cache remembers of every token: keys and values of every block, head by head, its head
 * outputs and its score.
 */
export class TokenMemory {
	/** [tokens, headWidth] */
	readonly head: Float32Array;
	/** Scorer logits [tokens]. */
	readonly scores: Float32Array;
	/** Names of the outputs that a graph must give for `take` and `merge`. */
	readonly outputs: readonly string[];
	/** `keys.i.before` and `values.i.before` [heads · tokens, headDim]: what a partial graph reads. */
	readonly keysAndValues: Readonly<Record<string, GraphTensor>>;
	readonly #keyValueNames: readonly string[];
	readonly #tokens: number;
	readonly #heads: number;
	readonly #headDim: number;

	constructor(plan: VitPlan) {
		this.#tokens = tokenCount(plan.grid);
		this.#heads = plan.heads;
		this.#headDim = headDim(plan);
		this.head = new Float32Array(this.#tokens * plan.headWidth);
		this.scores = new Float32Array(this.#tokens);
		this.#keyValueNames = plan.blocks.flatMap((_, i) => [`keys.${i}`, `values.${i}`]);
		this.outputs = ['head', ...(plan.scorer ? ['scores'] : []), ...this.#keyValueNames];
		const shape = [plan.heads * this.#tokens, this.#headDim];
		this.keysAndValues = Object.fromEntries(
			this.#keyValueNames.map((name) => [
				`${name}.before`,
				float32(new Float32Array(this.#tokens * plan.dim), shape),
			]),
		);
	}

	get bytes(): number {
		return Object.values(this.#arrays()).reduce((sum, array) => sum + array.byteLength, 0);
	}

	/** Remembers the outputs of a full graph. */
	take(outputs: Readonly<Record<string, GraphTensor>>): void {
		for (const [name, array] of Object.entries(this.#arrays())) {
			if (this.outputs.includes(name)) array.set(numbers(outputs, name));
		}
	}

	/** Puts the fresh rows of `tokens[0..count)`, outputs of a partial graph, in their places. */
	merge(outputs: Readonly<Record<string, GraphTensor>>, tokens: Int32Array, count: number): void {
		for (const [name, array] of Object.entries(this.#arrays())) {
			if (!this.outputs.includes(name)) continue;
			const fresh = numbers(outputs, name);
			const headed = name !== 'head' && name !== 'scores';
			const heads = headed ? this.#heads : 1;
			const width = array.length / (heads * this.#tokens);
			for (let head = 0; head < heads; head++) {
				const rows = fresh.subarray(head * count * width, (head + 1) * count * width);
				putRows(rows, tokens, count, width, array, head * this.#tokens * width);
			}
		}
	}

	/** Rows of a key or value memory that belong to `tokens[0..count)`, head by head, into `out` [heads · count]. */
	slots(tokens: Int32Array, count: number, out: BigInt64Array): void {
		for (let head = 0; head < this.#heads; head++) {
			for (let i = 0; i < count; i++) out[head * count + i] = BigInt(head * this.#tokens + tokens[i]!);
		}
	}

	saveState(): NamedArrays {
		return Object.fromEntries(
			Object.entries(this.#arrays()).map(([name, array]) => [`memory.${name}`, array.slice()]),
		);
	}

	restoreState(state: NamedArrays): void {
		for (const [name, array] of Object.entries(this.#arrays())) {
			const saved = state[`memory.${name}`];
			assert(
				saved instanceof Float32Array && saved.length === array.length,
				`a snapshot holds memory.${name}`,
			);
			array.set(saved);
		}
	}

	#arrays(): Record<string, Float32Array> {
		const arrays: Record<string, Float32Array> = { head: this.head, scores: this.scores };
		for (const [name, tensor] of Object.entries(this.keysAndValues))
			arrays[name] = tensor.data as Float32Array;
		return arrays;
	}
}

/** Row i of `rows` [count, width] becomes row `tokens[i]` of the table that starts at `start` in `table`. */
function putRows(
	rows: Float32Array,
	tokens: Int32Array,
	count: number,
	width: number,
	table: Float32Array,
	start: number,
): void {
	for (let i = 0; i < count; i++) {
		const from = i * width;
		const to = start + tokens[i]! * width;
		for (let j = 0; j < width; j++) table[to + j] = rows[from + j]!;
	}
}
