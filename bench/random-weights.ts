import type { Weights, WeightTensor } from '../main/weights/safetensors.ts';

/** Matrices and kernels uniform with the variance that keeps a signal's size; norms that leave it as it is. */
export function randomWeights(shapes: Readonly<Record<string, readonly number[]>>): Weights {
	const random = randomNumbers(7);
	const weights = new Map<string, WeightTensor>();
	for (const [name, shape] of Object.entries(shapes)) {
		const data = new Float32Array(shape.reduce((size, dim) => size * dim, 1));
		if (shape.length > 1) {
			const reach = Math.sqrt(3 / (data.length / shape[0]!));
			for (let i = 0; i < data.length; i++) data[i] = reach * (2 * random() - 1);
		} else if (/(weight|running_var)$/.test(name)) data.fill(1);
		weights.set(name, { data, shape });
	}
	return weights;
}

/** Numbers from 0 to 1, the same for the same seed (Numerical Recipes' linear congruence). */
export function randomNumbers(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
}
