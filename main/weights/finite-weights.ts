import { UserFacingError } from '../domain/errors.ts';
import { LazyTensor } from '../domain/float-tensor.ts';
import type { Weights } from './safetensors.ts';

/** All bits of a float32's exponent, which numbers that are not finite have set. */
const EXPONENT = 0x7f800000;

/**
 * The same tensors, held to be finite when their numbers are read: none would be computed from them that means anything, and
 * the runtime takes NaN for a place in a table. Reading a tensor throws `model-unreadable`, naming `place` and the tensor.
 */
export function finiteWeights(weights: Weights, place: string): Weights {
	return new Map(
		Array.from(weights, ([name, tensor]) => {
			const read = () => {
				const { data } = tensor;
				requireFinite(data, `${place}: the tensor ${name}`);
				return data;
			};
			return [name, new LazyTensor(tensor.shape, tensor.origin, read)];
		}),
	);
}

function requireFinite(numbers: Float32Array, what: string): void {
	const bits = new Int32Array(numbers.buffer, numbers.byteOffset, numbers.length);
	let count = 0;
	let first = -1;
	for (let i = 0; i < bits.length; i++) {
		if ((bits[i]! & EXPONENT) !== EXPONENT) continue;
		if (count++ === 0) first = i;
	}
	if (count === 0) return;
	throw new UserFacingError(
		'model-unreadable',
		`${what} should hold finite numbers (got ${count} of ${numbers.length} that are not, the first ${numbers[first]} at ${first}).`,
		{ remedy: 'Download or convert the model anew.' },
	);
}
