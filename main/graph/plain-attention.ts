import { assert } from '../domain/errors.ts';
import {
	type CompiledGraph,
	GraphBuilder,
	type GraphNode,
	type Tensor,
	type Value,
} from './graph-builder.ts';
import type { Dim } from './operation-count.ts';

/**
 * The graph with its fused attention spelled out as softmax(q · kᵀ · scale + bias) · v: for devices whose fused form computes
 * wrongly. Attention with a mask of keys stays fused. Multiply-adds are counted as before.
 */
export function withPlainAttention(graph: CompiledGraph): CompiledGraph {
	const constants = new Map(graph.constants);
	const nodes = graph.nodes.flatMap((node) =>
		node.opType === 'MultiHeadAttention' ? (spelledOut(graph, node, constants) ?? [node]) : [node],
	);
	return { ...graph, nodes, constants };
}

/**
 * Queries [n, k, heads · width], keys and values [n, m, heads · width] or [n, heads, m, width], a bias that broadcasts over [n, heads,
 * k, m] or none -> [n, k, heads · value width]. Null where there is a mask, or a past.
 */
function spelledOut(
	graph: CompiledGraph,
	node: GraphNode,
	constants: Map<string, Tensor>,
): GraphNode[] | null {
	const [queries, keys, values, ...more] = node.input.map((name) => valueOf(graph, name));
	const [inputBias, mask, bias, ...past] = more;
	if (inputBias || mask || past.some(Boolean)) return null;
	const { num_heads: heads, scale } = node.attributes;
	assert(
		queries && keys && values && typeof heads === 'number',
		'attention has queries, keys, values and heads',
	);
	const builder = new GraphBuilder(`${node.name}/`);
	const byHead = (x: Value, order: readonly number[]): Value => {
		const shape =
			x.shape.length === 4 ? x.shape : [x.shape[0]!, x.shape[1]!, heads, (x.shape[2] as number) / heads];
		const apart =
			x.shape.length === 4
				? x
				: builder.op('Reshape', [x, builder.integers([0, 0, heads, shape[3] as number])], { shape });
		const places = x.shape.length === 4 ? order : order.map((axis) => [0, 2, 1, 3][axis]!);
		if (places.every((axis, i) => axis === i)) return apart;
		const turned = places.map((axis) => shape[axis]!);
		return builder.op('Transpose', [apart], { shape: turned }, { attributes: { perm: places } });
	};
	const q = byHead(queries, [0, 1, 2, 3]);
	const k = byHead(keys, [0, 1, 3, 2]);
	const v = byHead(values, [0, 1, 2, 3]);
	const width = q.shape[3] as number;
	const factor = typeof scale === 'object' && 'float' in scale ? scale.float : 1 / Math.sqrt(width);
	const scaled = builder.op('Mul', [q, builder.floats([factor])], { shape: q.shape });
	const shape: Dim[] = [...q.shape.slice(0, 3), k.shape[3]!];
	const products = builder.op('MatMul', [scaled, k], { shape });
	const logits = bias ? builder.op('Add', [products, bias], { shape }) : products;
	const weights = builder.op('Softmax', [logits], { shape }, { attributes: { axis: -1 } });
	const summed = builder.op('MatMul', [weights, v], { shape: [...q.shape.slice(0, 3), v.shape[3]!] });
	const rows = builder.op(
		'Transpose',
		[summed],
		{ shape: [q.shape[0]!, q.shape[2]!, heads, v.shape[3]!] },
		{ attributes: { perm: [0, 2, 1, 3] } },
	);
	const together = builder.integers([0, 0, heads * (v.shape[3] as number)]);
	const attended = builder.op('Reshape', [rows, together], { shape: [] });
	const parts = builder.compile(node.name);
	for (const [name, tensor] of parts.constants) constants.set(name, tensor);
	const renamed = (name: string) => (name === attended.name ? node.output[0]! : name);
	return parts.nodes.map((part) => ({ ...part, output: part.output.map(renamed) }));
}

function valueOf({ values, constants }: CompiledGraph, name: string): Value | null {
	if (name === '') return null;
	const value = values.get(name);
	if (value) return value;
	const tensor = constants.get(name);
	assert(tensor, `a graph knows ${name}`);
	return { name, type: 'float32', shape: tensor.shape };
}
