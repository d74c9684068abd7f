import { assert } from '../domain/errors.ts';
import { type CompiledGraph, GraphBuilder, type GraphNode, type Value } from './graph-builder.ts';

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

/**
 * The graph with its fused attention as `emit` gives it in operators of `builder`, which has a prefix of its own for their names; null
 * leaves it as it is. Multiply-adds are counted as before. The same graph where all of it stays.
 */
export function rewriteAttention(
	graph: CompiledGraph,
	emit: (attention: FusedAttention, builder: GraphBuilder) => Value | null,
): CompiledGraph {
	const constants = new Map(graph.constants);
	let isSame = true;
	let { opset } = graph;
	const nodes = graph.nodes.flatMap((node) => {
		const attention = node.opType === 'MultiHeadAttention' ? attentionOf(graph, node) : null;
		const builder = new GraphBuilder(`${node.name}/`);
		const answer = attention && emit(attention, builder);
		if (!answer) return [node];
		isSame = false;
		const parts = builder.compile(node.name);
		opset = Math.max(opset, parts.opset);
		for (const [name, tensor] of parts.constants) constants.set(name, tensor);
		const renamed = (name: string) => (name === answer.name ? node.output[0]! : name);
		return parts.nodes.map((part) => ({ ...part, output: part.output.map(renamed) }));
	});
	return isSame ? graph : { ...graph, opset, nodes, constants };
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
