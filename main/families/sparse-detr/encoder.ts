import { activate } from '../../graph/activations.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { SparseDetrConfig } from './config.ts';
import type { DeformableAttention, Samples, References } from './deformable-attention.ts';
import { type Pyramid, tokenReferences } from './pyramid.ts';

const NORM_EPSILON = 1e-5;
/** Rows that a sparse encoder updates, of all pictures together; known only when the graph runs. */
export const KEPT = 'kept';

/** The tokens that the encoder updates. */
export type KeptTokens = {
	/** Places among the tokens of all pictures: [kept], int64. */
	places: Value;
	/** 1 where a row is the picture's own, 0 where it only fills up to the longest list: [kept, 1]; null = all are. */
	own: Value | null;
};

/** What one encoder layer left behind. */
export type EncoderLayer = { memory: Value; samples: Samples };

/**
 * The encoder: tokens [batch · tokens, dim] are queries of deformable attention over themselves. With `kept`, only those
 * tokens are (Roh et al., ICLR 2022, section 3.1): the others stay as they came, and all are sampled.
 */
export function encode(
	layers: Layers,
	config: SparseDetrConfig,
	attention: DeformableAttention,
	inputs: { tokens: Value; positions: Value; pyramid: Pyramid; kept: KeptTokens | null },
): EncoderLayer[] {
	const { pyramid, kept } = inputs;
	const pick = (rows: Value) => {
		if (!kept) return rows;
		const picked = layers.gatherRows(rows, kept.places);
		return { ...picked, shape: [KEPT, ...rows.shape.slice(1)] };
	};
	const positions = pick(inputs.positions);
	const references = pickReferences(layers, pyramid, config.encoderPoints, pick);
	let memory = inputs.tokens;
	const untouched = pick(memory);
	let rows = untouched;
	return Array.from({ length: config.encoderLayers }, (_, i) => {
		const prefix = `transformer.encoder.layers.${i}.`;
		const query = layers.add(rows, positions);
		const { out, samples } = attention.attend(`${prefix}self_attn.`, config.encoderPoints, {
			query,
			references,
			tokens: memory,
		});
		const attended = layers.layerNorm(`${prefix}norm1`, layers.add(rows, out), NORM_EPSILON);
		const updated = feedForward(layers, prefix, 'norm2', attended, config, config.encoderHidden);
		rows = updated;
		memory = kept ? putBack(layers, memory, kept, updated, untouched) : updated;
		return { memory, samples };
	});
}

/** Rows that only fill up a batch go on through the layers, but leave their tokens untouched. */
function putBack(
	layers: Layers,
	memory: Value,
	{ places, own }: KeptTokens,
	updated: Value,
	untouched: Value,
): Value {
	const rows = own
		? layers.graph.op('Where', [own, updated, untouched], { shape: updated.shape, type: 'float32' })
		: updated;
	return layers.scatter(memory, layers.reshape(places, [KEPT, 1]), rows);
}

/** norm(x + linear2(activation(linear1(x)))), `hidden` wide between them. */
export function feedForward(
	layers: Layers,
	prefix: string,
	norm: string,
	x: Value,
	{ dim, activation }: SparseDetrConfig,
	hidden: number,
): Value {
	const inner = activate(layers, activation, layers.linear(`${prefix}linear1`, x, hidden));
	const out = layers.linear(`${prefix}linear2`, inner, dim);
	return layers.layerNorm(`${prefix}${norm}`, layers.add(x, out), NORM_EPSILON);
}

/** The middle of every token on all levels, once for each point: [rows, 1, levels · points]. */
function pickReferences(
	layers: Layers,
	pyramid: Pyramid,
	points: number,
	pick: (rows: Value) => Value,
): References {
	const places = pyramid.levels.length * points;
	const { x, y } = tokenReferences(pyramid);
	const spread = (name: string, perLevel: Float32Array) => {
		const data = new Float32Array(perLevel.length * points);
		perLevel.forEach((value, i) => data.fill(value, i * points, (i + 1) * points));
		const shape = [pyramid.batch * pyramid.tokens, 1, places];
		return pick(layers.graph.constant(`references:${name}`, { data, shape }));
	};
	return { x: spread('x', x), y: spread('y', y) };
}
