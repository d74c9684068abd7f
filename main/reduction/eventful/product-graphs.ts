import { type CompiledGraph, GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import { Layers } from '../../graph/layers.ts';
import { noWeights, product, rounded } from './block-graphs.ts';
import type { Precision } from './method.ts';

/** Some heads of a block: graphs take as many at once as the processor's caches hold. */
const LANES = 'lanes';
/** Numbers of the selected keys, and of the queries whose sums are made anew. */
const KEYS = 'selected';
const QUERIES = 'renewed';
/** Twice the selected keys. */
const BOTH = 'both';

/** Of an attention over all tokens; `row`: of a query or a key, relative terms and the column of log sums included. */
export type ProductSizes = { tokens: number; keys: number; row: number; width: number };
/** How the product of attention and values is kept; see `BlockMethod`. */
export type ProductKind = { product: 'delta' | 'exact'; precision: Precision };

/*
 * Attention over time, without its matrix of logits. Every query i of a head remembers z_i = log Σ_j exp(l_ij), so that
 * exp(l_ij − z_i) is its share of key j. When keys of a set S change and query i does not, the sum changes by the factor
 * 1 + Σ_S exp(fresh l_ij − z_i) − Σ_S exp(stale l_ij − z_i): only terms of S are computed, with the fresh and with the
 * remembered keys. A changed query's sum is made anew. Logits are thus computed by rows and by columns, as published; the
 * published buffer of them (150 MB a block of 1,764 tokens) would have to cross into the runtime and back in every frame.
 *
 * A query's row ends with −z_i and a key's with 1, so that products of rows are l_ij − z_i at once. Rows of fresh sums have
 * the old z_i in them, and give by how much it is wrong.
 */

/**
 * Log sums of some queries, from nothing.
 * in: `queries` [lanes, renewed, row]; `keys` [lanes, keys, row]; exact: `values` [lanes, keys, width].
 * out: `correction` [lanes, renewed] of their log sums; exact: `mixed` [lanes, renewed, width], what they attend to.
 */
export function compileRenewal(sizes: ProductSizes, { product: kind }: ProductKind): CompiledGraph {
	const { graph, layers } = begin();
	const queries = graph.input('queries', 'float32', [LANES, QUERIES, sizes.row]);
	const keys = graph.input('keys', 'float32', [LANES, sizes.keys, sizes.row]);
	const logits = product(layers, queries, keys, 'second'); // [lanes, renewed, keys]
	const logShares = graph.op('LogSoftmax', [logits], { shape: logits.shape }, { attributes: { axis: -1 } });
	// log share = logit − log sum, for every key alike: the first one tells.
	const first = (x: Value) => firstAlong(layers, x, 2);
	graph.output('correction', minus(layers, first(logits), first(logShares)));
	if (kind === 'exact') {
		const values = graph.input('values', 'float32', [LANES, sizes.keys, sizes.width]);
		graph.output('mixed', layers.matmul(elementwise(layers, 'Exp', logShares), values));
	}
	return graph.compile('renewal');
}

/**
 * Attention of all queries, from nothing, as the delta product remembers it.
 * in: `queries` [lanes, tokens, row], `keys` [lanes, keys, row], `values` [lanes, keys, width].
 * out: `correction` [lanes, tokens] of log sums; `attention` [lanes, keys, tokens], a query's shares in a column; `mixed`
 * [lanes, tokens, width].
 */
export function compileStart(sizes: ProductSizes, { precision }: ProductKind): CompiledGraph {
	const { graph, layers } = begin();
	const queries = graph.input('queries', 'float32', [LANES, sizes.tokens, sizes.row]);
	const keys = graph.input('keys', 'float32', [LANES, sizes.keys, sizes.row]);
	const values = graph.input('values', 'float32', [LANES, sizes.keys, sizes.width]);
	const logits = product(layers, keys, queries, 'second'); // [lanes, keys, tokens]
	const tops = reduce(layers, 'ReduceMax', logits);
	const terms = elementwise(layers, 'Exp', minus(layers, logits, tops));
	const sums = reduce(layers, 'ReduceSum', terms);
	const correction = layers.add(tops, elementwise(layers, 'Log', sums));
	graph.output('correction', layers.reshape(correction, [LANES, sizes.tokens]));
	const shares = rounded(layers, times(layers, terms, elementwise(layers, 'Reciprocal', sums)), precision);
	graph.output('attention', shares);
	const mixed = product(layers, shares, rounded(layers, values, precision), 'first');
	graph.output('mixed', rounded(layers, mixed, precision));
	return graph.compile('start');
}

/**
 * The change that selected keys make.
 * in: `queries` [lanes, tokens, row], with up-to-date log sums where a query was renewed; `steady` [1, 1, tokens], 0 for
 * those and 1 for all others; of the selected keys, the fresh ones before the stale ones, `keys` [lanes, 2 · selected, row],
 * and `values.fresh`, `values.stale` [lanes, selected, width]; delta: `attention.stale` [lanes, selected, tokens];
 * `mixed.before` [lanes, tokens, width].
 * out: `grown` and `ratio` [lanes, tokens]: by what factor a query's sum grew before stale terms went, and altogether;
 * delta: `attention` [lanes, selected, tokens]; `mixed` [lanes, tokens, width], exact: without a meaning for renewed queries.
 */
export function compileUpdate(sizes: ProductSizes, { product: kind, precision }: ProductKind): CompiledGraph {
	const { graph, layers } = begin();
	const { tokens, row, width } = sizes;
	const queries = graph.input('queries', 'float32', [LANES, tokens, row]);
	const steady = graph.input('steady', 'int32', [1, 1, tokens]);
	const keys = graph.input('keys', 'float32', [LANES, BOTH, row]);
	const freshValues = graph.input('values.fresh', 'float32', [LANES, KEYS, width]);
	const staleValues = graph.input('values.stale', 'float32', [LANES, KEYS, width]);

	const both = elementwise(layers, 'Exp', product(layers, keys, queries, 'second'));
	// Sums are taken without cutting the terms apart.
	const apart = graph.op('Reshape', [both, graph.integers([0, 2, -1, tokens])], {
		shape: [LANES, 2, KEYS, tokens],
	});
	const sums = graph.op(
		'ReduceSum',
		[apart, graph.integers([2])],
		{ shape: [LANES, 2, tokens] },
		{ attributes: { keepdims: 0 } },
	);
	const [comes, goes] = layers.split(sums, [1, 1], 1) as [Value, Value]; // [lanes, 1, tokens]
	const one = graph.constant('one', { data: Float32Array.of(1), shape: [1] });
	const grown = layers.add(comes, one);
	const shrunk = minus(layers, grown, goes);
	const isSteady = graph.op(
		'Cast',
		[steady],
		{ type: 'bool', shape: steady.shape },
		{ attributes: { to: 9 } },
	);
	const ratio = graph.op('Where', [isSteady, shrunk, one], { type: 'float32', shape: shrunk.shape });
	graph.output('grown', layers.reshape(grown, [LANES, tokens]));
	graph.output('ratio', layers.reshape(ratio, [LANES, tokens]));
	const share = elementwise(layers, 'Reciprocal', ratio); // [lanes, 1, tokens]

	const before = graph.input('mixed.before', 'float32', [LANES, tokens, width]);
	if (kind === 'exact') {
		const negative = graph.op('Neg', [staleValues], { shape: staleValues.shape });
		const values = { ...layers.concat([freshValues, negative], 1), shape: [LANES, BOTH, width] };
		const changed = layers.add(before, product(layers, both, values, 'first'));
		graph.output('mixed', times(layers, changed, layers.reshape(share, [LANES, tokens, 1])));
		return graph.compile('update');
	}
	const kept = graph.input('attention.stale', 'float32', [LANES, KEYS, tokens]);
	const shares = rounded(layers, times(layers, firstAlong(layers, apart, 1), share), precision);
	graph.output('attention', shares);
	if (precision === 'float32') {
		// The remembered product is always remembered shares times remembered values: their selected part is exchanged.
		const enters = product(layers, shares, freshValues, 'first');
		const leaves = product(layers, kept, staleValues, 'first');
		graph.output('mixed', layers.add(before, minus(layers, enters, leaves)));
		return graph.compile('update');
	}
	// The order of the published code, each step rounded.
	const round = (x: Value) => rounded(layers, x, precision);
	const [valuesNow, valuesThen] = [round(freshValues), round(staleValues)];
	const valueChange = round(minus(layers, valuesNow, valuesThen));
	const shareChange = round(minus(layers, shares, kept));
	const first = round(layers.add(before, round(product(layers, shares, valueChange, 'first'))));
	const rest = round(product(layers, shareChange, round(minus(layers, valuesNow, valueChange)), 'first'));
	graph.output('mixed', round(layers.add(first, rest)));
	return graph.compile('update');
}

function begin() {
	const graph = new GraphBuilder();
	return { graph, layers: new Layers(graph, noWeights) };
}

/** The first of x along an axis, which goes. */
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
