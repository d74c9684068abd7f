import { assert } from '../domain/errors.ts';
import { tokenCount } from '../domain/tokens.ts';
import { type CompiledGraph, GraphBuilder, type Value } from '../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../graph/layers.ts';
import { BlockLayers } from '../vit/block-layers.ts';
import { attendAll, GridAttention } from '../vit/grid-attention.ts';
import {
	assertPlain,
	attendsPlainly,
	type Scorer,
	type TokenAnswer,
	tokenTotal,
	type VitBlock,
	type VitPlan,
} from '../vit/plan.ts';

/** The names of the numbers of tokens that a sparse graph keeps and leaves out. */
export const KEPT = 'kept';
export const LEFT_OUT = 'left_out';

/**
 * Every token of a picture.
 * in: `picture` [1, 3, height, width]. out: the plan's answers, `head` [grid tokens, width] and `extra` [extra tokens, width];
 * where the plan has a scorer, `scores` [tokens, 1]. With `keepKeysAndValues`, of plans that pool nothing, per block `keys.i`
 * and `values.i` [1, heads, tokens, headDim], rotated, and `residual.i` [tokens, dim], what its residual reads. With `taps` also `stem` and `embedded`, tokens before and with
 * absolute positions, and `block.i`, behind the block's MLP and residual. With `fromTokens` the input is `tokens`
 * [tokens, dim] instead, as the stem gives them; `asKept` changes keys and values before they are given.
 */
export function compileFull(
	plan: VitPlan,
	weights: WeightLookup,
	options: {
		keepKeysAndValues: boolean;
		withScores: boolean;
		taps?: boolean;
		fromTokens?: boolean;
		asKept?: (layers: Layers, block: VitBlock, of: 'keys' | 'values', all: Value) => Value;
	},
): CompiledGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const parts = new BlockLayers(layers, plan);
	const positions = allPositions(graph, plan);
	const stem = options.fromTokens
		? graph.input('tokens', 'float32', [tokenTotal(plan), plan.dim])
		: parts.withExtra(plan.embedPicture(layers, pictureInput(graph, plan)));
	if (options.taps && !options.fromTokens) graph.output('stem', stem);
	let x = parts.positioned(stem);
	if (options.taps && plan.absolute) graph.output('embedded', x);
	const states = [x];
	plan.blocks.forEach((block, i) => {
		if (options.withScores && plan.scorer?.afterBlocks === i)
			graph.output('scores', plan.scorer.score(layers, x));
		const normed = parts.normed(block, x);
		if (options.keepKeysAndValues) {
			const { keys, values, attended } = attendAndKeep(layers, plan, parts, block, normed, positions);
			const { asKept = (_layers, _block, _of, all) => all } = options;
			graph.output(`keys.${i}`, asKept(layers, block, 'keys', keys));
			graph.output(`values.${i}`, asKept(layers, block, 'values', values));
			x = parts.finish(block, x, attended);
			if (block.residual) graph.output(`residual.${i}`, x);
		} else {
			x = parts.finish(block, x, attendAll(layers, plan, parts, block, normed, positions));
		}
		x = parts.withResidual(block, x);
		if (options.taps) graph.output(`block.${i}`, x);
		x = parts.positionedAfter(block, x);
		states.push(x);
	});
	outputAnswers(
		layers,
		parts,
		plan,
		plan.features.map((blocks) => states[blocks]!),
	);
	return graph.compile(`${plan.name}:full`);
}

/** Attention among all tokens as `attendAll`, with the keys and values [1, heads, tokens, headDim] that it saw. */
function attendAndKeep(
	layers: Layers,
	plan: VitPlan,
	parts: BlockLayers,
	block: VitBlock,
	normed: Value,
	positions: Value,
): { keys: Value; values: Value; attended: Value } {
	assert(!block.pool, `${plan.name} keeps its keys as they are`);
	if (attendsPlainly(block)) {
		const [keys, values] = [parts.keys(block, normed, positions), parts.values(block, normed)];
		return { keys, values, attended: parts.attend(parts.queries(block, normed, positions), keys, values) };
	}
	const attention = new GridAttention(layers, plan, block);
	const rows = parts.projections(block, normed, null);
	return {
		keys: parts.byHead(rows.keys),
		values: parts.byHead(rows.values),
		attended: attention.toTokens(attention.within(attention.bySlot(rows), attention.layout.count)),
	};
}

/** Everything before the blocks. in: `picture` [1, 3, height, width]. out: `tokens` [tokens, dim], before absolute positions. */
export function compileStem(plan: VitPlan, weights: WeightLookup): CompiledGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const gridTokens = plan.embedPicture(layers, pictureInput(graph, plan));
	graph.output('tokens', new BlockLayers(layers, plan).withExtra(gridTokens));
	return graph.compile(`${plan.name}:stem`);
}

/** The output of block i's residual branch. in: `tokens` [tokens, dim]. out: `added` [tokens, dim]. */
export function compileResidual(plan: VitPlan, weights: WeightLookup, i: number): CompiledGraph {
	const block = plan.blocks[i]!;
	assert(block.residual, `${block.name} has something behind its MLP`);
	const graph = new GraphBuilder();
	const tokens = graph.input('tokens', 'float32', [tokenTotal(plan), plan.dim]);
	graph.output('added', block.residual(new Layers(graph, weights), tokens));
	return graph.compile(`${block.name}:residual`);
}

/** The plan's answers. in: `tokens.i` [tokens, dim] per entry i of `features`. out: as `compileFull`. */
export function compileHead(plan: VitPlan, weights: WeightLookup): CompiledGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const features = plan.features.map((_, i) =>
		graph.input(`tokens.${i}`, 'float32', [tokenTotal(plan), plan.dim]),
	);
	outputAnswers(layers, new BlockLayers(layers, plan), plan, features);
	return graph.compile(`${plan.name}:head`);
}

/** Adds the plan's answers from `features` [tokens, dim] as outputs: `head` of the grid's tokens, `extra` of the others. */
function outputAnswers(layers: Layers, parts: BlockLayers, plan: VitPlan, features: readonly Value[]): void {
	const { grid, extra } = plan.answers;
	const apart = features.map((tokens) => parts.apart(tokens));
	if (grid) {
		const rows = apart.map((tokens) => tokens.grid);
		layers.graph.output('head', grid.emit(layers, rows));
	}
	if (extra) {
		const rows = apart.map((tokens) => tokens.extra).filter((tokens) => tokens !== null);
		layers.graph.output('extra', extra.emit(layers, rows));
	}
}

/** The answer of the grid's tokens, for modes that support no others. */
export function gridAnswer({ answers, name }: Pick<VitPlan, 'answers' | 'name'>): TokenAnswer {
	assert(answers.grid, `${name} answers from the tokens of the grid`);
	return answers.grid;
}

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
	const scorer = plan.scorer;
	assert(scorer, `${plan.name} has a scorer`);
	assertPlain(plan);
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const parts = new BlockLayers(layers, plan);
	const tokens = tokenCount(plan.grid);
	const all = allPositions(graph, plan);
	const keep = graph.input('keep', 'int64', [1]);

	let x = plan.embedPicture(layers, pictureInput(graph, plan));
	for (const block of plan.blocks.slice(0, scorer.afterBlocks)) {
		const normed = parts.normed(block, x);
		const queries = parts.queries(block, normed, all);
		x = parts.finish(
			block,
			x,
			parts.attend(queries, parts.keys(block, normed, all), parts.values(block, normed)),
		);
	}
	const scores = layers.reshape(scorer.score(layers, x), [tokens]);
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

	let last: Value;
	if (options.own) {
		assert(scorer.own, `${plan.name} has no blocks of the scorer's own`);
		const others = graph.op('Slice', [order, keep, ranks], { shape: [LEFT_OUT], type: 'int64' });
		last = ownBlocks(layers, parts, plan, scorer.own, x, kept, others);
		graph.output('head', gridAnswer({ ...plan, ...scorer.own }).emit(layers, [last]));
	} else {
		last = sharedBlocks(layers, parts, plan.blocks.slice(scorer.afterBlocks), x, kept, all);
		graph.output('head', gridAnswer(plan).emit(layers, [last]));
	}
	if (options.taps) graph.output('last', layers.scatter(x, layers.reshape(kept, [KEPT, 1]), last));
	return graph.compile(`${plan.name}:sparse${options.own ? '-own' : ''}`);
}

/** The kept rows of x behind blocks that see, of the tokens left out, what they make of them themselves. */
function sharedBlocks(
	layers: Layers,
	parts: BlockLayers,
	blocks: VitPlan['blocks'],
	x: Value,
	kept: Value,
	all: Value,
): Value {
	const positions = layers.reshape(kept, [1, KEPT]);
	const rows = layers.reshape(kept, [KEPT, 1]);
	for (const block of blocks) {
		const normed = parts.normed(block, x);
		const queries = parts.queries(block, layers.gatherRows(normed, kept), positions);
		const attended = parts.attend(queries, parts.keys(block, normed, all), parts.values(block, normed));
		x = layers.scatter(x, rows, parts.finish(block, layers.gatherRows(x, kept), attended));
	}
	return layers.gatherRows(x, kept);
}

/** The kept rows of x behind the scorer's own blocks, which have maps of their own for the tokens left out. */
function ownBlocks(
	layers: Layers,
	parts: BlockLayers,
	plan: VitPlan,
	own: NonNullable<Scorer['own']>,
	x: Value,
	kept: Value,
	leftOut: Value,
): Value {
	const positions = layers.reshape(kept, [1, KEPT]);
	const otherPositions = layers.reshape(leftOut, [1, LEFT_OUT]);
	const others = layers.plainLayerNorm(layers.gatherRows(x, leftOut), plan.normEpsilon);
	/** [1, heads, kept, headDim] and [1, heads, left out, headDim] -> all tokens; attention does not mind their order. */
	const join = (ofKept: Value, ofOthers: Value) => {
		const shape = ofKept.shape.with(2, tokenCount(plan.grid));
		return layers.graph.op('Concat', [ofKept, ofOthers], { shape }, { attributes: { axis: 2 } });
	};
	let y = layers.gatherRows(x, kept);
	own.blocks.forEach((block, i) => {
		const normed = parts.normed(block, y);
		const queries = parts.queries(block, normed, positions);
		const { keys, values } = parts.keysAndValuesFrom(own.rest[i]!, others, otherPositions);
		const attended = parts.attend(
			queries,
			join(parts.keys(block, normed, positions), keys),
			join(parts.values(block, normed), values),
		);
		y = parts.finish(block, y, attended);
	});
	return y;
}

export function allPositions(graph: GraphBuilder, plan: VitPlan): Value {
	const tokens = tokenTotal(plan);
	const data = BigInt64Array.from({ length: tokens }, (_, token) => BigInt(token));
	return graph.constant('positions:all', { data, shape: [1, tokens] });
}

export function pictureInput(graph: GraphBuilder, plan: VitPlan): Value {
	const { rows, cols, stride } = plan.grid;
	return graph.input('picture', 'float32', [1, 3, rows * stride, cols * stride]);
}
