import type { CompiledGraph, GraphBuilder, Value } from './graph-builder.ts';
import type { Dim } from './operation-count.ts';
import { type FusedAttention, rewriteAttention } from './rewrite-attention.ts';

/**
 * The graph with its fused attention spelled out as softmax(q · kᵀ · scale + bias) · v: for devices whose fused form computes
 * wrongly. Attention with a mask of keys stays fused. Multiply-adds are counted as before.
 */
export function withPlainAttention(graph: CompiledGraph): CompiledGraph {
	return rewriteAttention(graph, spelledOut);
}

/** -> [n, k, heads · value width] */
function spelledOut(
	{ heads, queries, keys, values, bias, scale }: FusedAttention,
	builder: GraphBuilder,
): Value {
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
	const scaled = builder.op('Mul', [q, builder.floats([scale])], { shape: q.shape });
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
	return builder.op('Reshape', [rows, together], { shape: [] });
}
