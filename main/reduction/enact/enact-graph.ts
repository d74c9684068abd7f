import { assert } from '../../domain/errors.ts';
import { tokenCount } from '../../domain/tokens.ts';
import { type CompiledGraph, GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { BlockLayers } from '../../vit/block-layers.ts';
import { EntropyClusters } from '../../vit/enact-clustering.ts';
import { assertPlain, headDim, type VitPlan } from '../../vit/plan.ts';
import { allPositions, gridAnswer, pictureInput } from '../vit-graphs.ts';

/** Names of the sizes of a block's clusters in operation counts. */
export function blockClusters(block: number): string {
	return `block.${block}`;
}

/**
 * Every token of a picture attends to clusters of keys and values, whose length is computed in the graph, block by block.
 * in: `picture`; `length` [1], tokens per cluster or 0 for the data's own. out: `head` [tokens, width]; per block
 * `block.<i>.cluster_length` [1] and `block.<i>.used_range` [2]; with `taps`, `last` [tokens, dim] after the last block.
 */
export function compileClustered(
	plan: VitPlan,
	weights: WeightLookup,
	options: { taps?: boolean } = {},
): CompiledGraph {
	const { clusters: clusterPlan } = plan;
	assert(clusterPlan, `${plan.name} has something to cluster by`);
	assertPlain(plan);
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const parts = new BlockLayers(layers, plan);
	const positions = allPositions(graph, plan);
	const tokens = tokenCount(plan.grid);
	const forcedLength = graph.input('length', 'int64', [1]);

	let x = plan.embedPicture(layers, pictureInput(graph, plan));
	plan.blocks.forEach((block, i) => {
		const normed = parts.normed(block, x);
		const logits = layers.reshape(clusterPlan.logits(layers, block, normed), [1, tokens]);
		const { sigma } = clusterPlan;
		const clusters = new EntropyClusters(graph, blockClusters(i), logits, { sigma, forcedLength });
		clusters.output(`${blockClusters(i)}.`);
		/** Clustered, and head by head as attention reads them: [1, tokens, dim] -> [1, heads, clusters, headDim]. */
		const gathered = (rows: Value): Value => {
			const means = clusters.gather(rows);
			const byHead = layers.reshape(means, [1, means.shape[1]!, plan.heads, headDim(plan)]);
			return layers.transpose(byHead, [0, 2, 1, 3]);
		};
		const keys = gathered(parts.keyRows(block, normed, positions));
		const values = gathered(parts.valueRows(block, normed));
		x = parts.finish(block, x, parts.attend(parts.queries(block, normed, positions), keys, values));
	});
	if (options.taps) graph.output('last', x);
	graph.output('head', gridAnswer(plan).emit(layers, [x]));
	return graph.compile(`${plan.name}:clustered`);
}
