import { type CompiledGraph, GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { BlockLayers } from '../../vit/block-layers.ts';
import { GridAttention, scale } from '../../vit/grid-attention.ts';
import { headDim, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import type { Precision } from './method.ts';

/** Number of tokens that a graph is given. */
const ROWS = 'rows';

/** The plan and weights of one block, and how wide its heads are. */
export type BlockSource = { plan: VitPlan; weights: WeightLookup; block: VitBlock };

/** A head's width with the relative positions of rows and columns behind it; see `GridAttention`. */
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
 * in: `x` [rows, dim], normed already unless `norm`; with relative positions `down` and `across` [rows], a token's place in
 * its window or on the grid; with turned positions `positions` [1, rows]. out: `queries` [rows, heads · extended], scaled,
 * relative terms behind each head; `keys`, `values` [rows, dim].
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
		const place = (name: string) => graph.input(name, 'int32', [ROWS]);
		const terms = block.relative
			? new GridAttention(layers, plan, block).queryTermsAt(q, place('down'), place('across'))
			: [];
		const queries = layers.concat([scale(layers, q, 1 / Math.sqrt(width)), ...terms], 2);
		const extended = queries.shape[2] as number;
		graph.output('queries', layers.reshape(queries, [ROWS, heads * extended]));
		graph.output('keys', keys);
		graph.output('values', values);
	});
}

/** in: `x` [rows, dim]. out: `y` [rows, dim], its projection. */
export function compileProjection(source: BlockSource): CompiledGraph {
	return compile(source, 'projection', (layers, parts) => {
		const x = layers.graph.input('x', 'float32', [ROWS, source.plan.dim]);
		layers.graph.output('y', parts.project(source.block, x));
	});
}

/** in: `x` [rows, dim], normed already unless `norm`. out: `y` [rows, dim], the MLP of it. */
export function compileMlp(source: BlockSource, norm: boolean): CompiledGraph {
	return compile(source, 'mlp', (layers, parts) => {
		const x = layers.graph.input('x', 'float32', [ROWS, source.plan.dim]);
		const normed = norm ? parts.normedForMlp(source.block, x) : x;
		layers.graph.output('y', parts.mlp(source.block, normed));
	});
}

/**
 * Attention in full, within each of some windows. Lanes are windows and, within each, heads: so nothing is transposed.
 * in: `queries` [lanes, places, extended]; `keys` [lanes, keys, extended]; `values` [lanes, keys, headDim].
 * out: `mixed` [lanes, places, headDim].
 */
export function compileAttention(sizes: {
	places: number;
	keys: number;
	width: number;
	extended: number;
	windowed: boolean;
	precision: Precision;
}): CompiledGraph {
	const { places, keys, width, extended, windowed, precision } = sizes;
	const graph = new GraphBuilder();
	const layers = new Layers(graph, noWeights);
	const q = graph.input('queries', 'float32', ['lanes', places, extended]);
	const k = graph.input('keys', 'float32', ['lanes', keys, extended]);
	const v = graph.input('values', 'float32', ['lanes', keys, width]);
	const round = (x: Value) => rounded(layers, x, precision);
	// Within windows the runtime's fused attention takes a fifth longer than its parts; over all tokens it is the quicker one.
	const apart = precision !== 'float32' || windowed;
	const attended = apart
		? round(layers.matmul(round(layers.softmax(product(layers, q, k, 'second'))), round(v)))
		: graph.op(
				'MultiHeadAttention',
				[q, k, v],
				{ shape: ['lanes', places, width] },
				{ domain: 'com.microsoft', attributes: { num_heads: 1, scale: { float: 1 } } },
			);
	graph.output('mixed', attended);
	return graph.compile('attention');
}

/** For graphs that have none. */
export function noWeights(name: string): never {
	throw new Error(`Assertion failed: a graph without weights asks for ${name}`);
}

/** a · b of [.., n, m] matrices, one of them read as its transpose. */
export function product(layers: Layers, a: Value, b: Value, transposedOne: 'first' | 'second'): Value {
	const first = transposedOne === 'first';
	const [rows, cols] = first ? [a.shape.at(-1)!, b.shape.at(-1)!] : [a.shape.at(-2)!, b.shape.at(-2)!];
	return layers.graph.op(
		'FusedMatMul',
		[a, b],
		{ shape: [...a.shape.slice(0, -2), rows, cols] },
		{ domain: 'com.microsoft', attributes: first ? { transA: 1 } : { transB: 1 } },
	);
}

/** Of TensorProto.DataType. */
const FORMATS = { float32: 1, float16: 10, bfloat16: 16 };

/** x, in single precision, rounded to numbers that `precision` has. */
export function rounded(layers: Layers, x: Value, precision: Precision): Value {
	if (precision === 'float32') return x;
	const cast = (of: Value, to: Precision) =>
		layers.graph.op('Cast', [of], { shape: x.shape }, { attributes: { to: FORMATS[to] } });
	return cast(cast(x, precision), 'float32');
}
