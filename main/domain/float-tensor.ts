/** Numbers of single precision with a shape. They may be read or computed when `data` is asked for: take it out once. */
export type FloatTensor = {
	readonly data: Float32Array;
	readonly shape: readonly number[];
	/** Where the numbers come from, such as a place in a file of a known hash: the same origin, the same numbers. */
	readonly origin?: string | undefined;
};

/** Numbers in a tensor of this shape. */
export function elementCount(shape: readonly number[]): number {
	return shape.reduce((count, dim) => count * dim, 1);
}

/** A tensor whose numbers are read or computed when they are asked for, and kept only while somebody holds them. */
export class LazyTensor implements FloatTensor {
	readonly shape: readonly number[];
	readonly origin: string | undefined;
	readonly #read: () => Float32Array;
	#last: WeakRef<Float32Array> | null = null;

	constructor(shape: readonly number[], origin: string | undefined, read: () => Float32Array) {
		this.shape = shape;
		this.origin = origin;
		this.#read = read;
	}

	get data(): Float32Array {
		const last = this.#last?.deref();
		if (last) return last;
		const data = this.#read();
		this.#last = new WeakRef(data);
		return data;
	}
}

/**
 * A tensor that is computed from others when its numbers are asked for. `computation` names what is done, with all that it
 * depends on beside the sources' numbers.
 */
export function derivedTensor(
	computation: string,
	sources: readonly FloatTensor[],
	shape: readonly number[],
	compute: () => Float32Array,
): FloatTensor {
	const origins = sources.map(({ origin }) => origin);
	const known = origins.every((origin) => origin !== undefined);
	return new LazyTensor(shape, known ? `${computation}(${origins.join(', ')})` : undefined, compute);
}

/** The numbers of tensors one after another, as a tensor of that shape. */
export function joinedTensors(tensors: readonly FloatTensor[], shape: readonly number[]): FloatTensor {
	return derivedTensor('join', tensors, shape, () => {
		const joined = new Float32Array(elementCount(shape));
		let at = 0;
		for (const { data } of tensors) {
			joined.set(data, at);
			at += data.length;
		}
		return joined;
	});
}

/** `count` rows of a tensor [rows, …] from row `first` on. */
export function rowsOf(tensor: FloatTensor, first: number, count: number): FloatTensor {
	const shape = [count, ...tensor.shape.slice(1)];
	const width = elementCount(tensor.shape.slice(1));
	return derivedTensor(`${count} rows from ${first}`, [tensor], shape, () =>
		tensor.data.subarray(first * width, (first + count) * width),
	);
}

/** The same numbers in another shape. */
export function reshaped(tensor: FloatTensor, shape: readonly number[]): FloatTensor {
	return derivedTensor('reshape', [tensor], shape, () => tensor.data);
}
