import { joinedTensors } from '../../domain/float-tensor.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import type { Weights } from '../../weights/safetensors.ts';

/** What a file calls a tensor that an emitter asks for: one name, or several of equal shape, joined along the first axis. */
export type FileNames = (name: string) => string | readonly string[];

/** A lookup under the names that an emitter uses, over one under those of a file. */
export function renamedLookup(lookup: WeightLookup, fileNames: FileNames): WeightLookup {
	return (name, shape) => {
		const names = fileNames(name);
		if (typeof names === 'string') return lookup(names, shape);
		const [rows, ...rest] = shape as [number, ...number[]];
		const parts = names.map((part) => lookup(part, [rows / names.length, ...rest]));
		return joinedTensors(parts, shape);
	};
}

/** A pattern in names, and what stands for it. */
export type Renaming = readonly [pattern: RegExp, to: string];

/** A name after all renamings, one after the other. */
export function renamed(name: string, renamings: readonly Renaming[]): string {
	return renamings.reduce((known, [pattern, to]) => known.replace(pattern, to), name);
}

/** The names of a layer's projections of queries, keys and values, where an emitter asks for all three as one matrix. */
export function separateProjections(name: string): string | readonly string[] {
	const [, attention, tensor] = /^(.*)\.in_proj_(weight|bias)$/.exec(name) ?? [];
	return tensor === undefined ? name : ['q', 'k', 'v'].map((part) => `${attention}.${part}_proj.${tensor}`);
}

/**
 * Weights under the names that published files have, whichever release of the package wrote them: `renamings` are those
 * of parts that other releases call otherwise. Counters of batches, which nothing reads, are left out.
 */
export function publishedNames(weights: Weights, renamings: readonly Renaming[]): Weights {
	const read = [...weights].filter(([name]) => !name.endsWith('.num_batches_tracked'));
	return new Map(read.map(([name, tensor]) => [renamed(name, renamings), tensor]));
}
