import { type CompiledGraph, GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import { Layers } from '../../graph/layers.ts';
import { noWeights, product, rounded } from './block-graphs.ts';
import type { Precision } from './method.ts';

/** Heads of a block; graphs take as many at once as the processor's caches hold. */
const HEADS = 'heads';
/** Numbers of changed keys, and of queries whose sums are recomputed. */
const CHANGED = 'changed';
const RECOMPUTED = 'recomputed';
/** Twice the changed keys. */
const BOTH = 'both';

/** Sizes of attention over all tokens; `row` and `width` as in `RememberedProjections`. */
export type ProductSizes = { tokens: number; keys: number; row: number; width: number };
/** How the product of attention weights and values is updated, and its format; see `BlockMethod`. */
export type ProductKind = { product: 'delta' | 'exact'; precision: Precision };

/*
 * Attention over time, without its matrix of logits l = q · kᵀ / √headDim. Every query i of a head remembers the log-sum-exp
 * z_i = log Σ_j exp(l_ij), so that exp(l_ij − z_i) is its attention weight for key j (softmax). When keys of a set S change
 * and query i does not, its sum is multiplied by
 *
 *   ratio_i = 1 + Σ_S exp(fresh l_ij − z_i) − Σ_S exp(stale l_ij − z_i)
 *
 * so that only logits of S are computed, with the fresh and with the remembered keys. The sum of a changed query is recomputed
 * from all keys. Logits are thus computed by rows and by columns, as published (Eventful Transformers, section 4.2); the
 * published buffer of them (150 MB per block of 1,764 tokens) would have to be copied into the runtime and back every frame.
 *
 * Since a query's row ends with −z_i and a key's with 1, products of rows are l_ij − z_i. The log-sum-exp of these is the
 * correction of a z_i that is out of date.
 */

/**
 * Log-sum-exps of some queries, from all keys.
 * in: `queries` [heads, recomputed, row]; `keys` [heads, keys, row]; exact: `values` [heads, keys, width].
 * out: `correction` [heads, recomputed], to be added to z; exact: `output` [heads, recomputed, width], weights · values.
 */
export function compileLogSumExp(sizes: ProductSizes, { product: kind }: ProductKind): CompiledGraph {
	const { graph, layers } = begin();
	const queries = graph.input('queries', 'float32', [HEADS, RECOMPUTED, sizes.row]);
	const keys = graph.input('keys', 'float32', [HEADS, sizes.keys, sizes.row]);
	const logits = product(layers, queries, keys, 'second'); // [heads, recomputed, keys]
	const logWeights = graph.op('LogSoftmax', [logits], { shape: logits.shape }, { attributes: { axis: -1 } });
	// log-sum-exp = logit − log weight, the same for every key.
	const first = (x: Value) => firstAlong(layers, x, 2);
	graph.output('correction', minus(layers, first(logits), first(logWeights)));
	if (kind === 'exact') {
		const values = graph.input('values', 'float32', [HEADS, sizes.keys, sizes.width]);
		graph.output('output', layers.matmul(elementwise(layers, 'Exp', logWeights), values));
	}
	return graph.compile('log-sum-exp');
}

/**
 * Attention of all queries to all keys, as the delta product remembers it.
 * in: `queries` [heads, tokens, row], `keys` [heads, keys, row], `values` [heads, keys, width].
 * out: `correction` [heads, tokens], to be added to z; `weights` [heads, keys, tokens], transposed attention weights; `output`
 * [heads, tokens, width], weights · values.
 */
export function compileAllWeights(sizes: ProductSizes, { precision }: ProductKind): CompiledGraph {
	const { graph, layers } = begin();
	const queries = graph.input('queries', 'float32', [HEADS, sizes.tokens, sizes.row]);
	const keys = graph.input('keys', 'float32', [HEADS, sizes.keys, sizes.row]);
	const values = graph.input('values', 'float32', [HEADS, sizes.keys, sizes.width]);
	const logits = product(layers, keys, queries, 'second'); // [heads, keys, tokens]
	const largest = reduce(layers, 'ReduceMax', logits);
	const terms = elementwise(layers, 'Exp', minus(layers, logits, largest));
	const sums = reduce(layers, 'ReduceSum', terms);
	const correction = layers.add(largest, elementwise(layers, 'Log', sums));
	graph.output('correction', layers.reshape(correction, [HEADS, sizes.tokens]));
	const weights = rounded(layers, times(layers, terms, elementwise(layers, 'Reciprocal', sums)), precision);
	graph.output('weights', weights);
	const output = product(layers, weights, rounded(layers, values, precision), 'first');
	graph.output('output', rounded(layers, output, precision));
	return graph.compile('all-weights');
}

/**
 * The update of all queries by changed keys. With the delta product (section 4.3), A being weights and V values of the changed
 * keys, output += A_fresh · V_fresh − A_stale · V_stale; with the exact product, which remembers no weights, E being exp(l − z),
 * output = (output + E_fresh · V_fresh − E_stale · V_stale) / ratio.
 * in: `queries` [heads, tokens, row], with up-to-date log-sum-exps where a query's was recomputed; `unchanged` [1, 1, tokens],
 * 0 for those and 1 for all others; of the changed keys, fresh ones before stale ones, `keys` [heads, 2 · changed, row];
 * `values.fresh`, `values.stale` [heads, changed, width]; `output.before` [heads, tokens, width]; delta: `weights.stale`
 * [heads, changed, tokens].
 * out: `growth` and `ratio` [heads, tokens]: the factor of a query's sum before stale terms are subtracted, and altogether;
 * `output` [heads, tokens, width], with the exact product undefined for recomputed queries; delta: `weights` [heads, changed,
 * tokens].
 */
export function compileUpdate(sizes: ProductSizes, { product: kind, precision }: ProductKind): CompiledGraph {
	const { graph, layers } = begin();
	const { tokens, row, width } = sizes;
	const queries = graph.input('queries', 'float32', [HEADS, tokens, row]);
	const unchanged = graph.input('unchanged', 'int32', [1, 1, tokens]);
	const keys = graph.input('keys', 'float32', [HEADS, BOTH, row]);
	const freshValues = graph.input('values.fresh', 'float32', [HEADS, CHANGED, width]);
	const staleValues = graph.input('values.stale', 'float32', [HEADS, CHANGED, width]);

	const both = elementwise(layers, 'Exp', product(layers, keys, queries, 'second'));
	// Fresh and stale terms are summed without being sliced apart.
	const terms = graph.op('Reshape', [both, graph.integers([0, 2, -1, tokens])], {
		shape: [HEADS, 2, CHANGED, tokens],
	});
	const sums = graph.op(
		'ReduceSum',
		[terms, graph.integers([2])],
		{ shape: [HEADS, 2, tokens] },
		{ attributes: { keepdims: 0 } },
	);
	const [freshSum, staleSum] = layers.split(sums, [1, 1], 1) as [Value, Value]; // [heads, 1, tokens]
	const one = graph.constant('one', { data: Float32Array.of(1), shape: [1] });
	const growth = layers.add(freshSum, one);
	const change = minus(layers, growth, staleSum);
	const isUnchanged = graph.op(
		'Cast',
		[unchanged],
		{ type: 'bool', shape: unchanged.shape },
		{ attributes: { to: 9 } },
	);
	const ratio = graph.op('Where', [isUnchanged, change, one], { type: 'float32', shape: change.shape });
	graph.output('growth', layers.reshape(growth, [HEADS, tokens]));
	graph.output('ratio', layers.reshape(ratio, [HEADS, tokens]));
	const normalizer = elementwise(layers, 'Reciprocal', ratio); // [heads, 1, tokens]

	const before = graph.input('output.before', 'float32', [HEADS, tokens, width]);
	if (kind === 'exact') {
		const negative = graph.op('Neg', [staleValues], { shape: staleValues.shape });
		const values = { ...layers.concat([freshValues, negative], 1), shape: [HEADS, BOTH, width] };
		const unnormalized = layers.add(before, product(layers, both, values, 'first'));
		graph.output('output', times(layers, unnormalized, layers.reshape(normalizer, [HEADS, tokens, 1])));
		return graph.compile('update');
	}
	const staleWeights = graph.input('weights.stale', 'float32', [HEADS, CHANGED, tokens]);
	const weights = rounded(layers, times(layers, firstAlong(layers, terms, 1), normalizer), precision);
	graph.output('weights', weights);
	if (precision === 'float32') {
		const added = product(layers, weights, freshValues, 'first');
		const removed = product(layers, staleWeights, staleValues, 'first');
		graph.output('output', layers.add(before, minus(layers, added, removed)));
		return graph.compile('update');
	}
	// The published order, A_n · ΔV + ΔA · (V_n − ΔV), with every step rounded.
	const round = (x: Value) => rounded(layers, x, precision);
	const [valuesNow, valuesBefore] = [round(freshValues), round(staleValues)];
	const valueDelta = round(minus(layers, valuesNow, valuesBefore));
	const weightDelta = round(minus(layers, weights, staleWeights));
	const first = round(layers.add(before, round(product(layers, weights, valueDelta, 'first'))));
	const rest = round(product(layers, weightDelta, round(minus(layers, valuesNow, valueDelta)), 'first'));
	graph.output('output', round(layers.add(first, rest)));
	return graph.compile('update');
}

function begin() {
	const graph = new GraphBuilder();
	return { graph, layers: new Layers(graph, noWeights) };
}

/** The first of x along an axis, which is dropped. */
function firstAlong(layers: Layers, x: Value, axis: number): Value {
	const first = layers.graph.constant('first', { data: Int32Array.of(0), shape: [] });
	const shape = x.shape.filter((_, i) => i !== axis);
	return layers.graph.op('Gather', [x, first], { shape }, { attributes: { axis } });
}

function elementwise(layers: Layers, type: 'Exp' | 'Log' | 'Reciprocal', x: Value): Value {
	return layers.graph.op(type, [x], { shape: x.shape });
}

function minus(layers: Layers, a: Value, b: Value): Value {
	return layers.graph.op('Sub', [a, b], { shape: a.shape });
}

function times(layers: Layers, a: Value, b: Value): Value {
	return layers.graph.op('Mul', [a, b], { shape: a.shape });
}

/** Reduces the second of three axes to one. */
function reduce(layers: Layers, type: 'ReduceMax' | 'ReduceSum', x: Value): Value {
	const shape = [x.shape[0]!, 1, x.shape[2]!];
	return layers.graph.op(type, [x, layers.graph.integers([1])], { shape }, { attributes: { keepdims: 1 } });
}
