import { UserFacingError } from '../domain/errors.ts';
import type { WeightTensor, Weights } from './safetensors.ts';

/**
 * A lookup that insists on shapes. The returned function throws `tensor-mismatch`, naming `place`, where a
 * tensor is missing or shaped otherwise than the model needs.
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
