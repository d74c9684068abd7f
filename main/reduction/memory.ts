import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { tokenCount } from '../domain/tokens.ts';
import type { GraphTensor } from '../graph/graph-session.ts';
import { headDim, type VitPlan } from '../vit/plan.ts';
import { float32, numbers } from './full-graph.ts';
import kernelBytes from './token-memory.kernel.ts?wasm';

type Kernel = { putRows(...numbers: number[]): void };

const PAGE_BYTES = 65536;
const kernelModule = new WebAssembly.Module(kernelBytes);

/** One thing remembered of every token: `parts` tables after one another, each with `width` numbers a token. */
type Column = { output: string; parts: number; width: number; table: Float32Array };

/**
 * What the token cache remembers of every token: keys and values of every block, head by head, its head
 * outputs and its score. All of it lies in one WebAssembly memory, which graphs read in place: putting some thousand
 * short rows into it takes plain JavaScript five times as long as the kernel.
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
	readonly #rows: number;
	readonly #heads: number;
	readonly #kernel: Kernel;
	/** Where the kernel finds fresh rows and their tokens. */
	readonly #fresh: Float32Array;
	readonly #tokens: Int32Array;

	constructor(plan: VitPlan) {
		const rows = tokenCount(plan.grid);
		const keysAndValues = plan.blocks.flatMap((_, i) =>
			[`keys.${i}`, `values.${i}`].map((output) => ({ output, parts: plan.heads, width: headDim(plan) })),
		);
		const columns = [
			{ output: 'head', parts: 1, width: plan.headWidth },
			...(plan.scorer ? [{ output: 'scores', parts: 1, width: 1 }] : []),
			...keysAndValues,
		];
		const sizes = columns.map(({ parts, width }) => rows * parts * width);
		const memory = new WebAssembly.Memory({
			initial: Math.ceil(
				(64 * (sizes.length + 2) + 4 * (sum(sizes) + Math.max(...sizes) + rows)) / PAGE_BYTES,
			),
		});
		let end = 64; // address 0 stays unused
		const take = (numbersOf4Bytes: number) => {
			const start = end;
			end = Math.ceil((end + 4 * numbersOf4Bytes) / 64) * 64;
			return start;
		};
		const floats = (length: number) => new Float32Array(memory.buffer, take(length), length);
		this.#columns = columns.map((column, i) => ({ ...column, table: floats(sizes[i]!) }));
		this.#fresh = floats(Math.max(...sizes));
		this.#tokens = new Int32Array(memory.buffer, take(rows), rows);
		this.#kernel = new WebAssembly.Instance(kernelModule, { env: { memory } }).exports as unknown as Kernel;
		this.#rows = rows;
		this.#heads = plan.heads;

		this.head = this.#table('head')!;
		this.scores = this.#table('scores') ?? new Float32Array(rows);
		this.outputs = this.#columns.map(({ output }) => output);
		const shape = [1, plan.heads, rows, headDim(plan)];
		this.keysAndValues = Object.fromEntries(
			keysAndValues.map(({ output }) => [`${output}.before`, float32(this.#table(output)!, shape)]),
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
		this.#tokens.set(tokens.subarray(0, count));
		for (const { output, parts, width, table } of this.#columns) {
			this.#fresh.set(numbers(outputs, output));
			this.#kernel.putRows(
				this.#fresh.byteOffset,
				table.byteOffset,
				this.#tokens.byteOffset,
				...[count, parts, this.#rows, width],
			);
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

	#table(output: string): Float32Array | undefined {
		return this.#columns.find((column) => column.output === output)?.table;
	}
}

function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}
