import { learnedPositions } from '../../backbones/learned-positions.ts';
import { sinePositions } from '../../backbones/sine-position.ts';
import { GraphBuilder, type Value, type CompiledGraph } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { featureMaps, projectMaps } from './backbone.ts';
import type { SparseDetrConfig } from './config.ts';
import { boxLogits, type DecoderLayer, decode, headsWithin, layerBoxes, type Queries } from './decoder.ts';
import { DeformableAttention, type Samples } from './deformable-attention.ts';
import { encode, KEPT, type KeptTokens } from './encoder.ts';
import { GraphOutputs } from './outputs.ts';
import { layPyramid, type PictureBatch, type Pyramid, tokenProposals } from './pyramid.ts';
import { amongAll, learnedQueries, proposedQueries } from './queries.ts';
import { projectTokens, scoreTokens } from './scoring.ts';

/** A network for pictures of one size. */
export type SparseDetrGraph = { graph: CompiledGraph; pyramid: Pyramid };

export type SparseDetrOptions = {
	/** Whether the encoder updates the best tokens alone; how many, the input `keep` says. Otherwise it updates all. */
	selects: boolean;
	/** Intermediate values to give out beside the results, by name; for comparisons with the reference. */
	taps?: ReadonlySet<string>;
};

/** All rows are tokens of all pictures of the batch, one picture behind the other. */
type Tokens = {
	pyramid: Pyramid;
	/** [rows, dim] */
	content: Value;
	/** Sine position and level: [rows, dim]. */
	positions: Value;
	/** 1 where a token has a proposal: [rows, 1]. */
	usable: Value;
	/** Logits of the token's box: [rows, 4]. */
	proposals: Value;
};

/**
 * The whole network: `picture` [batch, 3, h, w], normalised, -> `logits` [batch, queries, classes], `boxes` [batch,
 * queries, 4] (centre and size, 0 to 1), and the decoder's samples: `samples.x`, `samples.y`, `samples.weight` [layers, batch,
 * queries, heads, levels, points].
 *
 * One that selects also takes `keep` [1], the number of rows a picture, and of more than one picture `own` [batch, keep],
 * 0 for rows that only fill up because another picture keeps more; it gives `kept` [batch, keep], tokens from the best on, and `scores` [batch, tokens].
 */
export function compileSparseDetr(
	config: SparseDetrConfig,
	weights: WeightLookup,
	pictures: PictureBatch,
	options: SparseDetrOptions,
): SparseDetrGraph {
	const graph = new GraphBuilder();
	const pyramid = emitSparseDetr(new Layers(graph, weights), config, pictures, options);
	return { graph: graph.compile(`sparse-detr:${options.selects ? 'sparse' : 'dense'}`), pyramid };
}

/** As `compileSparseDetr`, into a graph that is not built: what it asks of the weights can be seen. */
export function emitSparseDetr(
	layers: Layers,
	config: SparseDetrConfig,
	pictures: PictureBatch,
	options: SparseDetrOptions,
): Pyramid {
	const outputs = new GraphOutputs(layers, options.taps ?? new Set());
	const tokens = readTokens(layers, outputs, config, pictures);
	const { pyramid } = tokens;
	const memory = runEncoder(layers, outputs, config, tokens, options.selects);
	const queries = makeQueries(layers, outputs, config, tokens, memory);
	outputs.tap('dec.tgt', queries.content);
	outputs.tap('dec.query_pos', queries.position);
	outputs.tap('dec.init_reference', queries.reference);
	const attention = new DeformableAttention(layers, pyramid, {
		dim: config.dim,
		heads: config.decoderHeads,
	});
	const decoded = decode(layers, config, attention, { queries, memory, pyramid });
	giveResults(layers, outputs, config, pyramid, decoded);
	return pyramid;
}

function readTokens(
	layers: Layers,
	outputs: GraphOutputs,
	config: SparseDetrConfig,
	pictures: PictureBatch,
): Tokens {
	const { batch, height, width } = pictures;
	const { dim } = config;
	const features = featureMaps(
		layers,
		layers.graph.input('picture', 'float32', [batch, 3, height, width]),
		config,
	);
	features.forEach((feature, i) => outputs.tap(`backbone.${i}`, feature));
	const maps = projectMaps(layers, features, config);
	maps.forEach((map, i) => outputs.tap(`input_proj.${i}`, map));
	const pyramid = layPyramid(
		pictures,
		maps.map(({ shape }) => ({ rows: shape[2] as number, cols: shape[3] as number })),
	);
	const rows = batch * pyramid.tokens;
	const flat = maps.map((map) => {
		const cells = (map.shape[2] as number) * (map.shape[3] as number);
		return layers.transpose(layers.reshape(map, [batch, dim, cells]), [0, 2, 1]);
	});
	const content = layers.reshape(layers.concat(flat, 1), [rows, dim]);
	const positions = layers.graph.constant('positions', {
		data: tokenPositions(layers, config, pyramid),
		shape: [rows, dim],
	});
	const { logits, usable } = tokenProposals(pyramid);
	outputs.tap('src_flatten', content);
	outputs.tap('lvl_pos_embed_flatten', () =>
		layers.graph.op('Identity', [positions], { shape: positions.shape }),
	);
	return {
		pyramid,
		content,
		positions,
		usable: layers.graph.constant('usable', { data: usable, shape: [rows, 1] }),
		proposals: layers.graph.constant('proposals', { data: logits, shape: [rows, 4] }),
	};
}

/** Position in the level, from half a cell on where it is a sine, and the embedding of the level: [rows, dim]. */
function tokenPositions(
	layers: Layers,
	{ dim, positions }: SparseDetrConfig,
	{ batch, levels, tokens, padding }: Pyramid,
): Float32Array {
	const ofLevels = layers.tensor('transformer.level_embed', [levels.length, dim]).data;
	const out = new Float32Array(batch * tokens * dim);
	levels.forEach(({ rows, cols, start }, level) => {
		const map = { batch: 1, rows, cols };
		const learned = positions === 'learned' ? learnedPositions(layers, map, dim, 'backbone.1.') : null;
		for (let n = 0; n < batch; n++) {
			const first = n * tokens + start;
			const own = padding.subarray(first, first + rows * cols);
			const inLevel = learned ?? sinePositions(map, own, { features: dim / 2, offset: 0.5 });
			for (let i = 0; i < inLevel.length; i++) {
				out[first * dim + i] = inLevel[i]! + ofLevels[level * dim + (i % dim)]!;
			}
		}
	});
	return out;
}

function runEncoder(
	layers: Layers,
	outputs: GraphOutputs,
	config: SparseDetrConfig,
	tokens: Tokens,
	selects: boolean,
): Value {
	const { pyramid, content, positions } = tokens;
	const attention = new DeformableAttention(layers, pyramid, {
		dim: config.dim,
		heads: config.encoderHeads,
	});
	const kept = selects ? selectTokens(layers, outputs, tokens) : null;
	const encoded = encode(layers, config, attention, { tokens: content, positions, pyramid, kept });
	encoded.forEach(({ memory, samples }, i) => {
		outputs.tap(`enc.${i}.memory`, memory);
		tapSamples(outputs, `enc.${i}`, samples);
	});
	const memory = encoded.at(-1)?.memory ?? content;
	outputs.tap('memory', memory);
	return memory;
}

/** Scores all tokens and takes the best of each picture; padding ranks with the worst token of the whole batch. */
function selectTokens(layers: Layers, outputs: GraphOutputs, tokens: Tokens): KeptTokens {
	const { graph } = layers;
	const { pyramid, content, positions, usable } = tokens;
	const { batch, tokens: each, padding } = pyramid;
	const seen = projectTokens(layers, 'transformer.', layers.add(content, positions), usable);
	const { scores: raw } = scoreTokens(layers, 'transformer.enc_mask_predictor.', seen, { batch, each });
	outputs.tap('token.memory', seen);
	outputs.tap('token.score_raw', raw);
	let scores = raw;
	if (padding.includes(1)) {
		const least = graph.op('ReduceMin', [raw], { shape: [1, 1] }, { attributes: { keepdims: 1 } });
		const isReal = Int32Array.from(padding, (padded) => 1 - padded);
		const mask = graph.constant('real-tokens', { data: isReal, shape: [batch, each] });
		scores = graph.op('Where', [toBool(layers, mask), raw, least], { shape: raw.shape, type: 'float32' });
	}
	outputs.give('scores', scores);
	const [, kept] = graph.ops(
		'TopK',
		[scores, graph.input('keep', 'int64', [1])],
		[{ shape: [batch, 'keep'] }, { shape: [batch, 'keep'], type: 'int64' }],
		{ attributes: { axis: -1, largest: 1, sorted: 1 } },
	) as [Value, Value];
	outputs.give('kept', kept);
	const places = layers.reshape(amongAll(layers, kept, pyramid), [KEPT]);
	return { places, own: batch === 1 ? null : ownRows(layers, batch) };
}

/** Pictures of a batch keep differently many tokens: which rows are a picture's own, and which only fill up. */
function ownRows(layers: Layers, batch: number): Value {
	return toBool(layers, layers.reshape(layers.graph.input('own', 'int32', [batch, 'keep']), [KEPT, 1]));
}

const BOOL = 9;
function toBool(layers: Layers, value: Value): Value {
	return layers.graph.op('Cast', [value], { shape: value.shape, type: 'bool' }, { attributes: { to: BOOL } });
}

function makeQueries(
	layers: Layers,
	outputs: GraphOutputs,
	config: SparseDetrConfig,
	tokens: Tokens,
	memory: Value,
): Queries {
	const { twoStage } = config;
	if (!twoStage) return learnedQueries(layers, config, tokens.pyramid.batch);
	const { queries, proposals } = proposedQueries(layers, config, twoStage, { memory, ...tokens });
	outputs.tap('prop.output_memory', proposals.projected);
	outputs.tap('prop.logits', proposals.logits);
	outputs.tap('prop.topk_inds', proposals.chosen);
	outputs.tap('prop.pos_embed', proposals.embedding);
	const boxes = () =>
		boxLogits(
			layers,
			`${headsWithin(config)}bbox_embed.${config.decoderLayers}`,
			proposals.projected,
			tokens.proposals,
		);
	outputs.tap('prop.box_logits', boxes);
	outputs.tap('prop.boxes', () => layers.sigmoid(boxes()));
	return queries;
}

function giveResults(
	layers: Layers,
	outputs: GraphOutputs,
	config: SparseDetrConfig,
	{ batch }: Pyramid,
	decoded: readonly DecoderLayer[],
): void {
	decoded.forEach((layer, i) => {
		outputs.tap(`dec.${i}.hs`, layer.state);
		outputs.tap(`dec.${i}.reference`, layer.reference);
		outputs.tap(`dec.${i}.logits`, () => layers.linear(`class_embed.${i}`, layer.state, config.classes));
		outputs.tap(`dec.${i}.boxes`, () => layerBoxes(layers, `bbox_embed.${i}`, layer));
	});
	const last = decoded.length - 1;
	const { state, reference, from } = decoded[last]!;
	const each = (state.shape[0] as number) / batch;
	const boxes =
		config.refines && !config.ownHeads
			? reference
			: layerBoxes(layers, `bbox_embed.${last}`, { state, from });
	outputs.give(
		'logits',
		layers.reshape(layers.linear(`class_embed.${last}`, state, config.classes), [
			batch,
			each,
			config.classes,
		]),
	);
	outputs.give('boxes', layers.reshape(boxes, [batch, each, 4]));
	const shape = [1, batch, each, config.decoderHeads, config.levels, config.decoderPoints];
	for (const part of ['x', 'y', 'weight'] as const) {
		const perLayer = decoded.map(({ samples }) => layers.reshape(samples[part], shape));
		outputs.give(`samples.${part}`, layers.concat(perLayer, 0));
	}
}

function tapSamples(outputs: GraphOutputs, name: string, samples: Samples): void {
	for (const part of ['x', 'y', 'weight'] as const) outputs.tap(`${name}.samples.${part}`, samples[part]);
}
