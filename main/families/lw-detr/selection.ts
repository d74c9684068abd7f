import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { GraphOutputs } from '../sparse-detr/outputs.ts';
import { type Pyramid, tokenBoxes } from '../sparse-detr/pyramid.ts';
import { moveBoxes, perceptron } from './boxes.ts';
import type { QueryNetworkConfig } from './config.ts';
import { rowsOf } from '../../domain/float-tensor.ts';

const NORM_EPSILON = 1e-5;
/** The first group of queries is the only one that is not for training alone. */
const HEAD = 'model.enc_out_bbox_embed.0';

/** Where each query starts: the box of one of the best tokens, moved as the query has learned to: [queries, 4]. */
export function startingBoxes(
	layers: Layers,
	outputs: GraphOutputs,
	config: QueryNetworkConfig,
	memory: Value,
	pyramid: Pyramid,
): Value {
	const { graph } = layers;
	const { tokens } = pyramid;
	const { dim, labels } = config;
	// A map with fewer pixels than there are queries has as many queries as pixels.
	const queries = Math.min(config.queries, tokens);
	const { boxes, usable } = tokenBoxes(pyramid);
	const proposals = graph.constant('proposals', { data: boxes, shape: [tokens, 4] });
	const projected = layers.layerNorm(
		'model.enc_output_norm.0',
		layers.linear('model.enc_output.0', usableOnly(layers, memory, usable), dim),
		NORM_EPSILON,
	);
	const logits = layers.linear('model.enc_out_class_embed.0', projected, labels);
	const best = graph.op('ReduceMax', [logits, graph.integers([1])], { shape: [tokens, 1] });
	const [, chosen] = graph.ops(
		'TopK',
		[layers.reshape(ranked(layers, best, usable), [tokens]), graph.integers([queries])],
		[{ shape: [queries] }, { shape: [queries], type: 'int64' }],
	) as [Value, Value];

	const selected = layers.gatherRows(projected, chosen);
	const deltas = perceptron(layers, HEAD, selected, [dim, dim, 4]);
	const found = moveBoxes(layers, layers.gatherRows(proposals, chosen), deltas);
	outputs.tap('enc_output_norm', projected);
	outputs.tap('enc_class', logits);
	outputs.tap('enc_bbox', () => perceptron(layers, HEAD, projected, [dim, dim, 4]));
	outputs.tap('enc_class#1', () => layers.linear('model.enc_out_class_embed.0', selected, labels));
	outputs.tap('enc_outputs_coord_logits', found);
	return moveBoxes(layers, found, learned(layers, config, 'model.reference_point_embed', queries, 4));
}

/** The first `count` rows of an embedding, [groups · queries, width] -> [count, width]: they are the first group's. */
export function learned(
	layers: Layers,
	{ queries, groups }: QueryNetworkConfig,
	name: string,
	count: number,
	width: number,
): Value {
	const all = layers.tensor(`${name}.weight`, [groups * queries, width]);
	return layers.graph.constant(`${name}.weight:first`, rowsOf(all, 0, count));
}

/** Tokens [tokens, dim] with zeros for those that have no box. */
function usableOnly(layers: Layers, memory: Value, usable: Float32Array): Value {
	if (!usable.includes(0)) return memory;
	const mask = layers.graph.constant('usable', { data: usable, shape: [usable.length, 1] });
	return layers.graph.op('Mul', [memory, mask], { shape: memory.shape });
}

/** Scores [tokens, 1] by which tokens without a box come last. */
function ranked(layers: Layers, scores: Value, usable: Float32Array): Value {
	if (!usable.includes(0)) return scores;
	const data = usable.map((is) => (is ? 0 : -Infinity));
	return layers.add(scores, layers.graph.constant('unusable', { data, shape: [usable.length, 1] }));
}
