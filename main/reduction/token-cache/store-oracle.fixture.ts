import { GraphBuilder, type Value, type CompiledGraph } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import type { GraphRuntime, GraphTensor } from '../../runtime/runtime.ts';
import { BlockLayers, type QkvRows } from '../../vit/block-layers.ts';
import { GridAttention } from '../../vit/grid-attention.ts';
import { attendsPlainly, tokenTotal, type VitBlock, type VitPlan } from '../../vit/plan.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { runOnce } from '../../runtime/loaded-graph.ts';

type Arrays = Record<string, Float32Array>;

/**
 * What a token store must answer, computed the long way: every token of every frame, but where a token was not selected, its
 * remembered keys, values and answers stand in for what was computed of it.
 */
export class StoreOracle {
	readonly #plan: VitPlan;
	readonly #weights: WeightLookup;
	readonly #runtime: GraphRuntime;
	#remembered: Arrays = {};

	constructor(plan: VitPlan, weights: WeightLookup, runtime: GraphRuntime) {
		this.#plan = plan;
		this.#weights = weights;
		this.#runtime = runtime;
	}

	/** Answers and scores [tokens or grid tokens, …] after a frame in which `selected` tokens of the grid were computed. */
	async run(picture: Float32Array, selected: readonly number[]): Promise<Arrays> {
		const { grid, extra, dim } = this.#plan;
		const tokens = tokenTotal(this.#plan);
		const gridTokens = grid.rows * grid.cols;
		const computed = new Float32Array(tokens).fill(1, 0, extra.before).fill(1, extra.before + gridTokens);
		for (const token of selected) computed[extra.before + token] = 1;
		const { graph, outputs, inputs } = this.#compile();
		const feeds: Record<string, GraphTensor> = {
			picture: float32(picture, [1, 3, grid.rows * grid.stride, grid.cols * grid.stride]),
			computed: float32(computed, [tokens, 1]),
		};
		for (const name of inputs) {
			const remembered = this.#remembered[name] ?? new Float32Array(tokens * dim);
			feeds[`remembered.${name}`] = float32(remembered, [tokens, dim]);
		}
		const results = await runOnce(this.#runtime, graph, feeds, outputs);
		for (const name of outputs) {
			const fresh = floats(results, name);
			const ofGrid = name === 'head' || name === 'scores';
			const rows = name === 'extra' ? tokens - gridTokens : ofGrid ? gridTokens : tokens;
			const width = fresh.length / rows;
			const before = this.#remembered[name] ?? fresh;
			this.#remembered[name] = fresh.map((value, i) => {
				const row = Math.floor(i / width) + (ofGrid ? extra.before : 0);
				return name === 'extra' || computed[row] ? value : before[i]!;
			});
		}
		return this.#remembered;
	}

	#compile(): { graph: CompiledGraph; inputs: string[]; outputs: string[] } {
		const plan = this.#plan;
		const graph = new GraphBuilder();
		const layers = new Layers(graph, this.#weights);
		const parts = new BlockLayers(layers, plan);
		const { rows, cols, stride } = plan.grid;
		const tokens = tokenTotal(plan);
		const picture = graph.input('picture', 'float32', [1, 3, rows * stride, cols * stride]);
		const mask = graph.cast(graph.input('computed', 'float32', [tokens, 1]), 'bool');
		const positions = graph.constant('positions', {
			data: BigInt64Array.from({ length: tokens }, (_, token) => BigInt(token)),
			shape: [1, tokens],
		});
		const inputs: string[] = [];
		const outputs: string[] = [];
		const output = (name: string, value: Value) => {
			graph.output(name, graph.op('Identity', [value], { shape: value.shape }));
			outputs.push(name);
		};
		const merged = (name: string, fresh: Value): Value => {
			inputs.push(name);
			output(name, fresh);
			const remembered = graph.input(`remembered.${name}`, 'float32', [tokens, plan.dim]);
			return graph.op('Where', [mask, fresh, remembered], { shape: fresh.shape, type: 'float32' });
		};
		let x = parts.positioned(parts.withExtra(plan.embedPicture(layers, picture)));
		const states = [x];
		plan.blocks.forEach((block, i) => {
			if (plan.scorer?.afterBlocks === i) output('scores', plan.scorer.score(layers, parts.apart(x).grid));
			const fresh = parts.projections(block, parts.normed(block, x), positions);
			const rows: QkvRows = {
				queries: fresh.queries,
				keys: merged(`keys.${i}`, fresh.keys),
				values: merged(`values.${i}`, fresh.values),
			};
			x = parts.finish(block, x, attend(layers, plan, parts, block, rows));
			if (block.residual) {
				x = layers.add(x, block.residual(layers, merged(`residual.${i}`, x)));
			}
			x = parts.positionedAfter(block, x);
			states.push(x);
		});
		const features = plan.features.map((blocks) => parts.apart(states[blocks]!));
		const { grid, extra } = plan.answers;
		if (grid)
			output(
				'head',
				grid.emit(
					layers,
					features.map((feature) => feature.grid),
				),
			);
		if (extra)
			output(
				'extra',
				extra.emit(
					layers,
					features.map((feature) => feature.extra!),
				),
			);
		return { graph: graph.compile('oracle'), inputs, outputs };
	}
}

function attend(layers: Layers, plan: VitPlan, parts: BlockLayers, block: VitBlock, rows: QkvRows): Value {
	if (attendsPlainly(block)) {
		const queries = layers.reshape(rows.queries, [1, ...rows.queries.shape]);
		return parts.attend(queries, parts.byHead(rows.keys), parts.byHead(rows.values));
	}
	const attention = new GridAttention(layers, plan, block);
	return attention.toTokens(attention.within(attention.bySlot(rows), attention.layout.count));
}
