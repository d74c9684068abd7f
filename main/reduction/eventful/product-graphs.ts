import type { Value } from '../../graph/graph-builder.ts';
import { GraphBuilder } from '../../graph/graph-builder.ts';
import { Layers } from '../../graph/layers.ts';
import { headDim, planTokens } from '../../vit/plan.ts';
import { type BlockSource, product, roundToHalf } from './block-graphs.ts';

/** Numbers of the selected keys, and of the queries whose sums are made anew. */
const KEYS = 'selected';
const QUERIES = 'renewed';
/** Twice the selected keys. */
const BOTH = 'both';

/** `row`: of a query or a key, relative terms and the column of log sums included. */
type Sizes = { keys: number; row: number };
type Kind = { product: 'delta' | 'exact'; half: boolean };

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
 * in: `queries` [heads, renewed, row]; `keys` [heads, keys, row]; exact: `values` [heads, keys, headDim].
 * out: `correction` [heads, renewed] of their log sums; exact: `mixed` [renewed, dim], what they attend to.
 */
export function compileRenewal(source: BlockSource, sizes: Sizes, { product: kind }: Kind) {
	return build(source, 'renewal', (layers) => {
		const { graph } = layers;
		const { heads } = source.plan;
		const queries = graph.input('queries', 'float32', [heads, QUERIES, sizes.row]);
		const keys = graph.input('keys', 'float32', [heads, sizes.keys, sizes.row]);
		const logits = product(layers, queries, keys, 'second'); // [heads, renewed, keys]
		const logShares = graph.op('LogSoftmax', [logits], { shape: logits.shape }, { attributes: { axis: -1 } });
		// log share = logit − log sum, for every key alike: the first one tells.
		const first = (x: Value) =>
			graph.op(
				'Gather',
				[x, graph.constant('first', { data: Int32Array.of(0), shape: [] })],
				{ shape: [heads, QUERIES] },
				{ attributes: { axis: 2 } },
			);
		graph.output('correction', minus(layers, first(logits), first(logShares)));
		if (kind === 'delta') return;
		const values = graph.input('values', 'float32', [heads, sizes.keys, headDim(source.plan)]);
		const mixed = layers.matmul(elementwise(layers, 'Exp', logShares), values);
		const rows = layers.transpose(mixed, [1, 0, 2]);
		graph.output('mixed', layers.reshape(rows, [QUERIES, source.plan.dim]));
	});
}

/**
 * Attention of all queries, from nothing, as the delta product remembers it.
 * in: `queries` [heads, tokens, row], `keys` [heads, keys, row], `values` [heads, keys, headDim].
 * out: `correction` [heads, tokens] of log sums; `attention` [heads, keys, tokens], a query's shares in a column; `mixed`
 * [tokens, dim].
 */
export function compileStart(source: BlockSource, sizes: Sizes, { half }: Kind) {
	return build(source, 'start', (layers) => {
		const { graph } = layers;
		const { heads } = source.plan;
		const queries = graph.input('queries', 'float32', [heads, planTokens(source.plan), sizes.row]);
		const keys = graph.input('keys', 'float32', [heads, sizes.keys, sizes.row]);
		const values = graph.input('values', 'float32', [heads, sizes.keys, headDim(source.plan)]);
		const logits = product(layers, keys, queries, 'second'); // [heads, keys, tokens]
		const tops = reduce(layers, 'ReduceMax', logits);
		const terms = elementwise(layers, 'Exp', minus(layers, logits, tops));
		const sums = reduce(layers, 'ReduceSum', terms);
		const correction = layers.add(tops, elementwise(layers, 'Log', sums));
		graph.output('correction', layers.reshape(correction, [heads, planTokens(source.plan)]));
		const shares = rounded(layers, times(layers, terms, elementwise(layers, 'Reciprocal', sums)), half);
		graph.output('attention', shares);
		const mixed = product(layers, shares, rounded(layers, values, half), 'first');
		graph.output('mixed', joinHeads(layers, rounded(layers, mixed, half)));
	});
}

/**
 * The change that selected keys make.
 * in: `queries` [heads, tokens, row], with up-to-date log sums where a query was renewed; `steady` [1, tokens], 0 for those
 * and 1 for all others; of the selected keys, the fresh ones before the stale ones, `keys` [heads, 2 · selected, row], and
 * `values.fresh`, `values.stale` [heads, selected, headDim]; delta: `attention.stale` [heads, selected, tokens]; exact and
 * half precision: `mixed.before` [tokens, dim].
 * out: `grown` and `ratio` [heads, tokens]: by what factor a query's sum grew before stale terms went, and altogether;
 * delta: `attention` [heads, selected, tokens] and `change` [tokens, dim], what is to be added to the mixed tokens; exact
 * and half precision: `mixed` [tokens, dim], in the first case without a meaning for renewed queries.
 */
export function compileUpdate(source: BlockSource, sizes: Sizes, { product: kind, half }: Kind) {
	return build(source, 'update', (layers) => {
		const { graph } = layers;
		const { heads, dim } = source.plan;
		const tokens = planTokens(source.plan);
		const width = headDim(source.plan);
		const queries = graph.input('queries', 'float32', [heads, tokens, sizes.row]);
		const steady = graph.input('steady', 'int32', [1, 1, tokens]);
		const selected = (name: string, last: number) => graph.input(name, 'float32', [heads, KEYS, last]);
		const keys = graph.input('keys', 'float32', [heads, BOTH, sizes.row]);
		const [freshValues, staleValues] = [selected('values.fresh', width), selected('values.stale', width)];

		const both = elementwise(layers, 'Exp', product(layers, keys, queries, 'second'));
		// [heads, fresh or stale, selected, tokens]: sums are taken without cutting the terms apart.
		const apart = graph.op('Reshape', [both, graph.integers([heads, 2, -1, tokens])], {
			shape: [heads, 2, KEYS, tokens],
		});
		const sums = graph.op(
			'ReduceSum',
			[apart, graph.integers([2])],
			{ shape: [heads, 2, tokens] },
			{ attributes: { keepdims: 0 } },
		);
		const [comes, goes] = layers.split(sums, [1, 1], 1) as [Value, Value]; // [heads, 1, tokens]
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
		graph.output('grown', layers.reshape(grown, [heads, tokens]));
		graph.output('ratio', layers.reshape(ratio, [heads, tokens]));
		const share = elementwise(layers, 'Reciprocal', ratio); // [heads, 1, tokens]

		const before = () => splitHeads(layers, graph.input('mixed.before', 'float32', [tokens, dim]), heads);
		if (kind === 'exact') {
			const negative = graph.op('Neg', [staleValues], { shape: staleValues.shape });
			const values = { ...layers.concat([freshValues, negative], 1), shape: [heads, BOTH, width] };
			const changed = layers.add(before(), product(layers, both, values, 'first'));
			const mixed = times(layers, changed, layers.reshape(share, [heads, tokens, 1]));
			graph.output('mixed', joinHeads(layers, mixed));
			return;
		}
		const kept = graph.input('attention.stale', 'float32', [heads, KEYS, tokens]);
		const fresh = graph.op(
			'Gather',
			[apart, graph.constant('first', { data: Int32Array.of(0), shape: [] })],
			{ shape: [heads, KEYS, tokens] },
			{ attributes: { axis: 1 } },
		);
		const shares = rounded(layers, times(layers, fresh, share), half);
		graph.output('attention', shares);
		if (!half) {
			// The remembered product is always remembered shares times remembered values: their selected part is exchanged.
			const comes = product(layers, shares, freshValues, 'first');
			graph.output(
				'change',
				joinHeads(layers, minus(layers, comes, product(layers, kept, staleValues, 'first'))),
			);
			return;
		}
		// The order of the published code, each step in half precision.
		const round = (x: Value) => roundToHalf(layers, x);
		const [valuesNow, valuesThen] = [round(freshValues), round(staleValues)];
		const valueChange = round(minus(layers, valuesNow, valuesThen));
		const shareChange = round(minus(layers, shares, kept));
		const first = round(layers.add(before(), round(product(layers, shares, valueChange, 'first'))));
		const rest = round(product(layers, shareChange, round(minus(layers, valuesNow, valueChange)), 'first'));
		graph.output('mixed', joinHeads(layers, round(layers.add(first, rest))));
	});
}

function build(source: BlockSource, name: string, emit: (layers: Layers) => void) {
	const graph = new GraphBuilder();
	emit(new Layers(graph, source.weights));
	const title = `${source.block.name}:${name}`;
	return { name: title, bytes: graph.build(title) };
}

function rounded(layers: Layers, x: Value, half: boolean): Value {
	return half ? roundToHalf(layers, x) : x;
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

/** [heads, tokens, headDim] -> [tokens, dim] */
function joinHeads(layers: Layers, x: Value): Value {
	const [heads, tokens, width] = x.shape as [number, number, number];
	return layers.reshape(layers.transpose(x, [1, 0, 2]), [tokens, heads * width]);
}

/** [tokens, dim] -> [heads, tokens, headDim] */
function splitHeads(layers: Layers, x: Value, heads: number): Value {
	const [tokens, dim] = x.shape as [number, number];
	return layers.transpose(layers.reshape(x, [tokens, heads, dim / heads]), [1, 0, 2]);
}
