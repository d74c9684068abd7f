import { assert } from '../domain/errors.ts';
import type { CompiledGraph, GraphBuilder, GraphNode, Value } from './graph-builder.ts';
import { rewriteNodes } from './rewrite-nodes.ts';

/** Fused attention without a mask or a past: what it reads, and by what its products of queries and keys are scaled. */
export type FusedAttention = {
	heads: number;
	/** [n, k, heads · width] */
	queries: Value;
	/** Keys and values: [n, m, heads · width] or [n, heads, m, width]. */
	keys: Value;
	values: Value;
	/** Broadcasts over [n, heads, k, m]. */
	bias: Value | null;
	scale: number;
};

/** The graph with its fused attention as `emit` gives it; see `rewriteNodes`. */
export function rewriteAttention(
	graph: CompiledGraph,
	emit: (attention: FusedAttention, builder: GraphBuilder) => Value | null,
): CompiledGraph {
	return rewriteNodes(graph, (node, builder) => {
		const attention = node.opType === 'MultiHeadAttention' ? attentionOf(graph, node) : null;
		const answer = attention && emit(attention, builder);
		return answer && { answer, output: node.output[0]! };
	});
}

/** Null where there is a mask, or a past. */
function attentionOf(graph: CompiledGraph, { input, attributes }: GraphNode): FusedAttention | null {
	const [queries, keys, values, ...more] = input.map((name) => valueOf(graph, name));
	const [inputBias, mask, bias, ...past] = more;
	if (inputBias || mask || past.some(Boolean)) return null;
	const { num_heads: heads, scale } = attributes;
	assert(
		queries && keys && values && typeof heads === 'number',
		'attention has queries, keys, values and heads',
	);
	const given = typeof scale === 'object' && 'float' in scale ? scale.float : null;
	const width = (queries.shape[2] as number) / heads;
	return { heads, queries, keys, values, bias: bias ?? null, scale: given ?? 1 / Math.sqrt(width) };
}

function valueOf({ values, constants }: CompiledGraph, name: string): Value | null {
	if (name === '') return null;
	const value = values.get(name);
	if (value) return value;
	const tensor = constants.get(name);
	assert(tensor, `a graph knows ${name}`);
	return { name, type: 'float32', shape: tensor.shape };
}
