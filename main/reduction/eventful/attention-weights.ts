import type { GraphTensor } from '../../runtime/runtime.ts';
import { float32 } from '../../runtime/tensors.ts';
import type { HeadRange } from './attention-sizes.ts';
import type { GateMemory } from './gate-memory.ts';

/**
 * The attention weights, softmax(q · kᵀ), that the delta product remembers beside its result (the reference of its gate;
 * Eventful Transformers, section 4.3): transposed, [heads, keys, tokens], each key's as its last update left them.
 */
export class AttentionWeights {
	readonly data: Float32Array;
	readonly #memory: GateMemory;
	readonly #keys: number;
	readonly #tokens: number;

	constructor({ heads, keys, tokens }: { heads: number; keys: number; tokens: number }, memory: GateMemory) {
		this.data = new Float32Array(heads * keys * tokens);
		this.#memory = memory;
		this.#keys = keys;
		this.#tokens = tokens;
	}

	/** Replaces all weights of some heads, [heads, keys, tokens]. */
	replace(weights: Float32Array, { first }: HeadRange): void {
		this.data.set(weights, first * this.#keys * this.#tokens);
	}

	/** For an update of `keys`: a copy of their remembered weights and an empty tensor for fresh ones, [heads, keys, tokens]. */
	exchange(keys: Int32Array, heads: HeadRange): { stale: GraphTensor; fresh: GraphTensor } {
		const { stale, fresh } = this.#scratch(keys, heads);
		this.#forEachKey(keys, heads, (weights, offset) => stale.set(weights, offset));
		const shape = [heads.count, keys.length, this.#tokens];
		return { stale: float32(stale, shape), fresh: float32(fresh, shape) };
	}

	/** Remembers the weights of `keys` that an update has written into the `fresh` tensor of `exchange`. */
	remember(keys: Int32Array, heads: HeadRange): void {
		const { fresh } = this.#scratch(keys, heads);
		this.#forEachKey(keys, heads, (weights, offset) =>
			weights.set(fresh.subarray(offset, offset + this.#tokens)),
		);
	}

	/** The same scratch arrays for the same number of keys and heads. */
	#scratch(keys: Int32Array, { count }: HeadRange) {
		const floats = count * keys.length * this.#tokens;
		const both = this.#memory.weights(2 * floats);
		return { stale: both.subarray(0, floats), fresh: both.subarray(floats) };
	}

	/** Calls `use` with the remembered weights [tokens] of each key and their offset in [heads, keys, tokens]. */
	#forEachKey(
		keys: Int32Array,
		{ first, count }: HeadRange,
		use: (weights: Float32Array, offset: number) => void,
	): void {
		for (let head = 0; head < count; head++) {
			for (let i = 0; i < keys.length; i++) {
				const from = ((first + head) * this.#keys + keys[i]!) * this.#tokens;
				use(this.data.subarray(from, from + this.#tokens), (head * keys.length + i) * this.#tokens);
			}
		}
	}
}
