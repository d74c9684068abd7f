import { assert } from '../domain/errors.ts';
import type { Value } from '../graph/graph-builder.ts';
import type { Layers } from '../graph/layers.ts';
import type { Dim } from '../graph/operation-count.ts';
import type { BlockLayers, QkvRows } from './block-layers.ts';
import { attendsPlainly, type Extent, headDim, tokenTotal, type VitBlock, type VitPlan } from './plan.ts';
import { meansOverKeys } from './position-tables.ts';
import { qkvBias } from './qkv.ts';
import { type WindowLayout, wholeLayout } from './windows.ts';
import { reshaped, rowsOf } from '../domain/float-tensor.ts';

/**
 * Attention of a block that depends on positions: within windows, with relative positions, with pooled keys and values.
 *
 * Relative positions go through the runtime's fused attention as additional head dimensions: a query has its terms for every
 * row and column of keys, a key has ones at its own row and column. Their product is the bias that the published code adds
 * to the logits, without a matrix of logits being written.
 */
export class GridAttention {
	readonly block: VitBlock;
	/** Extent of the queries of a window, or of the grid. */
	readonly extent: Extent;
	/** Extent of the keys; smaller where they are pooled. */
	readonly keyExtent: Extent;
	readonly layout: WindowLayout;
	/** Keys that each query of a window sees. */
	readonly keyCount: number;
	readonly #layers: Layers;
	readonly #plan: VitPlan;

	constructor(layers: Layers, plan: VitPlan, block: VitBlock) {
		this.#layers = layers;
		this.#plan = plan;
		this.block = block;
		this.extent = attentionExtent(plan, block);
		this.keyExtent = keyExtent(plan, block);
		this.layout = layoutOf(plan, block);
		this.keyCount = keysPerWindow(plan, block);
		const { rows, cols } = this.extent;
		const onlyGrid = this.layout.size === rows * cols;
		assert(onlyGrid || !(block.relative || block.pool), `${block.name} attends among tokens of the grid`);
	}

	/** Attention of all tokens: normed [tokens, dim] -> [tokens, dim]. */
	ofAll(parts: BlockLayers, normed: Value): Value {
		return this.toTokens(this.within(this.project(parts, normed), this.layout.count));
	}

	/**
	 * Queries, keys and values [count · slots, dim] of all normed tokens [tokens, dim], by slot. Slots of padding have the
	 * projections of zeros: their biases.
	 */
	project(parts: BlockLayers, normed: Value): QkvRows {
		assert(!this.#plan.rotary, `${this.#plan.name} has no rotary positions within windows`);
		const { tokenAt } = this.layout;
		if (!this.block.window || tokenAt.includes(-1))
			return this.bySlot(parts.projections(this.block, normed, null));
		return parts.projections(this.block, this.#gather(normed, tokenAt), null);
	}

	/** Queries, keys and values of all tokens, [tokens, dim] each -> by slot, [count · slots, dim]. */
	bySlot(rows: QkvRows): QkvRows {
		if (!this.block.window) return rows;
		const layers = this.#layers;
		const { dim } = this.#plan;
		const { tokenAt, slotOf } = this.layout;
		const bias = qkvBias((name, shape) => layers.tensor(name, shape), this.#plan, this.block);
		const rowOfSlot = tokenAt.map((token) => (token < 0 ? slotOf.length : token));
		const arranged = (part: keyof QkvRows, first: number): Value => {
			if (!tokenAt.includes(-1)) return this.#gather(rows[part], tokenAt);
			const row = reshaped(rowsOf(bias, first, dim), [1, dim]);
			const padding = layers.graph.constant(`${this.block.name}:padding:${part}`, row);
			return this.#gather(layers.concat([rows[part], padding], 0), rowOfSlot);
		};
		return {
			queries: arranged('queries', 0),
			keys: arranged('keys', dim),
			values: arranged('values', 2 * dim),
		};
	}

	/** Attention within each of `count` windows (or the whole): rows [count · slots, dim] by slot -> [count · slots, dim]. */
	within({ queries, keys, values }: QkvRows, count: Dim): Value {
		const layers = this.#layers;
		const { dim, heads } = this.#plan;
		const width = headDim(this.#plan);
		const { size } = this.layout;
		const byWindow = (rows: Value, n: number) => layers.reshape(rows, [count, n, dim]);
		if (!this.block.relative) {
			const pooledKeys = byWindow(this.#pooled(keys, count), this.keyCount);
			return this.attend(
				byWindow(queries, size),
				pooledKeys,
				byWindow(this.#pooled(values, count), this.keyCount),
			);
		}
		const byHead = (x: Value, n: number) => layers.reshape(x, [count, n, heads, width]);
		const q = byHead(queries, size);
		const scaled = scale(layers, q, 1 / Math.sqrt(width));
		const k = byHead(this.#pooled(keys, count), this.keyCount);
		const extended = heads * (width + this.keyExtent.rows + this.keyExtent.cols);
		return this.attend(
			layers.reshape(layers.concat([scaled, ...this.#queryTerms(q, count)], 3), [count, size, extended]),
			layers.reshape(layers.concat([k, this.#keyOnes(k, count)], 3), [count, this.keyCount, extended]),
			byWindow(this.#pooled(values, count), this.keyCount),
		);
	}

	/**
	 * Attention within each of some windows: queries [count, k, dim], keys and values [count, n, dim] -> [count · k, dim]. With
	 * relative positions each head of queries and keys is `headDim + key rows + key cols` wide: queries are scaled and their terms
	 * follow them, ones follow the keys.
	 */
	attend(queries: Value, keys: Value, values: Value): Value {
		const layers = this.#layers;
		const { dim, heads } = this.#plan;
		const [count, k] = queries.shape as [Dim, Dim, number];
		const n = keys.shape[1]!;
		layers.graph.count(count, k, n, dim); // query · key
		layers.graph.count(count, k, n, dim); // weight · value
		const scaling = this.block.relative ? { scale: { float: 1 } } : {};
		const attended = layers.graph.op(
			'MultiHeadAttention',
			[queries, keys, values],
			{ shape: [count, k, dim] },
			{ domain: 'com.microsoft', attributes: { num_heads: heads, ...scaling } },
		);
		return layers.reshape(attended, [product(count, k), dim]);
	}

	/** Rows [count · slots, dim] by slot -> [tokens, dim]. */
	toTokens(rows: Value): Value {
		if (!this.block.window) return rows;
		return this.#layers.gatherRows(rows, this.#indices('tokens', this.layout.slotOf));
	}

	/**
	 * The terms that queries q [k, heads, headDim], before scaling, add to the logits of each row and column of keys:
	 * [k, heads, key rows] and [k, heads, key cols]. `row` and `col` [k], int32: positions in the window or on the grid.
	 */
	queryTermsAt(q: Value, row: Value, col: Value): Value[] {
		return (['rows', 'cols'] as const).map((axis) => {
			const table = this.#layers.graph.constant(
				`${this.block.name}:relative:${axis}`,
				transposed(this.#pairs(axis)),
			); // [along, headDim, keys]
			return this.#layers.matmul(q, this.#layers.gatherRows(table, axis === 'rows' ? row : col));
		});
	}

	/** As `queryTermsAt`, for all queries [count, slots, heads, headDim]: [.., key rows] and [.., key cols]. */
	#queryTerms(q: Value, count: Dim): Value[] {
		const { rows, cols } = this.extent;
		const { heads } = this.#plan;
		const width = headDim(this.#plan);
		const grid = this.#layers.reshape(q, [count, rows, cols, heads, width]);
		return (['rows', 'cols'] as const).map((axis) => {
			const pairs = this.#pairs(axis); // [along, keys, headDim]
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

	/** `keyOnes`, repeated for all windows and heads of `like`. */
	#keyOnes(like: Value, count: Dim): Value {
		const { graph } = this.#layers;
		const { rows, cols } = this.keyExtent;
		const keys = this.keyCount;
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

	/** Means over cells: [count · slots, dim] -> [count · cells, dim]. */
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
		return layers.reshape(layers.transpose(means, [0, 2, 3, 1]), [product(count, this.keyCount), dim]);
	}

	/** The relative positions of one axis for this extent: [along, keys, headDim]. */
	#pairs(axis: 'rows' | 'cols'): { data: Float32Array; shape: [number, number, number] } {
		const { relative, pool } = this.block;
		assert(relative, `${this.block.name} has relative positions`);
		const along = this.extent[axis];
		const pairs = relative.pairs((name, shape) => this.#layers.tensor(name, shape), axis, this.extent);
		const data = pool ? meansOverKeys(pairs, along, pool[axis]) : pairs;
		return { data, shape: [along, this.keyExtent[axis], headDim(this.#plan)] };
	}

	/** Rows by slot; `rowOfSlot` has the row of each. */
	#gather(rows: Value, rowOfSlot: Int32Array): Value {
		const gathered = this.#layers.gatherRows(rows, this.#indices('slots', rowOfSlot));
		return { ...gathered, shape: [this.layout.count * this.layout.size, rows.shape[1]!] };
	}

	#indices(what: string, data: Int32Array): Value {
		return this.#layers.graph.constant(`${this.block.name}:${what}`, { data, shape: [data.length] });
	}
}

/** Attention of any block among all tokens: normed [tokens, dim] at `positions` [1, tokens] -> [tokens, dim]. */
export function attendAll(
	layers: Layers,
	plan: VitPlan,
	parts: BlockLayers,
	block: VitBlock,
	normed: Value,
	positions: Value,
): Value {
	if (!attendsPlainly(block)) return new GridAttention(layers, plan, block).ofAll(parts, normed);
	const queries = parts.queries(block, normed, positions);
	return parts.attend(queries, parts.keyRows(block, normed, positions), parts.valueRows(block, normed));
}

/** The extent within which a block's queries attend: a window, or the grid. */
export function attentionExtent(plan: VitPlan, block: VitBlock): Extent {
	const { rows, cols } = block.window ?? plan.grid;
	return { rows, cols };
}

/** The extent of the keys of the grid that a block's queries attend to. */
export function keyExtent(plan: VitPlan, block: VitBlock): Extent {
	const { rows, cols } = attentionExtent(plan, block);
	const { pool } = block;
	return pool ? { rows: Math.floor(rows / pool.rows), cols: Math.floor(cols / pool.cols) } : { rows, cols };
}

/** The window layout of a block; one window of all tokens where the block has none. */
export function layoutOf(plan: VitPlan, block: VitBlock): WindowLayout {
	return block.window?.layout ?? wholeLayout(tokenTotal(plan));
}

/** Keys that each query of a block sees: all slots of its window, or the pooled ones. */
export function keysPerWindow(plan: VitPlan, block: VitBlock): number {
	const { rows, cols } = keyExtent(plan, block);
	return block.pool ? rows * cols : layoutOf(plan, block).size;
}

/** One-hot rows and columns of all keys: [keys, rows + cols]. */
export function keyOnes({ rows, cols }: Extent): Float32Array {
	const ones = new Float32Array(rows * cols * (rows + cols));
	for (let key = 0; key < rows * cols; key++) {
		ones[key * (rows + cols) + Math.floor(key / cols)] = 1;
		ones[key * (rows + cols) + rows + (key % cols)] = 1;
	}
	return ones;
}

/** [along, keys, width] -> [along, width, keys] */
function transposed({ data, shape }: { data: Float32Array; shape: [number, number, number] }) {
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

/** The product of sizes, symbolic where one of them is. */
function product(...dims: Dim[]): Dim {
	const fixed = dims.filter((dim) => typeof dim === 'number').reduce((a, b) => a * b, 1);
	const names = dims.filter((dim) => typeof dim === 'string');
	if (names.length === 0) return fixed;
	return names.length === 1 && fixed === 1 ? names[0]! : [fixed, ...names].join('·');
}
