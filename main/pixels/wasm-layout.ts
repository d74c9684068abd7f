const PAGE_BYTES = 65536;
/** Where arrays begin: at multiples of a cache line. */
const LINE_BYTES = 64;
/** Address 0 stays unused. */
const FIRST = 1024;

/** Lays out the arrays of a WebAssembly memory before it is made: it can't grow under the arrays over it. */
export class WasmLayout {
	#end = FIRST;

	/** Takes room for `bytes`; gives its address. */
	take(bytes: number): number {
		const start = this.#end;
		this.#end = align(start + bytes, LINE_BYTES);
		return start;
	}

	/** A memory with room for all that was taken. */
	memory(): WebAssembly.Memory {
		return new WebAssembly.Memory({ initial: Math.ceil(this.#end / PAGE_BYTES) });
	}
}

/** The least multiple of `to` that is at least `bytes`. */
export function align(bytes: number, to: number): number {
	return Math.ceil(bytes / to) * to;
}
