import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { tokenCount } from '../domain/tokens.ts';
import type { GraphTensor } from '../graph/graph-session.ts';
import { headDim, type VitPlan } from '../vit/plan.ts';
import { float32, numbers } from './full-graph.ts';

/** One thing remembered of every token: `parts` tables after one another, each with a row a token. */
type Column = { output: string; parts: number; table: Float32Array };

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
	/** `keys.i.before` and `values.i.before` [1, heads, tokens, headDim]: what a partial graph reads. */
	readonly keysAndValues: Readonly<Record<string, GraphTensor>>;
	readonly #columns: readonly Column[];
	readonly #tokens: number;
	readonly #heads: number;

	constructor(plan: VitPlan) {
		this.#tokens = tokenCount(plan.grid);
		this.#heads = plan.heads;
		this.head = new Float32Array(this.#tokens * plan.headWidth);
		this.scores = new Float32Array(this.#tokens);
		const keysAndValues = plan.blocks.flatMap((_, i) =>
			[`keys.${i}`, `values.${i}`].map((output) => ({
				output,
				parts: plan.heads,
				table: new Float32Array(this.#tokens * plan.dim),
			})),
		);
		this.#columns = [
			{ output: 'head', parts: 1, table: this.head },
			...(plan.scorer ? [{ output: 'scores', parts: 1, table: this.scores }] : []),
			...keysAndValues,
		];
		this.outputs = this.#columns.map(({ output }) => output);
		const shape = [1, plan.heads, this.#tokens, headDim(plan)];
		this.keysAndValues = Object.fromEntries(
			keysAndValues.map(({ output, table }) => [`${output}.before`, float32(table, shape)]),
		);
	}

	get bytes(): number {
		return this.#columns.reduce((sum, { table }) => sum + table.byteLength, 0);
	}

	/** Remembers the outputs of a full graph. */
	take(outputs: Readonly<Record<string, GraphTensor>>): void {
		for (const { output, table } of this.#columns) table.set(numbers(outputs, output));
	}

	/** Puts the fresh rows of `tokens[0..count)`, outputs of a partial graph, in their places. */
	merge(outputs: Readonly<Record<string, GraphTensor>>, tokens: Int32Array, count: number): void {
		for (const { output, parts, table } of this.#columns) {
			const fresh = numbers(outputs, output);
			const width = table.length / (parts * this.#tokens);
			for (let part = 0; part < parts; part++) {
				const rows = fresh.subarray(part * count * width, (part + 1) * count * width);
				putRows(rows, tokens, count, width, table, part * this.#tokens * width);
			}
		}
	}

	/** Places (0, head, token) of `tokens[0..count)` in a key or value memory, head by head: into `out` [heads · count · 3]. */
	slots(tokens: Int32Array, count: number, out: BigInt64Array): void {
		for (let head = 0; head < this.#heads; head++) {
			for (let i = 0; i < count; i++) {
				const at = 3 * (head * count + i);
				out[at] = 0n;
				out[at + 1] = BigInt(head);
				out[at + 2] = BigInt(tokens[i]!);
			}
		}
	}

	saveState(): NamedArrays {
		return Object.fromEntries(this.#columns.map(({ output, table }) => [`memory.${output}`, table.slice()]));
	}

	restoreState(state: NamedArrays): void {
		for (const { output, table } of this.#columns) {
			const saved = state[`memory.${output}`];
			assert(
				saved instanceof Float32Array && saved.length === table.length,
				`a snapshot holds memory.${output}`,
			);
			table.set(saved);
		}
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
