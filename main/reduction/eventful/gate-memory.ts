import { assert, UserFacingError } from '../../domain/errors.ts';
import { instantiate, type Kernel } from './token-gates.kernel.ts?wasm';

const PAGE_BYTES = 65536;
/** What WebAssembly can address. */
const MOST_BYTES = 2 ** 32;
/** Address 0 stays unused: kernels read it as "none". */
const FIRST_ADDRESS = 64;

/** An array in the memory of the kernels: its address and a view of it. */
export type MemoryArray<Numbers = Float32Array> = { at: number; data: Numbers };

/** Sizes of the scratch arrays, in numbers. */
export type ScratchSizes = {
	/** The largest set of rows that is gathered or computed at once. */
	rows: number;
	tokens: number;
	/** The longest list of tokens, slots or keys. */
	indices: number;
	/** The largest set of inputs that is gathered for a graph. */
	packed: number;
	/** Queries whose log-sum-exp is recomputed. */
	queries: number;
	/** Queries, keys and values of all tokens. */
	projected: number;
};

/** Scratch arrays that all gates of a backbone share; valid until the next call. */
export type Scratch = {
	/** [tokens, widest row] */
	rows: MemoryArray;
	/** [tokens] */
	norms: MemoryArray;
	/** [tokens, slots or keys] */
	indices: MemoryArray<Int32Array>;
};

/**
 * The memory in which gates compare and remember tokens: one WebAssembly memory, laid out before it is made. Plain
 * JavaScript would need several times as long for its loops.
 */
export class GateMemory {
	#end = FIRST_ADDRESS;
	#buffer: ArrayBuffer | null = null;
	#kernel: Kernel | null = null;
	#scratch: Scratch | null = null;
	readonly #scratchAt: {
		rows: number;
		norms: number;
		indices: number;
		packed: number;
		queries: number;
		projected: number;
	};
	#weights = new Float32Array(0);
	readonly #sizes: ScratchSizes;

	constructor(sizes: ScratchSizes) {
		this.#sizes = sizes;
		this.#scratchAt = {
			rows: this.reserve(sizes.rows),
			norms: this.reserve(sizes.tokens),
			indices: this.reserve(sizes.indices),
			packed: this.reserve(sizes.packed),
			queries: this.reserve(sizes.queries),
			projected: this.reserve(sizes.projected),
		};
	}

	/** Lays out `floats` numbers and returns their address; `array` views them once the memory has been made. */
	reserve(floats: number): number {
		assert(this.#buffer === null, 'the memory is laid out before it is made');
		const at = this.#end;
		this.#end += Math.ceil((4 * floats) / 64) * 64;
		return at;
	}

	/** Makes the memory. Throws `bad-argument` where it would be larger than WebAssembly allows. */
	make(): void {
		if (this.#end > MOST_BYTES) {
			throw new UserFacingError(
				'bad-argument',
				`Mode eventful would remember ${Math.ceil(this.#end / 2 ** 20)} MiB beside its graphs at this size (4096 MiB at most).`,
				{ remedy: 'Let the network see a smaller picture.' },
			);
		}
		const memory = new WebAssembly.Memory({ initial: Math.ceil(this.#end / PAGE_BYTES) });
		this.#kernel = instantiate(memory);
		this.#buffer = memory.buffer;
		this.#scratch = {
			rows: this.array(this.#scratchAt.rows, this.#sizes.rows),
			norms: this.array(this.#scratchAt.norms, this.#sizes.tokens),
			indices: {
				at: this.#scratchAt.indices,
				data: this.integers(this.#scratchAt.indices, this.#sizes.indices),
			},
		};
	}

	/** Bytes laid out so far, scratch arrays included. */
	get bytes(): number {
		return this.#end;
	}

	get kernel(): Kernel {
		assert(this.#kernel, 'the memory has been made');
		return this.#kernel;
	}

	get scratch(): Scratch {
		assert(this.#scratch, 'the memory has been made');
		return this.#scratch;
	}

	/** Scratch array for inputs of a graph that are gathered from several addresses. */
	get packed(): MemoryArray {
		return this.array(this.#scratchAt.packed, this.#sizes.packed);
	}

	/** Scratch array for the queries whose log-sum-exp is recomputed. */
	get queries(): MemoryArray {
		return this.array(this.#scratchAt.queries, this.#sizes.queries);
	}

	/** Scratch array for fresh queries, keys and values. */
	get projected(): MemoryArray {
		return this.array(this.#scratchAt.projected, this.#sizes.projected);
	}

	/** Scratch array for attention weights; not in the kernels' memory, it grows on demand. */
	weights(floats: number): Float32Array {
		if (this.#weights.length < floats) this.#weights = new Float32Array(floats);
		return this.#weights.subarray(0, floats);
	}

	array(at: number, floats: number): MemoryArray {
		assert(this.#buffer, 'the memory has been made');
		return { at, data: new Float32Array(this.#buffer, at, floats) };
	}

	integers(at: number, count: number): Int32Array {
		assert(this.#buffer, 'the memory has been made');
		return new Int32Array(this.#buffer, at, count);
	}
}
