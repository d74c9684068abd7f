import { UserFacingError } from '../domain/errors.ts';
import type { WeightTensor, Weights } from './safetensors.ts';

/**
 * A lookup that checks shapes. The returned function throws `tensor-mismatch`, naming `place`, if a tensor is missing
 * or has another shape than the model needs.
 */
export function requireTensors(weights: Weights, place: string) {
	return (name: string, shape: readonly number[]): WeightTensor => {
		const tensor = weights.get(name);
		if (!tensor) {
			throw new UserFacingError(
				'tensor-mismatch',
				`${place} lacks the tensor ${name} of shape [${shape.join(', ')}].`,
			);
		}
		if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
			throw new UserFacingError(
				'tensor-mismatch',
				`${place}: the tensor ${name} should have the shape [${shape.join(', ')}] (got [${tensor.shape.join(', ')}]).`,
			);
		}
		return tensor;
	};
}
