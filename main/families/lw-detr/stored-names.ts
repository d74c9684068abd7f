import type { WeightLookup } from '../../graph/layers.ts';
import { rowsOf } from '../../domain/float-tensor.ts';

/** Where a file keeps a tensor: under a name, or as one of equal `parts` of the rows of the tensor with that name. */
export type StoredName = { name: string; part?: number; parts?: number };

/** Looks tensors up by the names that the package's modules have, in a file that calls them otherwise. */
export function storedLookup(lookup: WeightLookup, stored: (name: string) => StoredName): WeightLookup {
	return (name, shape) => {
		const { name: place, part = 0, parts = 1 } = stored(name);
		if (parts === 1) return lookup(place, shape);
		const rows = shape[0]!;
		return rowsOf(lookup(place, [parts * rows, ...shape.slice(1)]), part * rows, rows);
	};
}

const ATTENTION = { q_proj: 'attention.query', k_proj: 'attention.key', v_proj: 'attention.value' };

/** The transformer's layers under the names that files have from before the package renamed them. */
export function earlierAttention(name: string, output: string): string {
	return name
		.replace(
			/\.attention\.([qkv]_proj)\./,
			(_, part: keyof typeof ATTENTION) => `.attention.${ATTENTION[part]}.`,
		)
		.replace('.attention.o_proj.', `.attention.${output}.`);
}
