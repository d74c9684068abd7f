import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { tokenCount } from '../domain/tokens.ts';
import type { GraphTensor } from '../graph/graph-session.ts';
import { headDim, type VitPlan } from '../vit/plan.ts';
import { float32 } from './full-graph.ts';

/**
 * What the token cache remembers of every token: keys and values of every block, head by head, its head
 * outputs and its score. Graphs read and write the keys and values in place.
 */
export class TokenMemory {
	/** [tokens, headWidth] */
	readonly head: Float32Array;
	/** Scorer logits [tokens]. */
	readonly scores: Float32Array;
	/** `keys.i` and `values.i`: [heads · tokens, headDim] */
	readonly keysAndValues: Readonly<Record<string, GraphTensor>>;
	/** The same tensors under the names of a partial graph's inputs. */
	readonly before: Readonly<Record<string, GraphTensor>>;
	readonly #headWidth: number;
	readonly #tokens: number;
	readonly #heads: number;
	/** Fresh rows on their way from a partial run into `head` and `scores`. */
	readonly #freshHead: Float32Array;
	readonly #freshScores: Float32Array;

	constructor(plan: VitPlan) {
		this.#tokens = tokenCount(plan.grid);
		this.#heads = plan.heads;
		this.#headWidth = plan.headWidth;
		this.head = new Float32Array(this.#tokens * plan.headWidth);
		this.scores = new Float32Array(this.#tokens);
		this.#freshHead = new Float32Array(this.head.length);
		this.#freshScores = new Float32Array(this.#tokens);
		const shape = [plan.heads * this.#tokens, headDim(plan)];
		const names = plan.blocks.flatMap((_, i) => [`keys.${i}`, `values.${i}`]);
		this.keysAndValues = Object.fromEntries(
			names.map((name) => [name, float32(new Float32Array(this.#tokens * plan.dim), shape)]),
		);
		this.before = Object.fromEntries(names.map((name) => [`${name}.before`, this.keysAndValues[name]!]));
	}

	get bytes(): number {
		return Object.values(this.#arrays()).reduce((sum, array) => sum + array.byteLength, 0);
	}

	/** Where a full run writes its head outputs and scores. */
	wholeOutputs(withScores: boolean): Record<string, GraphTensor> {
		return {
			head: float32(this.head, [this.#tokens, this.#headWidth]),
			...(withScores && { scores: float32(this.scores, [this.#tokens, 1]) }),
		};
	}

	/** Where a partial run of `count` tokens writes its rows, before `merge`. */
	freshOutputs(count: number, withScores: boolean): Record<string, GraphTensor> {
		return {
			head: float32(this.#freshHead.subarray(0, count * this.#headWidth), [count, this.#headWidth]),
			...(withScores && { scores: float32(this.#freshScores.subarray(0, count), [count, 1]) }),
		};
	}

	/** Puts the fresh rows of `tokens[0..count)` in their places. */
	merge(tokens: Int32Array, count: number): void {
		const width = this.#headWidth;
		for (let i = 0; i < count; i++) {
			const token = tokens[i]!;
			this.head.set(this.#freshHead.subarray(i * width, (i + 1) * width), token * width);
			this.scores[token] = this.#freshScores[i]!;
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
