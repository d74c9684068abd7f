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
		if (!sameShape(tensor.shape, shape)) {
			throw new UserFacingError(
				'tensor-mismatch',
				`${place}: the tensor ${name} should have the shape [${shape.join(', ')}] (got [${tensor.shape.join(', ')}]).`,
			);
		}
		return tensor;
	};
}

/** Tensors that a sentence names of each kind of fault. */
const NAMED = 3;

/**
 * Holds a whole file against a model: hands out tensors as `requireTensors` does, but goes on where one does not fit
 * (with zeros in its place), so that `finish` can tell of all faults at once.
 */
export class TensorAudit {
	readonly #weights: Weights;
	readonly #place: string;
	readonly #model: string;
	readonly #asked = new Map<string, readonly number[]>();

	/** `model`: what the file should be, such as "Sparse DETR with ResNet-50". */
	constructor(weights: Weights, place: string, model: string) {
		this.#weights = weights;
		this.#place = place;
		this.#model = model;
	}

	/** Names and shapes of all that was asked for. */
	get asked(): ReadonlyMap<string, readonly number[]> {
		return this.#asked;
	}

	readonly lookup = (name: string, shape: readonly number[]): WeightTensor => {
		this.#asked.set(name, shape);
		const tensor = this.#weights.get(name);
		if (tensor && sameShape(tensor.shape, shape)) return tensor;
		return { data: new Float32Array(shape.reduce((size, dim) => size * dim, 1)), shape };
	};

	/** Throws `tensor-mismatch`, naming the first few tensors that are missing, misshapen or superfluous. */
	finish(): void {
		const missing: string[] = [];
		const misshapen: string[] = [];
		for (const [name, shape] of this.#asked) {
			const tensor = this.#weights.get(name);
			if (!tensor) missing.push(`${name} [${shape.join(', ')}]`);
			else if (!sameShape(tensor.shape, shape)) {
				misshapen.push(`${name} [${tensor.shape.join(', ')}] instead of [${shape.join(', ')}]`);
			}
		}
		const superfluous = [...this.#weights.keys()].filter((name) => !this.#asked.has(name));
		const faults = [
			firstFew('it lacks', missing),
			firstFew('it shapes otherwise', misshapen),
			firstFew('it has too many:', superfluous),
		].filter((fault) => fault !== null);
		if (faults.length === 0) return;
		throw new UserFacingError(
			'tensor-mismatch',
			`${this.#place} does not fit ${this.#model}: ${faults.join('; ')}.`,
		);
	}
}

function firstFew(what: string, names: readonly string[]): string | null {
	if (names.length === 0) return null;
	const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
	return `${what} ${names.slice(0, NAMED).join(', ')}${more}`;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
	return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
