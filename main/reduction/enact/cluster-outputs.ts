import { clusterMap } from '../../domain/cluster-map.ts';
import { assert } from '../../domain/errors.ts';
import type { TokenMap } from '../../domain/tokens.ts';
import type { DimValues } from '../../graph/operation-count.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { clusterDims } from '../../vit/enact-clustering.ts';

/** Tokens per cluster as a clustered graph takes them; 0 = the data's own length. */
export function forcedLength(tokens: number): GraphTensor {
	return { type: 'int64', data: BigInt64Array.of(BigInt(tokens)), shape: [1] };
}

/** Outputs that a graph must give for `readClusters`. */
export function clusterOutputs(names: readonly string[]): string[] {
	return names.flatMap((name) => [`${name}.cluster_length`, `${name}.used_range`]);
}

/** How large the clusterings called `names` were in a run, for counting operations, and a picture of the last one. */
export function readClusters(
	outputs: Readonly<Record<string, GraphTensor>>,
	names: readonly string[],
	tokens: number,
): { dims: DimValues; map: TokenMap } {
	const whole = (name: string) => {
		const data = outputs[name]?.data;
		assert(data instanceof BigInt64Array, `the graph gives ${name} as int64`);
		return Array.from(data, Number);
	};
	const sizes = names.map((name) => ({ name, length: whole(`${name}.cluster_length`)[0]! }));
	const last = sizes.at(-1);
	assert(last, 'a graph with clusters has at least one clustering');
	const [first, end] = whole(`${last.name}.used_range`) as [number, number];
	return {
		dims: Object.assign(
			{},
			...sizes.map(({ name, length }) => clusterDims(name, length, tokens)),
		) as DimValues,
		map: clusterMap(tokens, first, end, last.length),
	};
}
