import { assert } from '../domain/errors.ts';
import { type CompiledGraph, GraphBuilder, type Value } from '../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../graph/layers.ts';
import { BlockLayers } from '../vit/block-layers.ts';
import { attendAll, GridAttention } from '../vit/grid-attention.ts';
import { attendsPlainly, type TokenAnswer, tokenTotal, type VitBlock, type VitPlan } from '../vit/plan.ts';

/**
 * Every token of a picture.
 * in: `picture` [1, 3, height, width]. out: the plan's answers, `head` [grid tokens, width] and `extra` [extra tokens, width];
 * where the plan has a scorer, `scores` [tokens, 1]. With `keepKeysAndValues`, of plans that pool nothing, per block `keys.i`
 * and `values.i` [1, heads, tokens, headDim], rotated, and `residual.i` [tokens, dim], what its residual reads. With `taps` also `stem` and `embedded`, tokens before and with
 * absolute positions, and `block.i`, behind the block's MLP and residual. With `fromTokens` the input is `tokens`
 * [tokens, dim] instead, as the stem gives them; `asKept` changes the keys and values of a block, by its number, before they are given.
 */
export function compileFull(
	plan: VitPlan,
	weights: WeightLookup,
	options: {
		keepKeysAndValues: boolean;
		withScores: boolean;
		taps?: boolean;
		fromTokens?: boolean;
		asKept?: (layers: Layers, block: number, of: 'keys' | 'values', all: Value) => Value;
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
			graph.output(`keys.${i}`, asKept(layers, i, 'keys', keys));
			graph.output(`values.${i}`, asKept(layers, i, 'values', values));
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
		const [keys, values] = [parts.keyRows(block, normed, positions), parts.valueRows(block, normed)];
		const attended = parts.attend(parts.queries(block, normed, positions), keys, values);
		return { keys: parts.byHead(keys), values: parts.byHead(values), attended };
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

export function allPositions(graph: GraphBuilder, plan: VitPlan): Value {
	const tokens = tokenTotal(plan);
	const data = BigInt64Array.from({ length: tokens }, (_, token) => BigInt(token));
	return graph.constant('positions:all', { data, shape: [1, tokens] });
}

export function pictureInput(graph: GraphBuilder, plan: VitPlan): Value {
	const { rows, cols, stride } = plan.grid;
	return graph.input('picture', 'float32', [1, 3, rows * stride, cols * stride]);
}
