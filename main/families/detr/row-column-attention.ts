import type { Value } from '../../graph/graph-builder.ts';
import type { Dim } from '../../graph/operation-count.ts';
import type { EntropyClusters } from '../../vit/enact-clustering.ts';
import type { DetrParts } from './parts.ts';

/** Added to the logits of padded rows and columns. */
const MASKED = -1e30;
/** Places of the five projections in `in_proj_weight`, as the decoder uses them. */
const [QUERY_ROW, QUERY_COL, KEY_ROW, KEY_COL, VALUE] = [0, 1, 2, 3, 4];
const PROJECTIONS = 5;

/** What stands along the rows of a map (one per column) and along its columns (one per row): [batch · cells, dim]. */
export type AlongAxes = { row: Value; col: Value };

/**
 * Row-column decoupled attention (Wang et al., AAAI 2022, section 3.4) of queries, rows [batch · n, dim], over a map: one
 * softmax along its columns, one along its rows, applied to the values one after the other. `keys` are the map's means
 * over the other axis. Gives rows [batch · n, dim].
 */
export function rowColumnAttention(
	parts: DetrParts,
	name: string,
	queries: AlongAxes,
	keys: AlongAxes,
	values: Value,
): Value {
	const { layers, map, config, attention } = parts;
	const { batch, rows, cols } = map;
	const { dim, decoderHeads: heads } = config;
	const size = dim / heads;
	const n = (queries.row.shape[0] as number) / batch;
	const project = (x: Value, part: number, scale?: number) =>
		attention.projectPart(name, x, part, PROJECTIONS, scale);
	const weights = (query: Value, key: Value, along: 'row' | 'col') => {
		const product = layers.matmul(byHead(parts, query), turned(parts, byHead(parts, key)));
		return layers.softmax(masked(parts, product, along));
	};
	const alongRow = weights(project(queries.row, QUERY_ROW, size ** -0.5), project(keys.row, KEY_ROW), 'row'); // [batch, heads, n, cols]
	const alongCol = weights(project(queries.col, QUERY_COL, size ** -0.5), project(keys.col, KEY_COL), 'col'); // [batch, heads, n, rows]
	const projected = layers.reshape(project(values, VALUE), [batch, rows, cols, heads, size]);

	// The longer axis first: what is left between the two steps is then smaller.
	const rowFirst = rows <= cols;
	const [first, second] = rowFirst ? [alongRow, alongCol] : [alongCol, alongRow];
	const [long, short] = rowFirst ? [cols, rows] : [rows, cols];
	const flat = layers.reshape(layers.transpose(projected, rowFirst ? [0, 3, 2, 1, 4] : [0, 3, 1, 2, 4]), [
		batch,
		heads,
		long,
		short * size,
	]);
	const between = layers.reshape(layers.matmul(first, flat), [batch, heads, n, short, size]);
	const attended = layers.matmul(layers.reshape(second, [batch, heads, n, 1, short]), between); // [batch, heads, n, 1, size]
	const together = layers.transpose(layers.reshape(attended, [batch, heads, n, size]), [0, 2, 1, 3]);
	return layers.linear(`${name}.out_proj`, layers.reshape(together, [batch * n, dim]), dim);
}

/**
 * As ENACT does it in Anchor DETR's encoder (`row_column_decoupled_attention.py`, 260-446): the map's means attend to
 * clusters of the map. Query and key change their places in `in_proj_weight`, the keys are scaled, nothing is masked,
 * and the two softmaxes over the clusters are multiplied without being normalised again. `clusters` null: every token
 * is a cluster of its own. Gives rows [batch · tokens, dim].
 */
export function clusteredRowColumnAttention(
	parts: DetrParts,
	name: string,
	queries: AlongAxes,
	keys: AlongAxes,
	values: Value,
	clusters: EntropyClusters | null,
): Value {
	const { layers, map, config, attention } = parts;
	const { batch, rows, cols } = map;
	const { dim, encoderHeads: heads } = config;
	const size = dim / heads;
	const gathered = (x: Value) => (clusters ? attention.toRows(clusters.gather(attention.byPicture(x))) : x);
	const project = (x: Value, part: number, scale?: number) =>
		byHead(parts, attention.projectPart(name, x, part, PROJECTIONS, scale));
	const weights = (query: Value, key: Value) => layers.softmax(layers.matmul(query, turned(parts, key)));
	// The slices of the decoder's queries are the encoder's keys.
	const alongRow = weights(
		project(queries.row, KEY_ROW),
		project(gathered(keys.row), QUERY_ROW, size ** -0.5),
	); // [batch, heads, cols, clusters]
	const alongCol = weights(
		project(queries.col, KEY_COL),
		project(gathered(keys.col), QUERY_COL, size ** -0.5),
	); // [batch, heads, rows, clusters]
	const value = project(gathered(values), VALUE); // [batch, heads, clusters, size]

	// Row of the map by row: the column's weights go into the values, so that no table of all weights is needed.
	const count = value.shape[2]!;
	const { graph } = layers;
	const shape = [batch, heads, rows, count, size];
	const weighted = graph.op(
		'Mul',
		[
			graph.op('Unsqueeze', [alongCol, graph.integers([4])], { shape: [batch, heads, rows, count, 1] }),
			graph.op('Unsqueeze', [value, graph.integers([2])], { shape: [batch, heads, 1, count, size] }),
		],
		{ shape },
	);
	const rowWeights = graph.op('Unsqueeze', [alongRow, graph.integers([2])], {
		shape: [batch, heads, 1, cols, count],
	});
	graph.count(batch, heads, rows, cols, count, size);
	const attended = graph.op('MatMul', [rowWeights, weighted], { shape: [batch, heads, rows, cols, size] });
	const together = layers.reshape(layers.transpose(attended, [0, 2, 3, 1, 4]), [batch * rows * cols, dim]);
	return layers.linear(`${name}.out_proj`, together, dim);
}

/** Rows [batch · n, dim] -> [batch, heads, n, head size] */
function byHead(parts: DetrParts, rows: Value): Value {
	const { layers, config, map, attention } = parts;
	const { dim, encoderHeads: heads } = config;
	const n = attention.byPicture(rows).shape[1] as Dim;
	return layers.transpose(layers.reshape(rows, [map.batch, n, heads, dim / heads]), [0, 2, 1, 3]);
}

/** [.., a, b] -> [.., b, a], of four axes */
function turned(parts: DetrParts, x: Value): Value {
	return parts.layers.transpose(x, [0, 1, 3, 2]);
}

/** Logits [batch, heads, n, cells] of a map's columns (the first row of its mask tells) or rows (the first column). */
function masked(parts: DetrParts, logits: Value, along: 'row' | 'col'): Value {
	const { batch, rows, cols, padding } = parts.map;
	if (!padding) return logits;
	const cells = along === 'row' ? cols : rows;
	const step = along === 'row' ? 1 : cols;
	const data = Float32Array.from({ length: batch * cells }, (_, i) => {
		const isPadding = padding[Math.floor(i / cells) * rows * cols + (i % cells) * step];
		return isPadding ? MASKED : 0;
	});
	const mask = parts.layers.graph.constant(`mask:${along}`, { data, shape: [batch, 1, 1, cells] });
	return parts.layers.add(logits, mask);
}
