import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { SparseDetrConfig, TwoStage } from './config.ts';
import { boxLogits, headsWithin, type Queries } from './decoder.ts';
import type { Pyramid } from './pyramid.ts';
import { projectTokens } from './scoring.ts';

const NORM_EPSILON = 1e-5;
const TEMPERATURE = 10_000;

/** What the second stage found on its way, beside the queries. */
export type Proposals = {
	/** [batch · tokens, dim] */
	projected: Value;
	/** [batch · tokens, classes] */
	logits: Value;
	/** Tokens that became queries, best first: [batch, queries], int64. */
	chosen: Value;
	/** Sine embedding of their boxes: [batch · queries, 4 · features]. */
	embedding: Value;
};

/** Queries that are learned: one half of each is its position, the other its content. */
export function learnedQueries(layers: Layers, config: SparseDetrConfig, batch: number): Queries {
	const { graph } = layers;
	const { dim, queries } = config;
	const learned = layers.weight('query_embed.weight', [queries, 2 * dim]);
	const every = graph.op('Tile', [learned, graph.integers([batch, 1])], {
		shape: [batch * queries, 2 * dim],
	});
	const [position, content] = layers.split(every, [dim, dim]) as [Value, Value];
	const reference = layers.sigmoid(layers.linear('transformer.reference_points', position, 2));
	return { content, position, reference };
}

/** Queries that are the best of the encoder's tokens, each with the box that was found around it. */
export function proposedQueries(
	layers: Layers,
	config: SparseDetrConfig,
	twoStage: TwoStage,
	inputs: { memory: Value; pyramid: Pyramid; usable: Value; proposals: Value },
): { queries: Queries; proposals: Proposals } {
	const { graph } = layers;
	const { memory, pyramid, usable, proposals } = inputs;
	const { batch, tokens } = pyramid;
	const head = (kind: string) => `${headsWithin(config)}${kind}_embed.${config.decoderLayers}`;
	const projected = projectTokens(layers, 'transformer.', memory, usable);
	const logits = layers.linear(head('class'), projected, config.classes);
	const scores = twoStage.scoreOverClasses
		? graph.op('ReduceMax', [logits, graph.integers([1])], { shape: [batch * tokens, 1] })
		: layers.split(logits, [1, config.classes - 1])[0]!;
	// A picture with fewer tokens than there are queries has as many queries as tokens.
	const count = Math.min(config.queries, tokens);
	const [, chosen] = graph.ops(
		'TopK',
		[layers.reshape(scores, [batch, tokens]), graph.integers([count])],
		[{ shape: [batch, count] }, { shape: [batch, count], type: 'int64' }],
		{ attributes: { axis: -1, largest: 1, sorted: 1 } },
	) as [Value, Value];
	const places = layers.reshape(amongAll(layers, chosen, pyramid), [batch * count]);
	const boxes = boxLogits(
		layers,
		head('bbox'),
		layers.gatherRows(projected, places),
		layers.gatherRows(proposals, places),
	);
	const embedding = embedBoxes(layers, layers.sigmoid(boxes), twoStage.positionFeatures);
	const { dim } = config;
	const width = twoStage.contentFromTokens ? dim : 2 * dim;
	const moved = layers.linear('transformer.pos_trans', embedding, width);
	const normed = layers.layerNorm('transformer.pos_trans_norm', moved, NORM_EPSILON);
	const [position, content] = twoStage.contentFromTokens
		? [normed, layers.gatherRows(memory, places)]
		: (layers.split(normed, [dim, dim]) as [Value, Value]);
	return {
		queries: { content, position, reference: layers.sigmoid(boxes) },
		proposals: { projected, logits, chosen, embedding },
	};
}

/** Places in each picture [batch, k] -> places among the tokens of all pictures. */
export function amongAll(layers: Layers, places: Value, { batch, tokens }: Pyramid): Value {
	if (batch === 1) return places;
	const starts = BigInt64Array.from({ length: batch }, (_, n) => BigInt(n * tokens));
	const start = layers.graph.constant('picture-starts', { data: starts, shape: [batch, 1] });
	return layers.graph.op('Add', [places, start], { shape: places.shape });
}

/**
 * Sine embedding of boxes given as fractions of the picture [rows, 4]: each of their numbers, scaled to 2π, at `features` / 2
 * frequencies, sine and cosine in turn: [rows, 4 · features].
 */
export function embedBoxes(layers: Layers, boxes: Value, features: number): Value {
	const { graph } = layers;
	const [rows] = boxes.shape as [number];
	const half = features / 2;
	const frequencies = Float32Array.from(
		{ length: half },
		(_, i) => (2 * Math.PI) / TEMPERATURE ** ((2 * i) / features),
	);
	const fractions = layers.reshape(boxes, [rows, 4, 1]);
	const scale = graph.constant(`box-frequencies:${features}`, { data: frequencies, shape: [1, 1, half] });
	const angles = graph.op('Mul', [fractions, scale], { shape: [rows, 4, half] });
	const waves = ['Sin', 'Cos'].map((type) =>
		layers.reshape(graph.op(type, [angles], { shape: angles.shape }), [rows, 4, half, 1]),
	);
	return layers.reshape(layers.concat(waves, 3), [rows, 4 * features]);
}
