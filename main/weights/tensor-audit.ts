import { UserFacingError } from '../domain/errors.ts';
import { elementCount, LazyTensor } from '../domain/float-tensor.ts';
import type { Weights, WeightTensor } from './safetensors.ts';

/** How many tensors a message names; the rest is given as a number. */
const NAMED = 3;

/**
 * Compares a file of weights with what a network asks for while its graph is emitted once, without being built. Unlike
 * a lookup that throws at the first missing tensor, it continues with zeros and reports all at the end.
 */
export class TensorAudit {
	/** Names and shapes that were asked for, in order. */
	readonly asked = new Map<string, readonly number[]>();
	readonly #weights: Weights;
	readonly #place: string;
	readonly #model: string;

	/** `model`: what the file should be, for messages. */
	constructor(weights: Weights, place: string, model: string) {
		this.#weights = weights;
		this.#place = place;
		this.#model = model;
	}

	/** The lookup to emit a network with. */
	readonly lookup = (name: string, shape: readonly number[]): WeightTensor => {
		this.asked.set(name, shape);
		const tensor = this.#weights.get(name);
		if (tensor && sameShape(tensor.shape, shape)) return tensor;
		return new LazyTensor(shape, undefined, () => new Float32Array(elementCount(shape)));
	};

	/** Throws `tensor-mismatch`, naming the first few tensors that are missing, misshapen or superfluous. */
	finish(options: { remedy?: string } = {}): void {
		const missing: string[] = [];
		const misshapen: string[] = [];
		for (const [name, shape] of this.asked) {
			const tensor = this.#weights.get(name);
			if (!tensor) missing.push(`${name} [${shape.join(', ')}]`);
			else if (!sameShape(tensor.shape, shape))
				misshapen.push(`${name}, which should be [${shape.join(', ')}] and is [${tensor.shape.join(', ')}]`);
		}
		const superfluous = [...this.#weights.keys()].filter((name) => !this.asked.has(name));
		const faults = [
			describeFew('lacks', missing),
			describeFew('has in another shape', misshapen),
			describeFew('has besides', superfluous),
		].filter((fault) => fault !== null);
		if (faults.length === 0) return;
		throw new UserFacingError(
			'tensor-mismatch',
			`${this.#place} is not a ${this.#model}: it ${faults.join('; it ')}.`,
			options,
		);
	}
}

function describeFew(verb: string, names: readonly string[]): string | null {
	if (names.length === 0) return null;
	const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
	return `${verb} ${names.slice(0, NAMED).join(', ')}${more}`;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
	return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
