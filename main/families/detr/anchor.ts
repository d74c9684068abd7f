import { putSines } from '../../backbones/sine-position.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { DetrParts, FeatureMap, Prediction } from './parts.ts';
import { type AlongAxes, clusteredRowColumnAttention, rowColumnAttention } from './row-column-attention.ts';

/** Keeps the logarithms of anchors finite, as published. */
const INVERSE_EPSILON = 1e-5;

/** Anchor DETR's encoder (Wang et al., AAAI 2022): tokens, rows [batch · tokens, dim] -> tokens. */
export function encodeAnchor(parts: DetrParts, tokens: Value): Value {
	const { config, layers, map } = parts;
	const place = mapPositions(parts);
	let x = tokens;
	for (let i = 0; i < config.encoderLayers; i++) {
		const name = `transformer.encoder_layers.${i}`;
		const attend = (values: Value): Value => {
			const means = meansWithPositions(parts, values, place);
			const all = tokensWithPositions(parts, values, place);
			if (!config.clustered) return rowColumnAttention(parts, `${name}.self_attn`, all, means, values);
			const clusters = parts.clusters(i, `${name}.ENACT.W_prob`, all.row);
			parts.tapClustered(i, 'k_row', clusters, all.row);
			parts.tapClustered(i, 'k_col', clusters, all.col);
			parts.tapClustered(i, 'v', clusters, values);
			const attended = clusteredRowColumnAttention(parts, `${name}.self_attn`, means, all, values, clusters);
			parts.tap(`enc.${i}.attention`, attended);
			return map.batch === 1 ? attended : mixedAsPublished(parts, attended);
		};
		x = parts.residual(`${name}.norm1`, x, attend);
		x = parts.residual(`${name}.ffn.norm2`, x, (y) =>
			parts.feedForward(`${name}.ffn.`, y, config.encoderHidden),
		);
		parts.tap(`enc.${i}.output`, x);
	}
	return layers.reshape(x, tokens.shape);
}

/** Its decoder: queries are patterns at anchors, pattern after pattern. */
export function decodeAnchor(parts: DetrParts, memory: Value): Prediction[] {
	const { layers, config } = parts;
	const { dim, queries, patterns } = config;
	const anchors = layers.tensor('transformer.position.weight', [queries, 2]).data;
	const patternTable = layers.tensor('transformer.pattern.weight', [patterns, dim]).data;
	const all = patterns * queries;
	const perQuery = (
		name: string,
		width: number,
		fill: (out: Float32Array, at: number, anchor: number) => void,
	) => {
		const data = new Float32Array(all * width);
		for (let query = 0; query < all; query++) fill(data, query * width, query % queries);
		return parts.repeated(name, data, width);
	};
	const sinesOf = (axis: 0 | 1) =>
		perQuery(`anchor sines:${axis}`, dim, (out, at, anchor) =>
			putSines(out, at, anchors[2 * anchor + axis]!, dim),
		);
	const sines2d = perQuery('anchor sines', dim, (out, at, anchor) => {
		putSines(out, at, anchors[2 * anchor + 1]!, dim / 2); // y first
		putSines(out, at + dim / 2, anchors[2 * anchor]!, dim / 2);
	});
	const place = parts.mlp(['transformer.adapt_pos2d.0', 'transformer.adapt_pos2d.2'], sines2d, dim);
	const along = { row: adapted(parts, sinesOf(0)), col: adapted(parts, sinesOf(1)) };
	const reference = perQuery('anchors before sigmoid', 2, (out, at, anchor) => {
		for (const axis of [0, 1]) out[at + axis] = inverseSigmoid(anchors[2 * anchor + axis]!);
	});
	const keys = meansWithPositions(parts, memory, mapPositions(parts));
	const content = new Float32Array(all * dim);
	for (let query = 0; query < all; query++) {
		const pattern = Math.floor(query / queries);
		content.set(patternTable.subarray(pattern * dim, (pattern + 1) * dim), query * dim);
	}

	const predictions: Prediction[] = [];
	let x = parts.repeated('transformer.pattern.weight', content, dim);
	for (let i = 0; i < config.decoderLayers; i++) {
		const name = `transformer.decoder_layers.${i}`;
		x = parts.residual(`${name}.norm2`, x, (y) => {
			const placed = layers.add(y, place);
			return parts.attention.multiHead(`${name}.self_attn`, placed, placed, y, {
				heads: config.decoderHeads,
			});
		});
		x = parts.residual(`${name}.norm1`, x, (y) => {
			const sought = { row: layers.add(y, along.row), col: layers.add(y, along.col) };
			return rowColumnAttention(parts, `${name}.cross_attn`, sought, keys, memory);
		});
		x = parts.residual(`${name}.ffn.norm2`, x, (y) =>
			parts.feedForward(`${name}.ffn.`, y, config.decoderHidden),
		);
		parts.tap(`dec.${i}.output`, x);
		if (!parts.predicts(i)) continue;
		predictions.push({
			logits: layers.linear(`transformer.class_embed.${i}`, x, config.logits),
			boxes: parts.boxes(`transformer.bbox_embed.${i}`, x, reference),
		});
	}
	return predictions;
}

/** Positions of a map's columns (row) and rows (col), through the learned layers: [batch · cells, dim]. */
function mapPositions(parts: DetrParts): AlongAxes {
	const { map, config } = parts;
	const sines = (axis: 'row' | 'col') => {
		const places = cellPlaces(map, axis);
		const data = new Float32Array(places.length * config.dim);
		places.forEach((place, i) => putSines(data, i * config.dim, place, config.dim));
		return parts.layers.graph.constant(`map sines:${axis}`, { data, shape: [places.length, config.dim] });
	};
	return { row: adapted(parts, sines('row')), col: adapted(parts, sines('col')) };
}

function adapted(parts: DetrParts, sines: Value): Value {
	return parts.mlp(['transformer.adapt_pos1d.0', 'transformer.adapt_pos1d.2'], sines, parts.config.dim);
}

/** Centres of the cells along the map's first row or column, 0 to 1 of what is not padded: [batch · cells]. */
function cellPlaces({ batch, rows, cols, padding }: FeatureMap, along: 'row' | 'col'): Float32Array {
	const [cells, step] = along === 'row' ? [cols, 1] : [rows, cols];
	const places = new Float32Array(batch * cells);
	for (let n = 0; n < batch; n++) {
		let real = 0;
		for (let i = 0; i < cells; i++) {
			if (!padding?.[n * rows * cols + i * step]) real++;
			places[n * cells + i] = real - 0.5;
		}
		for (let i = 0; i < cells; i++) places[n * cells + i]! /= real;
	}
	return places;
}

/** Tokens [batch · tokens, dim] averaged over the other axis, plus the positions along each axis: [batch · cells, dim]. */
function meansWithPositions(parts: DetrParts, tokens: Value, place: AlongAxes): AlongAxes {
	const { layers, map, config } = parts;
	const { batch, rows, cols } = map;
	const grid = layers.reshape(tokens, [batch, rows, cols, config.dim]);
	const mean = (axis: number, cells: number) => {
		const { graph } = layers;
		const means = graph.op(
			'ReduceMean',
			[grid, graph.integers([axis])],
			{ shape: [batch, cells, config.dim] },
			{ attributes: { keepdims: 0 } },
		);
		return layers.reshape(means, [batch * cells, config.dim]);
	};
	return { row: layers.add(mean(1, cols), place.row), col: layers.add(mean(2, rows), place.col) };
}

/** Every token plus the position of its column (row) and of its row (col): [batch · tokens, dim]. */
function tokensWithPositions(parts: DetrParts, tokens: Value, place: AlongAxes): AlongAxes {
	const { layers, map, config } = parts;
	const { batch, rows, cols } = map;
	const grid = layers.reshape(tokens, [batch, rows, cols, config.dim]);
	const plus = (positions: Value, shape: readonly number[]) =>
		layers.reshape(layers.add(grid, layers.reshape(positions, shape)), tokens.shape);
	return {
		row: plus(place.row, [batch, 1, cols, config.dim]),
		col: plus(place.col, [batch, rows, 1, config.dim]),
	};
}

/**
 * The published code takes [batch, rows, …] for [rows, batch, …] and puts it back the other way (`transformer.py`,
 * 212-214), which mixes rows of different pictures of a batch. A model trained in batches has learned with it.
 */
function mixedAsPublished(parts: DetrParts, attended: Value): Value {
	const { layers, map, config } = parts;
	const swapped = layers.transpose(
		layers.reshape(attended, [map.batch, map.rows, map.cols, config.dim]),
		[1, 0, 2, 3],
	);
	return layers.reshape(swapped, attended.shape);
}

function inverseSigmoid(x: number): number {
	const clamped = Math.min(1, Math.max(0, x));
	return Math.log(Math.max(clamped, INVERSE_EPSILON) / Math.max(1 - clamped, INVERSE_EPSILON));
}
