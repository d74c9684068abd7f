import { assert, UserFacingError } from '../../domain/errors.ts';
import { instantiate, type Kernel } from './token-gates.kernel.ts?wasm';

const PAGE_BYTES = 65536;
/** What WebAssembly can address. */
const MOST_BYTES = 2 ** 32;
/** Address 0 stays unused: kernels read it as "none". */
const FIRST_ADDRESS = 64;

/** An array in the memory that the kernels see: its address and the same bytes as numbers. */
export type Block<Numbers = Float32Array> = { at: number; data: Numbers };

/**
 * In numbers: the largest set of rows that is moved at once, the tokens, the longest list, what is packed at once, the
 * queries made anew, the projections of all tokens.
 */
export type ScratchSizes = {
	rows: number;
	tokens: number;
	indices: number;
	packing: number;
	renewing: number;
	projected: number;
};

/** Room that all gates of a backbone share; what stands there holds until the next call. */
export type Scratch = {
	/** [tokens, widest row] */
	rows: Block;
	/** [tokens] */
	norms: Block;
	/** [tokens or places] */
	indices: Block<Int32Array>;
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
		packing: number;
		renewing: number;
		projected: number;
	};
	#columns = new Float32Array(0);
	readonly #sizes: ScratchSizes;

	constructor(sizes: ScratchSizes) {
		this.#sizes = sizes;
		this.#scratchAt = {
			rows: this.reserve(sizes.rows),
			norms: this.reserve(sizes.tokens),
			indices: this.reserve(sizes.indices),
			packing: this.reserve(sizes.packing),
			renewing: this.reserve(sizes.renewing),
			projected: this.reserve(sizes.projected),
		};
	}

	/** Lays out `floats` numbers; `array` gives them once the memory has been made. */
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

	/** Of what has been laid out, shared room included. */
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

	/** Room for what a graph is given together and lies apart. */
	get packing(): Block {
		return this.array(this.#scratchAt.packing, this.#sizes.packing);
	}

	/** Room for the queries whose sums are made anew. */
	get renewing(): Block {
		return this.array(this.#scratchAt.renewing, this.#sizes.renewing);
	}

	/** Room for fresh queries, keys and values. */
	get projected(): Block {
		return this.array(this.#scratchAt.projected, this.#sizes.projected);
	}

	/** Room of `floats` numbers outside the kernels' reach, that grows with what was asked for. */
	columns(floats: number): Float32Array {
		if (this.#columns.length < floats) this.#columns = new Float32Array(floats);
		return this.#columns.subarray(0, floats);
	}

	array(at: number, floats: number): Block {
		assert(this.#buffer, 'the memory has been made');
		return { at, data: new Float32Array(this.#buffer, at, floats) };
	}

	integers(at: number, count: number): Int32Array {
		assert(this.#buffer, 'the memory has been made');
		return new Int32Array(this.#buffer, at, count);
	}
}
