import { assert } from '../domain/errors.ts';
import type { Value } from '../graph/graph-builder.ts';
import type { Layers } from '../graph/layers.ts';
import type { Dim } from '../graph/operation-count.ts';
import { relativePairs } from './position-tables.ts';
import { type Extent, headDim, planTokens, type VitBlock, type VitPlan } from './plan.ts';
import { windowLayout } from './windows.ts';

/**
 * Attention of a block that knows where its tokens lie on the grid: in windows, with relative positions, with pooled
 * keys and values.
 *
 * Relative positions go through the runtime's fused attention as more head dimensions: a query carries its terms
 * for every row and column of keys, a key carries ones at its own row and column; their product is the sum that
 * the published code adds to the logits, and no matrix of logits has to be written for it.
 */
export class GridAttention {
	readonly block: VitBlock;
	/** Of the queries: a window's, or the grid's. */
	readonly extent: Extent;
	/** Of the keys, smaller where they are pooled. */
	readonly keyExtent: Extent;
	readonly #layers: Layers;
	readonly #plan: VitPlan;

	constructor(layers: Layers, plan: VitPlan, block: VitBlock) {
		this.#layers = layers;
		this.#plan = plan;
		this.block = block;
		this.extent = attentionExtent(plan, block);
		this.keyExtent = keyExtent(plan, block);
	}

	/** Attention of all tokens: normed [tokens, dim] -> [tokens, dim]. */
	ofAll(normed: Value): Value {
		const { block } = this;
		const { dim, grid, layerNames } = this.#plan;
		const layers = this.#layers;
		const name = `${block.name}.${layerNames.qkv}`;
		const qkv = layers.linear(name, normed, 3 * dim);
		if (!block.window) return this.within(qkv, 1);
		// A place outside the grid has what the projection makes of nothing: its bias.
		const { count, size, tokenAt, placeOf } = windowLayout(grid, block.window);
		const bias = layers.reshape(layers.weight(`${name}.bias`, [3 * dim]), [1, 3 * dim]);
		const places = Int32Array.from(tokenAt, (token) => (token < 0 ? placeOf.length : token));
		const windows = layers.gatherRows(layers.concat([qkv, bias], 0), this.#indices('places', places));
		const mixed = this.within({ ...windows, shape: [count * size, 3 * dim] }, count);
		return layers.gatherRows(mixed, this.#indices('tokens', placeOf));
	}

	/** Attention within each of `count` windows (or the one grid): projected rows [count · places, 3 · dim] -> [count · places, dim]. */
	within(qkv: Value, count: Dim): Value {
		const layers = this.#layers;
		const { dim, heads } = this.#plan;
		const width = headDim(this.#plan);
		const { rows, cols } = this.extent;
		const [q, k, v] = layers.split(qkv, [dim, dim, dim]) as [Value, Value, Value];
		const places = this.#hasGrid ? rows * cols : planTokens(this.#plan);
		const keys = this.#hasGrid ? this.keyExtent.rows * this.keyExtent.cols : places;
		const byHead = (x: Value, n: Dim) => layers.reshape(x, [count, n, heads, width]);
		const terms = this.block.relative ? this.#queryTerms(byHead(q, places), count) : [];
		const scaled = scale(layers, byHead(q, places), 1 / Math.sqrt(width));
		const queries = layers.concat([scaled, ...terms], 3);
		const pooledKeys = byHead(this.#pooled(k, count), keys);
		const ones = this.block.relative ? [this.#keyOnes(pooledKeys, count, keys)] : [];
		const extended = width + (this.block.relative ? this.keyExtent.rows + this.keyExtent.cols : 0);
		layers.graph.count(count, places, keys, dim); // query · key
		layers.graph.count(count, places, keys, dim); // weight · value
		const mixed = layers.graph.op(
			'MultiHeadAttention',
			[
				layers.reshape(queries, [count, places, heads * extended]),
				layers.reshape(layers.concat([pooledKeys, ...ones], 3), [count, keys, heads * extended]),
				layers.reshape(this.#pooled(v, count), [count, keys, dim]),
			],
			{ shape: [count, places, dim] },
			{ domain: 'com.microsoft', attributes: { num_heads: heads, scale: { float: 1 } } },
		);
		return layers.reshape(mixed, [product(count, places), dim]);
	}

	get #hasGrid(): boolean {
		return this.block.window !== null || !this.#plan.classToken;
	}

	/** What every query [count, places, heads, headDim] adds for keys by row and by column: [.., key rows] and [.., key cols]. */
	#queryTerms(q: Value, count: Dim): Value[] {
		const { rows, cols } = this.extent;
		const { heads } = this.#plan;
		const width = headDim(this.#plan);
		const grid = this.#layers.reshape(q, [count, rows, cols, heads, width]);
		return (['rows', 'cols'] as const).map((axis) => {
			const pairs = this.pairs(axis); // [along, keys, headDim]
			const [along, across, keys] = [this.extent[axis], axis === 'rows' ? cols : rows, pairs.shape[1]];
			const order = axis === 'rows' ? [1, 0, 2, 3, 4] : [2, 0, 1, 3, 4];
			const lines = this.#layers.transpose(grid, order);
			const flat = this.#layers.reshape(lines, [along, product(count, across, heads), width]);
			const table = this.#layers.graph.constant(`${this.block.name}:relative:${axis}`, transposed(pairs));
			const terms = this.#layers.matmul(flat, table);
			const back = axis === 'rows' ? [1, 0, 2, 3, 4] : [1, 2, 0, 3, 4];
			const apart = this.#layers.reshape(terms, [along, count, across, heads, keys]);
			return this.#layers.reshape(this.#layers.transpose(apart, back), [count, rows * cols, heads, keys]);
		});
	}

	/** For every key ones at its row and at its column, repeated for all windows and heads of `like`. */
	#keyOnes(like: Value, count: Dim, keys: number): Value {
		const { graph } = this.#layers;
		const { rows, cols } = this.keyExtent;
		const ones = graph.constant(`ones:${rows}:${cols}`, {
			data: keyOnes(this.keyExtent),
			shape: [1, keys, 1, rows + cols],
		});
		const shape = graph.op(
			'Shape',
			[like],
			{ shape: [3], type: 'int64' },
			{ attributes: { start: 0, end: 3 } },
		);
		const target = this.#layers.concat([shape, graph.integers([rows + cols])], 0);
		return graph.op('Expand', [ones, target], { shape: [count, keys, this.#plan.heads, rows + cols] });
	}

	/** Means over cells: [count · places, dim] -> [count · cells, dim]. */
	#pooled(x: Value, count: Dim): Value {
		const { pool } = this.block;
		if (!pool) return x;
		const layers = this.#layers;
		const { dim } = this.#plan;
		const { rows, cols } = this.extent;
		const keys = this.keyExtent;
		const planes = layers.transpose(layers.reshape(x, [count, rows, cols, dim]), [0, 3, 1, 2]);
		const means = layers.graph.op(
			'AveragePool',
			[planes],
			{ shape: [count, dim, keys.rows, keys.cols] },
			{ attributes: { kernel_shape: [pool.rows, pool.cols], strides: [pool.rows, pool.cols] } },
		);
		return layers.reshape(layers.transpose(means, [0, 2, 3, 1]), [
			product(count, keys.rows * keys.cols),
			dim,
		]);
	}

	/** The relative positions of one axis as they stand for this extent: [along, keys, headDim]. */
	pairs(axis: 'rows' | 'cols'): { data: Float32Array; shape: [number, number, number] } {
		const { relative, pool } = this.block;
		assert(relative, `${this.block.name} has relative positions`);
		const width = headDim(this.#plan);
		const name = axis === 'rows' ? relative.rowTable : relative.colTable;
		const table = this.#layers.tensor(name, [2 * relative.size[axis] - 1, width]).data as Float32Array;
		const data = relativePairs(table, width, axis, {
			made: relative.size,
			attention: this.extent,
			pool: pool ? pool[axis] : 1,
		});
		return { data, shape: [this.extent[axis], this.keyExtent[axis], width] };
	}

	#indices(what: string, data: Int32Array): Value {
		const { rows, cols } = this.extent;
		return this.#layers.graph.constant(`windows:${rows}:${cols}:${what}`, { data, shape: [data.length] });
	}
}

/** Within what a block's queries attend: a window, or the grid. */
export function attentionExtent(plan: VitPlan, block: VitBlock): Extent {
	return block.window ?? { rows: plan.grid.rows, cols: plan.grid.cols };
}

/** The extent of the keys that a block's queries attend to. */
export function keyExtent(plan: VitPlan, block: VitBlock): Extent {
	const { rows, cols } = attentionExtent(plan, block);
	const { pool } = block;
	return pool ? { rows: Math.floor(rows / pool.rows), cols: Math.floor(cols / pool.cols) } : { rows, cols };
}

/** For every key of an extent ones at its row and, behind the rows, at its column: [keys, rows + cols]. */
export function keyOnes({ rows, cols }: Extent): Float32Array {
	const ones = new Float32Array(rows * cols * (rows + cols));
	for (let key = 0; key < rows * cols; key++) {
		ones[key * (rows + cols) + Math.floor(key / cols)] = 1;
		ones[key * (rows + cols) + rows + (key % cols)] = 1;
	}
	return ones;
}

/** [along, keys, width] -> [along, width, keys] */
export function transposed({ data, shape }: { data: Float32Array; shape: [number, number, number] }) {
	const [along, keys, width] = shape;
	const out = new Float32Array(data.length);
	for (let i = 0; i < along; i++) {
		for (let key = 0; key < keys; key++) {
			for (let c = 0; c < width; c++) out[(i * width + c) * keys + key] = data[(i * keys + key) * width + c]!;
		}
	}
	return { data: out, shape: [along, width, keys] };
}

export function scale(layers: Layers, x: Value, factor: number): Value {
	const value = layers.graph.constant(`number:${factor}`, { data: Float32Array.of(factor), shape: [1] });
	return layers.graph.op('Mul', [x, value], { shape: x.shape });
}

/** The product of sizes, as a number or as a name for it. */
function product(...dims: Dim[]): Dim {
	const fixed = dims.filter((dim) => typeof dim === 'number').reduce((a, b) => a * b, 1);
	const names = dims.filter((dim) => typeof dim === 'string');
	if (names.length === 0) return fixed;
	return names.length === 1 && fixed === 1 ? names[0]! : [fixed, ...names].join('·');
}
