import { UserFacingError } from '../domain/errors.ts';
import { ELEMENT_BYTES, type ElementType, toFloat32 } from './element-types.ts';
import { LazyTensor } from '../domain/float-tensor.ts';
import type { WeightTensor } from './safetensors.ts';

/** Numbers that tensors are views into. Several tensors may share one. */
export class TorchStorage {
	readonly key: string;
	readonly type: ElementType;
	readonly count: number;
	/** Filled in when the file has been read as far. */
	bytes: Uint8Array = new Uint8Array(0);
	/** What was read out of it, by place and shape: tensors that are the same memory stay the same memory. */
	readonly #read = new Map<string, Float32Array>();

	constructor(key: string, type: ElementType, count: number) {
		this.key = key;
		this.type = type;
		this.count = count;
	}

	get byteLength(): number {
		return this.count * ELEMENT_BYTES[this.type];
	}

	/** The numbers of a tensor in raster order; a view into the file if they are stored so. */
	read(offset: number, shape: readonly number[], strides: readonly number[]): Float32Array {
		const key = `${offset};${shape.join()};${strides.join()}`;
		const known = this.#read.get(key);
		if (known) return known;
		const size = ELEMENT_BYTES[this.type];
		const count = shape.reduce((product, dim) => product * dim, 1);
		const last = shape.reduce((at, dim, axis) => at + (dim - 1) * strides[axis]!, 0);
		const span = count === 0 ? 0 : last + 1;
		const numbers = toFloat32(this.bytes.subarray(offset * size, (offset + span) * size), this.type);
		const data = isContiguous(shape, strides) ? numbers : gather(numbers, shape, strides, count);
		this.#read.set(key, data);
		return data;
	}
}

/** A tensor of a checkpoint: a strided view into a storage, all counted in elements. */
export class TorchTensor {
	readonly storage: TorchStorage;
	readonly offset: number;
	readonly shape: readonly number[];
	readonly strides: readonly number[];

	/** Throws `model-unreadable`, naming `place`, if the tensor reaches beyond its storage. */
	constructor(
		storage: TorchStorage,
		offset: number,
		shape: readonly number[],
		strides: readonly number[],
		place: string,
	) {
		const count = shape.reduce((product, dim) => product * dim, 1);
		const last = shape.reduce((at, dim, axis) => at + (dim - 1) * (strides[axis] ?? 0), offset);
		const fits = count === 0 ? offset <= storage.count : last < storage.count && count <= storage.count;
		if (!fits || strides.length !== shape.length) {
			throw new UserFacingError(
				'model-unreadable',
				`${place}: a tensor of shape [${shape.join(', ')}] does not fit its storage ${storage.key} of ${storage.count} elements.`,
			);
		}
		this.storage = storage;
		this.offset = offset;
		this.shape = shape;
		this.strides = strides;
	}

	/** `origin` as in `FloatTensor`. */
	toWeight(origin?: string): WeightTensor {
		return new LazyTensor(this.shape, origin, () => this.storage.read(this.offset, this.shape, this.strides));
	}
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
	let expected = 1;
	for (let axis = shape.length - 1; axis >= 0; axis--) {
		if (shape[axis] !== 1 && strides[axis] !== expected) return false;
		expected *= shape[axis]!;
	}
	return true;
}

function gather(
	numbers: Float32Array,
	shape: readonly number[],
	strides: readonly number[],
	count: number,
): Float32Array {
	const out = new Float32Array(count);
	const place = new Array<number>(shape.length).fill(0);
	let from = 0;
	for (let to = 0; to < count; to++) {
		out[to] = numbers[from]!;
		for (let axis = shape.length - 1; axis >= 0; axis--) {
			from += strides[axis]!;
			if (++place[axis]! < shape[axis]!) break;
			from -= strides[axis]! * shape[axis]!;
			place[axis] = 0;
		}
	}
	return out;
}
