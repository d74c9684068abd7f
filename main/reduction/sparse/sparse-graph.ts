import { assert } from '../../domain/errors.ts';
import { tokenCount } from '../../domain/tokens.ts';
import { type CompiledGraph, GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { BlockLayers } from '../../vit/block-layers.ts';
import { assertPlain, type Scorer, type VitPlan } from '../../vit/plan.ts';
import { allPositions, gridAnswer, pictureInput } from '../vit-graphs.ts';

/** The names of the numbers of tokens that a sparse graph keeps and leaves out. */
export const KEPT = 'kept';
export const LEFT_OUT = 'left_out';

/** Some of the tokens: [n], and as positions [1, n]. */
type Some = { tokens: Value; positions: Value };
/** Either the tokens left out, for the scorer's own blocks, or the `places` [kept, 1] of the kept ones. */
type Ranked = { kept: Some } & ({ leftOut: Some } | { places: Value });

/**
 * Every token until the scorer, then only the best-scored ones as queries; keys and values come from all.
 * in: `picture`; `keep` [1], the number of tokens to keep. out: `kept` [kept], best first; `head` [kept,
 * width]; `scores` [tokens]; with `taps`, `last` [tokens, dim] after the last block. With `own`, what stands behind
 * the scorer is the scorer's own; at least one token must be left out then.
 */
export function compileSparse(
	plan: VitPlan,
	weights: WeightLookup,
	options: { own: boolean; taps?: boolean },
): CompiledGraph {
	const sparse = new SparseLayers(plan, weights);
	const { graph, layers } = sparse;
	const tokens = tokenCount(plan.grid);
	const keep = graph.input('keep', 'int64', [1]);
	const { x, scores } = sparse.ranking();
	const ranks = graph.integers([tokens]);
	const [, order] = graph.ops(
		'TopK',
		[scores, ranks],
		[{ shape: [tokens] }, { shape: [tokens], type: 'int64' }],
	);
	assert(order, 'TopK has two results');
	const kept = graph.op('Slice', [order, graph.integers([0]), keep], { shape: [KEPT], type: 'int64' });
	graph.output('scores', scores);
	graph.output('kept', kept);
	const others = () => graph.op('Slice', [order, keep, ranks], { shape: [LEFT_OUT], type: 'int64' });
	const some = (rows: Value, name: string): Some => ({
		tokens: rows,
		positions: layers.reshape(rows, [1, name]),
	});
	const places = () => layers.reshape(kept, [KEPT, 1]);
	const last = sparse.answer(x, {
		kept: some(kept, KEPT),
		...(options.own ? { leftOut: some(others(), LEFT_OUT) } : { places: places() }),
	});
	if (options.taps) graph.output('last', layers.scatter(x, places(), last));
	return graph.compile(`${plan.name}:sparse${options.own ? '-own' : ''}`);
}

/** The first half, for devices, which have no operators that cut lists of tokens. in: `picture`. out: `scores` [tokens], `tokens` [tokens, dim]. */
export function compileRanking(plan: VitPlan, weights: WeightLookup): CompiledGraph {
	const sparse = new SparseLayers(plan, weights);
	const { x, scores } = sparse.ranking();
	sparse.graph.output('scores', scores);
	sparse.graph.output('tokens', x);
	return sparse.graph.compile(`${plan.name}:ranking`);
}

/**
 * The second half. in: `tokens` [tokens, dim]; `kept` [kept], `kept.positions` [1, kept], and `kept.places` [kept, 1] or, with `own`,
 * `left_out` [left out] and `left_out.positions` [1, left out]. out: `head` [kept, width].
 */
export function compileRanked(
	plan: VitPlan,
	weights: WeightLookup,
	{ own }: { own: boolean },
): CompiledGraph {
	const sparse = new SparseLayers(plan, weights);
	const { graph } = sparse;
	const x = graph.input('tokens', 'float32', [tokenCount(plan.grid), plan.dim]);
	const some = (name: string): Some => ({
		tokens: graph.input(name, 'int64', [name]),
		positions: graph.input(`${name}.positions`, 'int64', [1, name]),
	});
	sparse.answer(x, {
		kept: some(KEPT),
		...(own ? { leftOut: some(LEFT_OUT) } : { places: graph.input(`${KEPT}.places`, 'int64', [KEPT, 1]) }),
	});
	return graph.compile(`${plan.name}:ranked${own ? '-own' : ''}`);
}

/** What all sparse graphs of a plan are made of. */
class SparseLayers {
	readonly graph = new GraphBuilder();
	readonly layers: Layers;
	readonly #plan: VitPlan;
	readonly #scorer: Scorer;
	readonly #parts: BlockLayers;

	constructor(plan: VitPlan, weights: WeightLookup) {
		assert(plan.scorer, `${plan.name} has a scorer`);
		assertPlain(plan);
		this.layers = new Layers(this.graph, weights);
		this.#plan = plan;
		this.#scorer = plan.scorer;
		this.#parts = new BlockLayers(this.layers, plan);
	}

	/** All tokens [tokens, dim] before the scorer, and what it says of them [tokens]. */
	ranking(): { x: Value; scores: Value } {
		const plan = this.#plan;
		const all = allPositions(this.graph, plan);
		let x = plan.embedPicture(this.layers, pictureInput(this.graph, plan));
		for (const block of plan.blocks.slice(0, this.#scorer.afterBlocks)) {
			const normed = this.#parts.normed(block, x);
			const [keys, values] = [this.#parts.keyRows(block, normed, all), this.#parts.valueRows(block, normed)];
			const attended = this.#parts.attend(this.#parts.queries(block, normed, all), keys, values);
			x = this.#parts.finish(block, x, attended);
		}
		const scores = this.layers.reshape(this.#scorer.score(this.layers, x), [tokenCount(plan.grid)]);
		return { x, scores };
	}

	/** Makes what the kept tokens answer an output; gives them behind the last block, [kept, dim]. */
	answer(x: Value, ranked: Ranked): Value {
		const plan = this.#plan;
		if ('places' in ranked) {
			const last = this.#sharedBlocks(x, ranked.kept, ranked.places);
			this.graph.output('head', gridAnswer(plan).emit(this.layers, [last]));
			return last;
		}
		const { own } = this.#scorer;
		assert(own, `${plan.name} has blocks of the scorer's own`);
		const last = this.#ownBlocks(x, own, ranked.kept, ranked.leftOut);
		this.graph.output('head', gridAnswer({ ...plan, ...own }).emit(this.layers, [last]));
		return last;
	}

	/** The kept rows of x behind blocks that see, of the tokens left out, what they make of them themselves. */
	#sharedBlocks(x: Value, kept: Some, places: Value): Value {
		const [layers, parts] = [this.layers, this.#parts];
		const all = allPositions(this.graph, this.#plan);
		for (const block of this.#plan.blocks.slice(this.#scorer.afterBlocks)) {
			const normed = parts.normed(block, x);
			const queries = parts.queries(block, layers.gatherRows(normed, kept.tokens), kept.positions);
			const attended = parts.attend(queries, parts.keys(block, normed, all), parts.values(block, normed));
			const finished = parts.finish(block, layers.gatherRows(x, kept.tokens), attended);
			x = layers.scatter(x, places, finished);
		}
		return layers.gatherRows(x, kept.tokens);
	}

	/** The kept rows of x behind the scorer's own blocks, which have maps of their own for the tokens left out. */
	#ownBlocks(x: Value, own: NonNullable<Scorer['own']>, kept: Some, leftOut: Some): Value {
		const [layers, parts] = [this.layers, this.#parts];
		const others = layers.plainLayerNorm(layers.gatherRows(x, leftOut.tokens), this.#plan.normEpsilon);
		/** [1, heads, kept, headDim] and [1, heads, left out, headDim] -> all tokens; attention does not mind their order. */
		const join = (ofKept: Value, ofOthers: Value) => {
			const shape = ofKept.shape.with(2, tokenCount(this.#plan.grid));
			return this.graph.op('Concat', [ofKept, ofOthers], { shape }, { attributes: { axis: 2 } });
		};
		let y = layers.gatherRows(x, kept.tokens);
		own.blocks.forEach((block, i) => {
			const normed = parts.normed(block, y);
			const queries = parts.queries(block, normed, kept.positions);
			const { keys, values } = parts.keysAndValuesFrom(own.rest[i]!, others, leftOut.positions);
			const attended = parts.attend(
				queries,
				join(parts.keys(block, normed, kept.positions), keys),
				join(parts.values(block, normed), values),
			);
			y = parts.finish(block, y, attended);
		});
		return y;
	}
}
