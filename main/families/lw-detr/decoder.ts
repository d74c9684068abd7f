import { activate } from '../../graph/activations.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import { onAllLevels } from '../sparse-detr/decoder.ts';
import { DeformableAttention } from '../sparse-detr/deformable-attention.ts';
import type { GraphOutputs } from '../sparse-detr/outputs.ts';
import type { Pyramid } from '../sparse-detr/pyramid.ts';
import { embedBoxes } from '../sparse-detr/queries.ts';
import { perceptron } from './boxes.ts';
import type { QueryNetworkConfig } from './config.ts';
import { learned } from './selection.ts';

const NORM_EPSILON = 1e-5;

/**
 * The decoder: queries [queries, dim] from where `boxes` [queries, 4] put them, which no layer moves. Keys are the
 * projector's `memory` [tokens, dim] as it is: there is no encoder.
 */
export function decode(
	layers: Layers,
	outputs: GraphOutputs,
	config: QueryNetworkConfig,
	inputs: { boxes: Value; memory: Value; pyramid: Pyramid },
): Value {
	const { boxes, memory, pyramid } = inputs;
	const { dim, decoder } = config;
	const attention = new DeformableAttention(layers, pyramid, { dim, heads: decoder.cross.heads });
	const references = onAllLevels(layers, boxes, pyramid, decoder.cross.points);
	const position = queryPositions(layers, config, boxes, pyramid);
	outputs.tap('query_pos', position);
	const lastNorm = (x: Value) => layers.layerNorm('model.decoder.layernorm', x, NORM_EPSILON);
	let x = learned(layers, config, 'model.query_feat', boxes.shape[0] as number, dim);
	for (let i = 0; i < decoder.layers; i++) {
		const name = `model.decoder.layers.${i}.`;
		const norm = (part: string, value: Value) => layers.layerNorm(`${name}${part}`, value, NORM_EPSILON);
		x = norm(
			'self_attn_layer_norm',
			layers.add(x, selfAttention(layers, config, `${name}self_attn.`, x, position)),
		);
		const { out } = attention.attend(`${name}cross_attn.`, decoder.cross.points, {
			query: layers.add(x, position),
			references,
			tokens: memory,
		});
		x = norm('cross_attn_layer_norm', layers.add(x, out));
		const hidden = activate(layers, decoder.activation, layers.linear(`${name}mlp.fc1`, x, decoder.hidden));
		x = norm('layer_norm', layers.add(x, layers.linear(`${name}mlp.fc2`, hidden, dim)));
		outputs.tap(`dec.${i}`, x);
		outputs.tap(`intermediate_hidden_states.${i}`, () => lastNorm(x));
	}
	return lastNorm(x);
}

/** What the place and size of a query's box tell it: [queries, dim]. */
function queryPositions(
	layers: Layers,
	{ dim }: QueryNetworkConfig,
	boxes: Value,
	{ validRatios }: Pyramid,
): Value {
	const { graph } = layers;
	const [width, height] = validRatios as unknown as [number, number];
	const padded =
		width === 1 && height === 1
			? boxes
			: graph.op('Mul', [boxes, graph.floats([width, height, width, height])], { shape: boxes.shape });
	// y comes before x.
	const order = graph.integers([1, 0, 2, 3]);
	const ordered = graph.op('Gather', [padded, order], { shape: boxes.shape }, { attributes: { axis: 1 } });
	return perceptron(layers, 'model.decoder.ref_point_head', embedBoxes(layers, ordered, dim / 2), [dim, dim]);
}

/** Attention among the queries, whose positions are for looking only: [queries, dim]. */
function selfAttention(
	layers: Layers,
	config: QueryNetworkConfig,
	name: string,
	x: Value,
	position: Value,
): Value {
	const { graph } = layers;
	const { heads, headDim, bias } = config.decoder.self;
	const width = heads * headDim;
	const queries = x.shape[0]!;
	const linear = (part: string, input: Value, out: number) =>
		layers.linearFrom(
			input,
			layers.weight(`${name}${part}.weight`, [out, input.shape[1] as number]),
			bias ? layers.weight(`${name}${part}.bias`, [out]) : null,
		);
	const project = (part: string, input: Value) =>
		layers.reshape(linear(part, input, width), [1, queries, width]);
	const placed = layers.add(x, position);
	graph.count(2, queries, queries, width);
	const attended = graph.op(
		'MultiHeadAttention',
		[project('q_proj', placed), project('k_proj', placed), project('v_proj', x)],
		{ shape: [1, queries, width] },
		{ domain: 'com.microsoft', attributes: { num_heads: heads } },
	);
	return linear('o_proj', layers.reshape(attended, [queries, width]), config.dim);
}
