import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { SparseDetrConfig } from './config.ts';
import type { DeformableAttention, Samples, References } from './deformable-attention.ts';
import { feedForward } from './encoder.ts';
import type { Pyramid } from './pyramid.ts';
import { rowsOf } from '../../domain/float-tensor.ts';

const NORM_EPSILON = 1e-5;
/** Fractions closer to 0 or 1 than this count as this close where their logit is taken. */
const LOGIT_EPSILON = 1e-5;

/** Queries at the start: content, position and the point or box that they start from, pictures one behind the other. */
export type Queries = {
	/** [batch · queries, dim] */
	content: Value;
	/** [batch · queries, dim] */
	position: Value;
	/** [batch · queries, 2 or 4], fractions of the unpadded picture. */
	reference: Value;
};

/** What one decoder layer gives. */
export type DecoderLayer = {
	/** [batch · queries, dim] */
	state: Value;
	/** What it sampled around, and what the next layer will: [batch · queries, 2 or 4]. */
	from: Value;
	reference: Value;
	samples: Samples;
};

/** The decoder, its references refined from layer to layer where the model does that. */
export function decode(
	layers: Layers,
	config: SparseDetrConfig,
	attention: DeformableAttention,
	inputs: { queries: Queries; memory: Value; pyramid: Pyramid },
): DecoderLayer[] {
	const { queries, memory, pyramid } = inputs;
	let state = queries.content;
	let { reference } = queries;
	return Array.from({ length: config.decoderLayers }, (_, i) => {
		const prefix = `transformer.decoder.layers.${i}.`;
		const norm = (name: string, x: Value) => layers.layerNorm(`${prefix}${name}`, x, NORM_EPSILON);
		const asked = layers.add(state, queries.position);
		const exchanged = selfAttention(layers, `${prefix}self_attn.`, asked, state, config, pyramid.batch);
		state = norm('norm2', layers.add(state, exchanged));
		const { out, samples } = attention.attend(`${prefix}cross_attn.`, config.decoderPoints, {
			query: layers.add(state, queries.position),
			references: onAllLevels(layers, reference, pyramid, config.decoderPoints),
			tokens: memory,
		});
		state = norm('norm1', layers.add(state, out));
		state = feedForward(layers, prefix, 'norm3', state, config, config.decoderHidden);
		const from = reference;
		if (config.refines)
			reference = layerBoxes(layers, `${headsWithin(config)}bbox_embed.${i}`, { state, from });
		return { state, from, reference, samples };
	});
}

/** What stands before the names of the heads that refine references and propose queries. */
export function headsWithin({ ownHeads }: SparseDetrConfig): string {
	return ownHeads ? 'transformer.decoder.' : '';
}

/** The boxes that a layer finds with a head, centre and size, 0 to 1: [batch · queries, 4]. */
export function layerBoxes(layers: Layers, head: string, layer: Pick<DecoderLayer, 'state' | 'from'>): Value {
	return layers.sigmoid(boxLogits(layers, head, layer.state, inverseSigmoid(layers, layer.from)));
}

/** Three linear layers + `origin` [rows, 2 or 4], the logits of the point or box that the box starts from. */
export function boxLogits(layers: Layers, head: string, state: Value, origin: Value): Value {
	const dim = state.shape[1] as number;
	const linear = (i: number, x: Value, out: number) => layers.linear(`${head}.layers.${i}`, x, out);
	const offsets = linear(2, layers.relu(linear(1, layers.relu(linear(0, state, dim)), dim)), 4);
	if (origin.shape[1] === 4) return layers.add(offsets, origin);
	const [place, size] = layers.split(offsets, [2, 2]) as [Value, Value];
	return layers.concat([layers.add(place, origin), size], 1);
}

/** log(x / (1 − x)) with both kept off zero. */
export function inverseSigmoid(layers: Layers, x: Value): Value {
	const { graph } = layers;
	const number = (value: number) =>
		graph.constant(`number:${value}`, { data: Float32Array.of(value), shape: [] });
	const op = (type: string, ...inputs: Value[]) => graph.op(type, inputs, { shape: x.shape });
	const clipped = op('Clip', x, number(0), number(1));
	const rest = op('Sub', number(1), clipped);
	const least = number(LOGIT_EPSILON);
	return op('Log', op('Div', op('Max', clipped, least), op('Max', rest, least)));
}

/** Attention among the queries of each picture: [batch · queries, dim]. */
function selfAttention(
	layers: Layers,
	prefix: string,
	asked: Value,
	content: Value,
	{ dim, decoderHeads: heads }: SparseDetrConfig,
	batch: number,
): Value {
	const { graph } = layers;
	const each = (asked.shape[0] as number) / batch;
	const weight = layers.tensor(`${prefix}in_proj_weight`, [3 * dim, dim]);
	const bias = layers.tensor(`${prefix}in_proj_bias`, [3 * dim]);
	const project = (part: number, name: string, x: Value) => {
		const projected = layers.linearFrom(
			x,
			graph.constant(`${prefix}${name}.weight`, rowsOf(weight, part * dim, dim)),
			graph.constant(`${prefix}${name}.bias`, rowsOf(bias, part * dim, dim)),
		);
		return layers.reshape(projected, [batch, each, dim]);
	};
	graph.count(2, batch, each, each, dim);
	const attended = graph.op(
		'MultiHeadAttention',
		[project(0, 'query', asked), project(1, 'key', asked), project(2, 'value', content)],
		{ shape: [batch, each, dim] },
		{ domain: 'com.microsoft', attributes: { num_heads: heads } },
	);
	return layers.linear(`${prefix}out_proj`, layers.reshape(attended, [batch * each, dim]), dim);
}

/** A reference as every level sees it, scaled to its unpadded part, once for each point: [rows, 1, levels · points]. */
export function onAllLevels(layers: Layers, reference: Value, pyramid: Pyramid, points: number): References {
	const { batch, levels, validRatios } = pyramid;
	const places = levels.length * points;
	const [rows, numbers] = reference.shape as [number, number];
	const ratios = (axis: 0 | 1) => {
		const data = Float32Array.from({ length: batch * places }, (_, i) => {
			const level = Math.floor((i % places) / points);
			return validRatios[2 * (Math.floor(i / places) * levels.length + level) + axis]!;
		});
		return layers.graph.constant(`valid-ratios:${axis}:${points}`, { data, shape: [batch, 1, places] });
	};
	const [x, y, width, height] = layers.split(reference, Array<number>(numbers).fill(1)).map((part, i) => {
		const byPicture = layers.reshape(part, [batch, rows / batch, 1]);
		const shape = [batch, rows / batch, places];
		const scaled = layers.graph.op('Mul', [byPicture, ratios((i % 2) as 0 | 1)], { shape });
		return layers.reshape(scaled, [rows, 1, places]);
	});
	return width && height ? { x: x!, y: y!, width, height } : { x: x!, y: y! };
}
