import type { Value } from '../../graph/graph-builder.ts';
import { GraphBuilder } from '../../graph/graph-builder.ts';
import { Layers } from '../../graph/layers.ts';
import { headDim, planTokens } from '../../vit/plan.ts';
import { type BlockSource, product, roundToHalf } from './block-graphs.ts';

/** Numbers of the selected keys, and of the queries whose sums are made anew. */
const KEYS = 'selected';
const QUERIES = 'renewed';

type Sizes = { keys: number; extended: number };
type Kind = { product: 'delta' | 'exact'; half: boolean };

/*
 * Attention over time, without its matrix of logits. Every head remembers, for each query i, the largest logit top_i and
 * sum_i = Σ_j exp(l_ij − top_i). When keys of a set S change, and query i does not, only terms of S change in the sum:
 * they are computed twice, with the remembered and with the fresh keys. A changed query's sum is made anew. Logits are
 * thus computed by rows and columns, as published; the published buffer of them (150 MB a block of 1,764 tokens) would
 * have to cross into the runtime and back in every frame.
 *
 * Subtraction loses digits where a sum shrinks: `peaks`, the largest that a sum has been since it was made anew, tells how
 * many, and the caller renews those that lost too many.
 */

/**
 * Attention of all queries, from nothing.
 * in: `queries` [heads, tokens, extended], `keys` [heads, keys, extended], `values` [heads, keys, headDim].
 * out: `tops`, `sums` [heads, tokens]; `mixed` [tokens, dim]; delta: `attention` [heads, keys, tokens], a query's shares in
 * a column; exact: `numerators` [heads, tokens, headDim], mixed before it is divided by the sums.
 */
export function compileStart(source: BlockSource, sizes: Sizes, { product: kind, half }: Kind) {
	return build(source, 'start', (layers) => {
		const { graph } = layers;
		const { queries, keys, values } = inputs(source, layers, sizes);
		const logits = product(layers, keys, queries, 'second'); // [heads, keys, tokens]
		const tops = reduce(layers, 'ReduceMax', logits, 1);
		const terms = exponential(layers, logits, tops);
		const sums = reduce(layers, 'ReduceSum', terms, 1);
		graph.output('tops', tops);
		graph.output('sums', sums);
		if (kind === 'exact') {
			const numerators = product(layers, terms, values, 'first');
			graph.output('numerators', numerators);
			graph.output('mixed', joinHeads(layers, over(layers, numerators, sums, 2)));
			return;
		}
		const shares = rounded(layers, over(layers, terms, sums, 1), half);
		graph.output('attention', shares);
		const mixed = product(layers, shares, rounded(layers, values, half), 'first');
		graph.output('mixed', joinHeads(layers, rounded(layers, mixed, half)));
	});
}

/**
 * The change that selected keys make.
 * in: as above, `queries` and `keys` (exact: `values` too) up to date; of the selected keys, fresh and stale,
 * `keys.fresh`, `keys.stale` [heads, selected, extended], `values.fresh`, `values.stale` [heads, selected, headDim];
 * `renewed` [renewed], the queries whose sums are made anew, changed ones among them, and `slots` [heads, renewed, 2],
 * their places (head, query); `tops.before`, `sums.before`, `peaks.before`; delta: `attention.stale`
 * [heads, selected, tokens], and with half precision `mixed.before` [tokens, dim]; exact: `numerators.before`.
 * out: `tops`, `sums`, `peaks` [heads, tokens]; delta: `attention` [heads, selected, tokens]; `change` [tokens, dim], what is
 * to be added to the mixed tokens, or with half precision `mixed`; exact: `numerators`, `mixed`.
 */
export function compileUpdate(source: BlockSource, sizes: Sizes, { product: kind, half }: Kind) {
	return build(source, 'update', (layers) => {
		const { graph } = layers;
		const { heads } = source.plan;
		const tokens = planTokens(source.plan);
		const width = headDim(source.plan);
		const { queries, keys, values } = inputs(source, layers, sizes, kind === 'exact');
		const selected = (name: string, last: number) => graph.input(name, 'float32', [heads, KEYS, last]);
		const [freshKeys, staleKeys] = [
			selected('keys.fresh', sizes.extended),
			selected('keys.stale', sizes.extended),
		];
		const [freshValues, staleValues] = [selected('values.fresh', width), selected('values.stale', width)];
		const renewed = graph.input('renewed', 'int32', [QUERIES]);
		const slots = graph.input('slots', 'int64', [heads, QUERIES, 2]);
		const before = (name: string) => graph.input(`${name}.before`, 'float32', [heads, tokens]);

		// Rows: sums of renewed queries over all keys.
		const rowQueries = graph.op(
			'Gather',
			[queries, renewed],
			{ shape: [heads, QUERIES, sizes.extended] },
			{ attributes: { axis: 1 } },
		);
		const rowLogits = product(layers, rowQueries, keys, 'second'); // [heads, renewed, keys]
		const rowTops = reduce(layers, 'ReduceMax', rowLogits, 2);
		const rowTerms = elementwise(layers, 'Exp', minus(layers, rowLogits, unsqueeze(layers, rowTops, 2)));
		const rowSums = reduce(layers, 'ReduceSum', rowTerms, 2);

		// Columns: the terms of selected keys for all queries.
		const freshLogits = product(layers, freshKeys, queries, 'second'); // [heads, selected, tokens]
		const staleLogits = product(layers, staleKeys, queries, 'second');
		const topsBefore = before('tops');
		const raised = largest(layers, topsBefore, reduce(layers, 'ReduceMax', freshLogits, 1));
		const tops = layers.scatter(raised, slots, rowTops);
		const shift = elementwise(layers, 'Exp', minus(layers, topsBefore, tops));
		const freshTerms = exponential(layers, freshLogits, tops);
		const staleTerms = exponential(layers, staleLogits, tops);
		const grown = layers.add(
			times(layers, before('sums'), shift),
			reduce(layers, 'ReduceSum', freshTerms, 1),
		);
		const shrunk = minus(layers, grown, reduce(layers, 'ReduceSum', staleTerms, 1));
		const sums = layers.scatter(shrunk, slots, rowSums);
		const peaks = largest(layers, times(layers, before('peaks'), shift), grown);
		graph.output('tops', tops);
		graph.output('sums', sums);
		graph.output('peaks', layers.scatter(peaks, slots, rowSums));

		if (kind === 'exact') {
			const old = graph.input('numerators.before', 'float32', [heads, tokens, width]);
			const kept = times(layers, old, unsqueeze(layers, shift, 2));
			const gained = layers.add(kept, product(layers, freshTerms, freshValues, 'first'));
			const columns = minus(layers, gained, product(layers, staleTerms, staleValues, 'first'));
			const numerators = layers.scatter(columns, slots, layers.matmul(rowTerms, values));
			graph.output('numerators', numerators);
			graph.output('mixed', joinHeads(layers, over(layers, numerators, sums, 2)));
			return;
		}
		const stale = graph.input('attention.stale', 'float32', [heads, KEYS, tokens]);
		const shares = rounded(layers, over(layers, freshTerms, sums, 1), half);
		graph.output('attention', shares);
		if (!half) {
			// The remembered product is always remembered shares times remembered values: their selected part is exchanged.
			const comes = product(layers, shares, freshValues, 'first');
			graph.output(
				'change',
				joinHeads(layers, minus(layers, comes, product(layers, stale, staleValues, 'first'))),
			);
			return;
		}
		// The order of the published code, each step in half precision.
		const round = (x: Value) => roundToHalf(layers, x);
		const [valuesNow, valuesThen] = [round(freshValues), round(staleValues)];
		const valueChange = round(minus(layers, valuesNow, valuesThen));
		const shareChange = round(minus(layers, shares, stale));
		const mixed = splitHeads(
			layers,
			graph.input('mixed.before', 'float32', [tokens, source.plan.dim]),
			heads,
		);
		const first = round(layers.add(mixed, round(product(layers, shares, valueChange, 'first'))));
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

function inputs({ plan }: BlockSource, layers: Layers, { keys, extended }: Sizes, withValues = true) {
	const of = (name: string, n: number, width: number) =>
		layers.graph.input(name, 'float32', [plan.heads, n, width]);
	return {
		queries: of('queries', planTokens(plan), extended),
		keys: of('keys', keys, extended),
		values: withValues ? of('values', keys, headDim(plan)) : (null as unknown as Value),
	};
}

/** exp(logits − tops) of [heads, n, tokens] and [heads, tokens]. */
function exponential(layers: Layers, logits: Value, tops: Value): Value {
	return elementwise(layers, 'Exp', minus(layers, logits, unsqueeze(layers, tops, 1)));
}

function rounded(layers: Layers, x: Value, half: boolean): Value {
	return half ? roundToHalf(layers, x) : x;
}

/** x divided by sums [heads, tokens], which stand along the axis that is not `axis`. */
function over(layers: Layers, x: Value, sums: Value, axis: number): Value {
	return layers.graph.op('Mul', [x, elementwise(layers, 'Reciprocal', unsqueeze(layers, sums, axis))], {
		shape: x.shape,
	});
}

function elementwise(layers: Layers, type: 'Exp' | 'Reciprocal', x: Value): Value {
	return layers.graph.op(type, [x], { shape: x.shape });
}

function minus(layers: Layers, a: Value, b: Value): Value {
	return layers.graph.op('Sub', [a, b], { shape: a.shape });
}

function times(layers: Layers, a: Value, b: Value): Value {
	return layers.graph.op('Mul', [a, b], { shape: a.shape });
}

function largest(layers: Layers, a: Value, b: Value): Value {
	return layers.graph.op('Max', [a, b], { shape: a.shape });
}

/** Reduces one axis of x, which goes. */
function reduce(layers: Layers, type: 'ReduceMax' | 'ReduceSum', x: Value, axis: number): Value {
	return layers.graph.op(
		type,
		[x, layers.graph.integers([axis])],
		{ shape: x.shape.filter((_, i) => i !== axis) },
		{ attributes: { keepdims: 0 } },
	);
}

function unsqueeze(layers: Layers, x: Value, axis: number): Value {
	const shape = [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)];
	return layers.graph.op('Unsqueeze', [x, layers.graph.integers([axis])], { shape });
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
