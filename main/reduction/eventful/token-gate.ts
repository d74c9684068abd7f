import { AttentionOutput } from './attention-output.ts';
import type { GateMemory, MemoryArray } from './gate-memory.ts';
import { type GatePolicy, pickTokens } from './policy.ts';

/** The layer norm between tokens and a gate: addresses of its weights [dim] in the gates' memory. */
export type GateNorm = { gamma: number; beta: number; epsilon: number };

const NO_NORM: GateNorm = { gamma: 0, beta: 0, epsilon: 0 };

/** Addresses of tokens [tokens, dim] in the gates' memory: the gate sees x + added, which it writes to `out`. */
export type GateInput = { x: number; added?: number; out?: number };

/**
 * A token gate (Eventful Transformers, section 4.1): compares every token with its reference, selects those with the largest
 * errors ‖token − reference‖, and makes them their new reference. Errors of the others accumulate until they are selected.
 */
export class TokenGate {
	/** The tokens that were selected last, ascending: `indices[0..count)`. */
	readonly indices: Int32Array;
	count = 0;
	/** [tokens]: error norms of the last selection. */
	readonly norms: Float32Array;
	/** Whether the last selection was of all tokens, without a policy. */
	isOpen = true;
	readonly #memory: GateMemory;
	readonly #dim: number;
	readonly #norm: GateNorm | null;
	readonly #everyFrame: boolean;
	readonly #reference: number;
	readonly #tokens: number;

	/** With `everyFrame` all tokens of every frame become the reference, as in STGT. */
	constructor(
		memory: GateMemory,
		size: { tokens: number; dim: number },
		options: { norm: GateNorm | null; everyFrame: boolean },
	) {
		this.#memory = memory;
		this.#tokens = size.tokens;
		this.#dim = size.dim;
		this.#norm = options.norm;
		this.#everyFrame = options.everyFrame;
		this.#reference = memory.reserve(size.tokens * size.dim);
		this.indices = new Int32Array(size.tokens);
		this.norms = new Float32Array(size.tokens);
	}

	/** The tokens as they were last selected, [tokens, dim]. */
	get reference(): MemoryArray {
		return this.#memory.array(this.#reference, this.#tokens * this.#dim);
	}

	/** Selects tokens, all where `policy` is null, and returns them as the gate sees them: [count, dim]. */
	select(input: GateInput | AttentionOutput, policy: GatePolicy | null): Float32Array {
		const { kernel, scratch } = this.#memory;
		this.#compare(input, policy === null || this.#everyFrame);
		this.isOpen = policy === null;
		if (!policy) {
			this.count = this.#tokens;
			for (let token = 0; token < this.#tokens; token++) this.indices[token] = token;
			return this.reference.data;
		}
		this.norms.set(scratch.norms.data);
		this.count = pickTokens(policy, this.norms, this.indices);
		scratch.indices.data.set(this.indices.subarray(0, this.count));
		const rows = scratch.rows;
		if (this.#everyFrame) {
			kernel.copyRows({
				packed: rows.at,
				packedRow: this.#dim,
				packedHead: 0,
				sparse: this.#reference,
				sparseRow: this.#dim,
				sparseHead: 0,
				width: this.#dim,
				heads: 1,
				indices: scratch.indices.at,
				count: this.count,
				scatter: false,
			});
		} else {
			this.#take(input);
		}
		return rows.data.subarray(0, this.count * this.#dim);
	}

	/** Writes error norms of all tokens to the scratch norms; with `store` the tokens become the reference. */
	#compare(input: GateInput | AttentionOutput, store: boolean): void {
		const { kernel, scratch } = this.#memory;
		const gate = {
			reference: this.#reference,
			tokens: this.#tokens,
			dim: this.#dim,
			norms: scratch.norms.at,
			store,
		};
		if (input instanceof AttentionOutput) {
			const { at, starts, headStride, heads, width } = input;
			kernel.gateHeads({ x: at, starts, headStride, heads, width, ...gate });
		} else {
			const { x, added, out } = input;
			kernel.gate({ x, added: added ?? 0, out: out ?? 0, ...(this.#norm ?? NO_NORM), ...gate });
		}
	}

	/** Copies the tokens of the scratch indices to the scratch rows and over their references. */
	#take(input: GateInput | AttentionOutput): void {
		const { kernel, scratch } = this.#memory;
		const taken = {
			reference: this.#reference,
			dim: this.#dim,
			indices: scratch.indices.at,
			count: this.count,
			rows: scratch.rows.at,
		};
		if (input instanceof AttentionOutput) {
			const { at, starts, headStride, heads, width } = input;
			kernel.takeHeads({ x: at, starts, headStride, heads, width, ...taken });
		} else {
			kernel.take({ x: input.out ?? input.x, ...(this.#norm ?? NO_NORM), ...taken });
		}
	}
}
