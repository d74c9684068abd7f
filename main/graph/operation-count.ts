/** A size known when the graph is built, or the name of one known only when it runs. */
export type Dim = number | string;

/** Values of the named sizes, such as `{ selected: 173 }`. */
export type DimValues = Readonly<Record<string, number>>;

/**
 * Multiply-adds of a graph as a sum of products of its sizes. One multiply-add counts as one operation;
 * element-wise work, norms and softmax are not counted, as in the published counts that we compare with.
 */
export type OperationCount = readonly (readonly Dim[])[];

/** Multiply-adds for given sizes. Throws if a named size has no value. */
export function countOperations(count: OperationCount, values: DimValues): number {
	return count.reduce(
		(sum, product) => sum + product.reduce<number>((p, dim) => p * dimValue(dim, values), 1),
		0,
	);
}

function dimValue(dim: Dim, values: DimValues): number {
	if (typeof dim === 'number') return dim;
	const value = values[dim];
	if (value === undefined) throw new Error(`Assertion failed: the size "${dim}" has no value`);
	return value;
}
