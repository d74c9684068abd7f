import type { Block, GateMemory } from './gate-memory.ts';
import { MixedTokens } from './mixed-tokens.ts';
import { type GatePolicy, pickTokens } from './policy.ts';

/** A layer norm that a gate looks through: addresses of its weights [dim] in the gates' memory. */
export type GateNorm = { gamma: number; beta: number; epsilon: number };

const NO_NORM: GateNorm = { gamma: 0, beta: 0, epsilon: 0 };

/** Tokens, [tokens, dim]: the remembered stream, and what is added to it on the way; addresses in the gates' memory. */
export type GateInput = { x: number; added?: number; out?: number };

/**
 * A token gate (Eventful Transformers, section 4.1): compares every token with its reference, lets those with the largest
 * errors pass, and takes what passed as their new reference. What the others keep back adds up until it is their turn.
 */
export class TokenGate {
	/** The tokens that passed last, ascending: `indices[0..count)`. */
	readonly indices: Int32Array;
	count = 0;
	/** [tokens]: error norms that the policy was asked with last; they hold until the next frame. */
	readonly norms: Float32Array;
	/** Whether the policy was asked; else everything passed. */
	asked = false;
	readonly #memory: GateMemory;
	readonly #dim: number;
	readonly #norm: GateNorm | null;
	readonly #everyFrame: boolean;
	readonly #reference: number;
	readonly #tokens: number;

	/** With `everyFrame` the whole of every frame becomes the reference, as in STGT. */
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

	/** What each token was last computed from, [tokens, dim]. */
	get reference(): Block {
		return this.#memory.array(this.#reference, this.#tokens * this.#dim);
	}

	/** Lets tokens pass, all where `policy` is null, and gives them as the gate sees them: [count, dim]. */
	pass(input: GateInput | MixedTokens, policy: GatePolicy | null): Float32Array {
		const { kernel, scratch } = this.#memory;
		this.#compare(input, policy === null || this.#everyFrame);
		this.asked = policy !== null;
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
				outward: false,
			});
		} else {
			this.#take(input);
		}
		return rows.data.subarray(0, this.count * this.#dim);
	}

	/** Error norms of all tokens, to the shared room; with `store` the tokens become the reference. */
	#compare(input: GateInput | MixedTokens, store: boolean): void {
		const { kernel, scratch } = this.#memory;
		const gate = {
			reference: this.#reference,
			tokens: this.#tokens,
			dim: this.#dim,
			norms: scratch.norms.at,
			store,
		};
		if (input instanceof MixedTokens) {
			const { at, starts, apart, heads, width } = input;
			kernel.gatePieces({ x: at, starts, apart, heads, width, ...gate });
		} else {
			const { x, added, out } = input;
			kernel.gate({ x, added: added ?? 0, out: out ?? 0, ...(this.#norm ?? NO_NORM), ...gate });
		}
	}

	/** The tokens in the shared list of indices, to the shared rows and over their references. */
	#take(input: GateInput | MixedTokens): void {
		const { kernel, scratch } = this.#memory;
		const taken = {
			reference: this.#reference,
			dim: this.#dim,
			indices: scratch.indices.at,
			count: this.count,
			rows: scratch.rows.at,
		};
		if (input instanceof MixedTokens) {
			const { at, starts, apart, heads, width } = input;
			kernel.takePieces({ x: at, starts, apart, heads, width, ...taken });
		} else {
			kernel.take({ x: input.out ?? input.x, ...(this.#norm ?? NO_NORM), ...taken });
		}
	}
}
