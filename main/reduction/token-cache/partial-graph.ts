import { type CompiledGraph, GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { BlockLayers } from '../../vit/block-layers.ts';
import { extraTotal, headDim, tokenTotal, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import { ROWS } from './memory-layout.ts';
import { PartialAttention, type RowWrites } from './partial-attention.ts';
import { type FloatTensor } from '../../domain/float-tensor.ts';

/** The name of the number of selected tokens of the grid. */
export const SELECTED = 'selected';

/**
 * Selected tokens of the grid and behind them all extra ones, which attend to the keys and values of all tokens, their own
 * fresh ones among them. Those of `rounded` blocks, by their numbers, are remembered in whole numbers of eight bits.
 *
 * in: `windows` [selected, 3, window, window]; `tokens` [rows], where each row stands in the plan's order; what
 * `PartialAttention` reads of every block; per block with a residual `residual.i` [tokens, dim]; where positions can move,
 * `rotary.cos` and `rotary.sin` [tokens, headDim / 2]; scattered, `tokens` also as `tokens.positions` [1, rows] with rotary positions and as
 * `tokens.places` [rows, 1] with residuals.
 * out: `head` [selected, width], `extra` [extra tokens, width], `scores` [selected, 1], each where the plan has it; the fresh
 * keys and values as `PartialAttention` gives them, and `residual.i.fresh` [rows, dim] or, scattered, `residual.i.renewed` [tokens, dim].
 */
export function compilePartial(
	plan: VitPlan,
	weights: WeightLookup,
	{ writes, rounded = [] }: { writes: RowWrites; rounded?: readonly number[] },
): CompiledGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const parts = new BlockLayers(layers, plan, rotaryInputs(graph, plan));
	const tokens = graph.input('tokens', 'int64', [ROWS]);
	const attention = new PartialAttention(layers, plan, parts, tokens, { writes, rounded });
	const extra = extraTotal(plan);

	/** The rows of the table's tokens, added to x. */
	function addRows(name: string, table: (weights: WeightLookup) => FloatTensor, x: Value): Value {
		const rows = layers.gatherRows(graph.constant(name, table(weights)), tokens);
		return layers.add(x, rows);
	}

	/** `tokens` as [rows, 1]; devices leave the reshaping of whole numbers to the processor. */
	const places = once(() =>
		writes === 'scattered'
			? graph.input('tokens.places', 'int64', [ROWS, 1])
			: layers.reshape(tokens, [ROWS, 1]),
	);

	/** What the block adds behind its MLP, read from the remembered tokens with the fresh ones among them. */
	function residual(i: number, emit: NonNullable<VitBlock['residual']>, x: Value): Value {
		const remembered = graph.input(`residual.${i}`, 'float32', [tokenTotal(plan), plan.dim]);
		const all = layers.scatter(remembered, places(), x);
		if (writes === 'scattered') graph.output(`residual.${i}.renewed`, all);
		else graph.output(`residual.${i}.fresh`, x);
		return layers.add(x, layers.gatherRows(emit(layers, all), tokens));
	}

	let x = embed(layers, plan);
	if (plan.absolute) x = addRows('positions:absolute', plan.absolute, x);
	const states = [x];
	plan.blocks.forEach((block, i) => {
		if (plan.scorer?.afterBlocks === i)
			graph.output('scores', plan.scorer.score(layers, ofGrid(layers, x, extra)));
		x = parts.finish(block, x, attention.of(i, parts.normed(block, x)));
		if (block.residual) x = residual(i, block.residual, x);
		if (block.positionsAfter) x = addRows(`${block.name}:positions`, block.positionsAfter, x);
		states.push(x);
	});
	const features = plan.features.map((blocks) => states[blocks]!);
	const { answers } = plan;
	if (answers.grid) {
		const rows = features.map((feature) => ofGrid(layers, feature, extra));
		graph.output('head', answers.grid.emit(layers, rows));
	}
	if (answers.extra) {
		const rows = features.map((feature) => ofExtra(layers, feature, extra));
		graph.output('extra', answers.extra.emit(layers, rows));
	}
	return graph.compile(`${plan.name}:partial`);
}

function once<T>(make: () => T): () => T {
	let made: T | undefined;
	return () => (made ??= make());
}

/** The rotary table of tokens that move through the view, as inputs. */
function rotaryInputs(graph: GraphBuilder, plan: VitPlan): { cos: Value; sin: Value } | null {
	if (!plan.rotary?.moved) return null;
	const shape = [tokenTotal(plan), headDim(plan) / 2];
	return {
		cos: graph.input('rotary.cos', 'float32', shape),
		sin: graph.input('rotary.sin', 'float32', shape),
	};
}

/** The selected tokens from their pixels, and behind them the extra ones: [rows, dim]. */
function embed(layers: Layers, plan: VitPlan): Value {
	const side = plan.grid.windowSize;
	const windows = layers.graph.input('windows', 'float32', [SELECTED, 3, side, side]);
	const { before, after } = plan.embedExtra(layers);
	const all = [plan.embedWindows(layers, windows), before, after].filter((part) => part !== null);
	const rows = all.length === 1 ? all[0]! : layers.concat(all, 0);
	return { ...rows, shape: [ROWS, plan.dim] };
}

/** The rows of x [rows, …] that belong to selected tokens. */
function ofGrid({ graph }: Layers, x: Value, extra: number): Value {
	const shape = [SELECTED, ...x.shape.slice(1)];
	if (extra === 0) return { ...x, shape };
	return graph.op('Slice', [x, graph.integers([0]), graph.integers([-extra])], { shape });
}

/** The rows of x [rows, …] that belong to extra tokens. */
function ofExtra({ graph }: Layers, x: Value, extra: number): Value {
	const end = graph.integers([Number.MAX_SAFE_INTEGER]);
	return graph.op('Slice', [x, graph.integers([-extra]), end], { shape: [extra, ...x.shape.slice(1)] });
}
