import { type CompiledGraph, GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { BlockLayers } from '../../vit/block-layers.ts';
import { GridAttention, scale } from '../../vit/grid-attention.ts';
import { headDim, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import type { Precision } from './method.ts';

/** Number of tokens that a graph reads. */
const ROWS = 'rows';

/** The plan and weights of one block, and how wide its heads are. */
export type BlockSource = { plan: VitPlan; weights: WeightLookup; block: VitBlock };

/** Dimensions of a head and the terms of its relative positions, one per row and column of keys; see `GridAttention`. */
export function extendedWidth({ plan, block }: BlockSource, keys: { rows: number; cols: number }): number {
	return headDim(plan) + (block.relative ? keys.rows + keys.cols : 0);
}

function compile(
	source: BlockSource,
	name: string,
	emit: (layers: Layers, parts: BlockLayers) => void,
): CompiledGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, source.weights);
	emit(layers, new BlockLayers(layers, source.plan));
	return graph.compile(`${source.block.name}:${name}`);
}

/**
 * Queries, keys and values of some tokens.
 * in: `x` [rows, dim], after the layer norm unless `norm`; with relative positions `row` and `col` [rows], a token's row and
 * column in its window or on the grid; with rotary positions `positions` [1, rows]. out: `queries` [rows, heads · extended],
 * scaled, each head followed by its relative terms; `keys`, `values` [rows, dim].
 */
export function compileProjections(source: BlockSource, norm: boolean): CompiledGraph {
	const { plan, block } = source;
	const { dim, heads } = plan;
	const width = headDim(plan);
	return compile(source, 'qkv', (layers, parts) => {
		const { graph } = layers;
		const x = graph.input('x', 'float32', [ROWS, dim]);
		const normed = norm ? parts.normed(block, x) : x;
		const positions = plan.rotary ? graph.input('positions', 'int64', [1, ROWS]) : null;
		const { queries: rows, keys, values } = parts.projections(block, normed, positions);
		const q = layers.reshape(rows, [ROWS, heads, width]);
		const position = (name: string) => graph.input(name, 'int32', [ROWS]);
		const terms = block.relative
			? new GridAttention(layers, plan, block).queryTermsAt(q, position('row'), position('col'))
			: [];
		const queries = layers.concat([scale(layers, q, 1 / Math.sqrt(width)), ...terms], 2);
		const extended = queries.shape[2] as number;
		graph.output('queries', layers.reshape(queries, [ROWS, heads * extended]));
		graph.output('keys', keys);
		graph.output('values', values);
	});
}

/** Projection of the attention output. in: `x` [rows, dim]. out: `y` [rows, dim]. */
export function compileProjection(source: BlockSource): CompiledGraph {
	return compile(source, 'projection', (layers, parts) => {
		const x = layers.graph.input('x', 'float32', [ROWS, source.plan.dim]);
		layers.graph.output('y', parts.project(source.block, x));
	});
}

/** in: `x` [rows, dim], after the layer norm unless `norm`. out: `y` [rows, dim], the MLP's output. */
export function compileMlp(source: BlockSource, norm: boolean): CompiledGraph {
	return compile(source, 'mlp', (layers, parts) => {
		const x = layers.graph.input('x', 'float32', [ROWS, source.plan.dim]);
		const normed = norm ? parts.normedForMlp(source.block, x) : x;
		layers.graph.output('y', parts.mlp(source.block, normed));
	});
}

/**
 * softmax(queries · keysᵀ) · values within each of some windows; the batch is windows × heads, so that nothing is transposed.
 * in: `queries` [batch, slots, extended]; `keys` [batch, keys, extended]; `values` [batch, keys, headDim].
 * out: `output` [batch, slots, headDim].
 */
export function compileAttention(sizes: {
	slots: number;
	keys: number;
	width: number;
	extended: number;
	windowed: boolean;
	precision: Precision;
}): CompiledGraph {
	const { slots, keys, width, extended, windowed, precision } = sizes;
	const graph = new GraphBuilder();
	const layers = new Layers(graph, noWeights);
	const q = graph.input('queries', 'float32', ['batch', slots, extended]);
	const k = graph.input('keys', 'float32', ['batch', keys, extended]);
	const v = graph.input('values', 'float32', ['batch', keys, width]);
	const round = (x: Value) => rounded(layers, x, precision);
	// Within windows the runtime's fused attention takes a fifth longer than separate products; over all tokens it is faster.
	const isSeparate = precision !== 'float32' || windowed;
	const attended = isSeparate
		? round(layers.matmul(round(layers.softmax(product(layers, q, k, 'second'))), round(v)))
		: graph.op(
				'MultiHeadAttention',
				[q, k, v],
				{ shape: ['batch', slots, width] },
				{ domain: 'com.microsoft', attributes: { num_heads: 1, scale: { float: 1 } } },
			);
	graph.output('output', attended);
	return graph.compile('attention');
}

/** The lookup of graphs that have no weights. */
export function noWeights(name: string): never {
	throw new Error(`Assertion failed: a graph without weights asks for ${name}`);
}

/** aᵀ · b or a · bᵀ of matrices [.., n, m]. */
export function product(layers: Layers, a: Value, b: Value, transposed: 'first' | 'second'): Value {
	const first = transposed === 'first';
	const [rows, cols] = first ? [a.shape.at(-1)!, b.shape.at(-1)!] : [a.shape.at(-2)!, b.shape.at(-2)!];
	return layers.graph.op(
		'FusedMatMul',
		[a, b],
		{ shape: [...a.shape.slice(0, -2), rows, cols] },
		{ domain: 'com.microsoft', attributes: first ? { transA: 1 } : { transB: 1 } },
	);
}

/** Values of TensorProto.DataType. */
const FORMATS = { float32: 1, float16: 10, bfloat16: 16 };

/** x rounded to `precision`, still stored as float32. */
export function rounded(layers: Layers, x: Value, precision: Precision): Value {
	if (precision === 'float32') return x;
	const cast = (of: Value, to: Precision) =>
		layers.graph.op('Cast', [of], { shape: x.shape }, { attributes: { to: FORMATS[to] } });
	return cast(cast(x, precision), 'float32');
}
