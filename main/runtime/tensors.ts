import { assert } from '../domain/errors.ts';
import type { GraphTensor, GraphTensors } from './runtime.ts';

/** A float32 tensor over `data`, whose length the shape must fit. */
export function float32(data: Float32Array, shape: readonly number[]): GraphTensor & { type: 'float32' } {
	assert(
		data.length === shape.reduce((size, dim) => size * dim, 1),
		`a tensor of shape [${shape.join(', ')}] does not hold ${data.length} numbers`,
	);
	return { type: 'float32', data, shape };
}

/** Whole numbers as a tensor [n], int64: counts and indices. */
export function int64(...numbers: readonly number[]): GraphTensor & { type: 'int64' } {
	return { type: 'int64', data: BigInt64Array.from(numbers, BigInt), shape: [numbers.length] };
}

/** The numbers of a float32 output. */
export function floats(outputs: GraphTensors, name: string): Float32Array {
	const tensor = outputs[name];
	assert(tensor?.type === 'float32', `the graph gives ${name} as float32`);
	return tensor.data;
}

/** The numbers of an int64 or int32 output. */
export function integers(outputs: GraphTensors, name: string): Int32Array {
	const tensor = outputs[name];
	assert(tensor?.type === 'int64' || tensor?.type === 'int32', `the graph gives ${name} as whole numbers`);
	return tensor.type === 'int32' ? tensor.data : Int32Array.from(tensor.data, Number);
}
