import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import { type FloatTensor, joinedTensors, reshaped, rowsOf } from '../../domain/float-tensor.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers, WeightLookup } from '../../graph/layers.ts';
import { type Extent, PLAIN_BLOCK, type LayerNames, type VitPlan } from '../../vit/plan.ts';
import { resizedTable } from '../../vit/position-tables.ts';
import type { YolosConfig } from './config.ts';

/** What transformers calls a block's layers. */
const LAYER_NAMES: Omit<LayerNames, 'qkv'> = {
	norm1: 'layernorm_before',
	projection: 'attention.output.dense',
	norm2: 'layernorm_after',
	fc1: 'intermediate.dense',
	gate: null,
	fc2: 'output.dense',
	layerScale: null,
};
const QKV = {
	query: 'attention.attention.query',
	key: 'attention.attention.key',
	value: 'attention.attention.value',
};
/** Layers of the two heads. */
const HEAD_DEPTH = 3;
const BOX_SIDES = 4;

/**
 * YOLOS (Fang et al., You Only Look at One Sequence, NeurIPS 2021): a plain vision transformer with a class token before the
 * patches and detection tokens behind them, which alone answer: [logits of `labels` and of no object, centre and size]. Pixels
 * beyond whole patches are not seen.
 */
export function yolosPlan(config: YolosConfig, grid: Extent, labels: number): VitPlan {
	const { dim, depth, patch, detectionTokens, qkvBias, midPositions, normEpsilon } = config;
	/** [k, 3, h, w] -> [tokens, dim], `tokens` being all patches of all k pictures. */
	function embed(layers: Layers, pixels: Value, tokens: Value['shape'][number]): Value {
		const name = 'vit.embeddings.patch_embeddings.projection';
		const map = layers.conv(name, pixels, dim, { kernel: patch, stride: patch });
		return layers.reshape(layers.transpose(map, [0, 2, 3, 1]), [tokens, dim]);
	}
	/** A weight [1, n, dim] as rows. */
	function rows(layers: Layers, name: string, n: number): Value {
		const { data } = layers.tensor(name, [1, n, dim]);
		return layers.graph.constant(name, { data, shape: [n, dim] });
	}
	return {
		name: 'yolos',
		grid: { ...grid, stride: patch, windowSize: patch, windowOffset: 0 },
		extra: { before: 1, after: detectionTokens },
		dim,
		heads: config.heads,
		normEpsilon,
		activation: config.activation,
		absolute: (weights) => initialPositions(config, grid, weights),
		rotary: null,
		layerNames: {
			...LAYER_NAMES,
			qkv: { ...QKV, biasless: qkvBias ? [] : ['query', 'key', 'value'] },
		},
		blocks: Array.from({ length: depth }, (_, i) => ({
			...PLAIN_BLOCK,
			name: `vit.encoder.layer.${i}`,
			hidden: config.hidden,
			positionsAfter:
				midPositions && i < depth - 1 ? (weights) => midPositionsAfter(config, grid, i, weights) : null,
		})),
		features: [depth],
		answers: {
			grid: null,
			extra: {
				width: answerWidth(labels),
				emit(layers, [tokens]) {
					const normed = layers.layerNorm('vit.layernorm', tokens!, normEpsilon);
					const logits = head(layers, 'class_labels_classifier', normed, labels + 1);
					const boxes = layers.sigmoid(head(layers, 'bbox_predictor', normed, BOX_SIDES));
					return layers.concat([logits, boxes], 1);
				},
			},
		},
		embedPicture: (layers, picture) => embed(layers, picture, grid.rows * grid.cols),
		embedWindows: (layers, windows) => embed(layers, windows, windows.shape[0]!),
		embedExtra: (layers) => ({
			before: rows(layers, 'vit.embeddings.cls_token', 1),
			after: rows(layers, 'vit.embeddings.detection_tokens', detectionTokens),
		}),
		bestScore: null,
		scorer: null,
	};
}

/** Columns of a token's answer: logits of all labels and of no object, and the sides of a box. */
function answerWidth(labels: number): number {
	return labels + 1 + BOX_SIDES;
}

/** What the extra tokens answer, without the class token, whose answer means nothing. */
export function splitAnswers(extra: Float32Array, labels: number): QueryAnswers {
	const width = answerWidth(labels);
	const queries = extra.length / width - 1;
	const [logits, boxes] = [new Float32Array(queries * (labels + 1)), new Float32Array(queries * BOX_SIDES)];
	for (let query = 0; query < queries; query++) {
		const row = extra.subarray((query + 1) * width, (query + 2) * width);
		logits.set(row.subarray(0, labels + 1), query * (labels + 1));
		boxes.set(row.subarray(labels + 1), query * BOX_SIDES);
	}
	return { logits, boxes };
}

function head(layers: Layers, name: string, x: Value, out: number): Value {
	const width = x.shape[1] as number;
	return Array.from({ length: HEAD_DEPTH }).reduce<Value>((y, _, i) => {
		const last = i === HEAD_DEPTH - 1;
		const next = layers.linear(`${name}.layers.${i}`, y, last ? out : width);
		return last ? next : layers.relu(next);
	}, x);
}

function initialPositions(config: YolosConfig, grid: Extent, weights: WeightLookup): FloatTensor {
	const shape = [tableRows(config), config.dim];
	return resized(config, grid, reshaped(weights('vit.embeddings.position_embeddings', [1, ...shape]), shape));
}

/** The positions that are added after block i, of one table for all blocks but the last. */
function midPositionsAfter(config: YolosConfig, grid: Extent, i: number, weights: WeightLookup): FloatTensor {
	const { dim, depth } = config;
	const shape = [tableRows(config), dim];
	const tables = weights('vit.encoder.mid_position_embeddings', [depth - 1, 1, ...shape]);
	return resized(config, grid, reshaped(rowsOf(tables, i, 1), shape));
}

function tableRows({ tableSize, detectionTokens }: YolosConfig): number {
	return 1 + tableSize.rows * tableSize.cols + detectionTokens;
}

/** A table with its patches' part resized to the grid: class token, patches, detection tokens. */
function resized(config: YolosConfig, grid: Extent, table: FloatTensor): FloatTensor {
	const { dim, tableSize: size, detectionTokens } = config;
	const patches = size.rows * size.cols;
	const ofGrid = resizedTable('bicubic', rowsOf(table, 1, patches), size, grid);
	return joinedTensors(
		[rowsOf(table, 0, 1), ofGrid, rowsOf(table, 1 + patches, detectionTokens)],
		[1 + grid.rows * grid.cols + detectionTokens, dim],
	);
}
