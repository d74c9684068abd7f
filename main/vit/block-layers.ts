import { assert } from '../domain/errors.ts';
import { tokenCount } from '../domain/tokens.ts';
import type { Tensor, Value } from '../graph/graph-builder.ts';
import type { Layers } from '../graph/layers.ts';
import type { Dim } from '../graph/operation-count.ts';
import { GridAttention } from './grid-attention.ts';
import { headDim, type LayerNames, planTokens, type VitBlock, type VitPlan } from './plan.ts';
import { resizeBicubic } from './position-tables.ts';

/**
 * The parts of a transformer block, for modes to put together. Queries are rows [1, k, dim]; keys and values
 * lie head by head, [1, heads, k, headDim], as the runtime's attention reads them without a copy.
 */
export class BlockLayers {
	readonly #layers: Layers;
	readonly #plan: VitPlan;

	constructor(layers: Layers, plan: VitPlan) {
		this.#layers = layers;
		this.#plan = plan;
	}

	/** All tokens [tokens, dim] with the plan's absolute positions, where it has them. */
	positioned(x: Value): Value {
		const { absolute } = this.#plan;
		if (!absolute) return x;
		const data = absolutePositions(this.#layers, this.#plan);
		return this.#layers.add(
			x,
			this.#layers.graph.constant('positions:absolute', { data, shape: x.shape as number[] }),
		);
	}

	/** norm1 of x [k, dim]. */
	normed(block: VitBlock, x: Value): Value {
		return this.#layers.layerNorm(this.#named(block, 'norm1'), x, this.#plan.normEpsilon);
	}

	/** Attention among all tokens of a block that attends by place on the grid: normed [tokens, dim] -> [tokens, dim]. */
	attendOnGrid(block: VitBlock, normed: Value): Value {
		return new GridAttention(this.#layers, this.#plan, block).ofAll(normed);
	}

	/** Turned queries [1, k, dim] of normed tokens [k, dim] that stand at `positions` [1, k]. */
	queries(block: VitBlock, normed: Value, positions: Value | null): Value {
		return this.#turn(this.#row(this.#project(block, 'q', normed)), positions);
	}

	/** Turned keys [1, heads, k, headDim]. */
	keys(block: VitBlock, normed: Value, positions: Value | null): Value {
		return this.#byHead(this.keyRows(block, normed, positions));
	}

	/** Turned keys [1, k, dim]. */
	keyRows(block: VitBlock, normed: Value, positions: Value | null): Value {
		return this.#turn(this.#row(this.#project(block, 'k', normed)), positions);
	}

	/** Values [1, heads, k, headDim]. */
	values(block: VitBlock, normed: Value): Value {
		return this.#byHead(this.valueRows(block, normed));
	}

	/** Values [k, dim]. */
	valueRows(block: VitBlock, normed: Value): Value {
		return this.#project(block, 'v', normed);
	}

	/**
	 * Turned keys and values, [1, heads, k, headDim] both, that the map `name` [2 · dim, dim] makes of tokens [k, dim] at
	 * `positions` [1, k], normalised without weights.
	 */
	keysAndValuesFrom(name: string, normalised: Value, positions: Value): { keys: Value; values: Value } {
		const rows = 2 * this.#plan.dim;
		const keys = this.#turn(this.#row(this.#rowsOf(name, rows, 0, true, normalised)), positions);
		const values = this.#rowsOf(name, rows, this.#plan.dim, false, normalised);
		return { keys: this.#byHead(keys), values: this.#byHead(values) };
	}

	/** Attention of queries [1, k, dim] over keys and values [1, heads, n, headDim] -> [k, dim]. */
	attend(queries: Value, keys: Value, values: Value): Value {
		const { graph } = this.#layers;
		const { dim, heads } = this.#plan;
		const [, k] = queries.shape as [number, Dim, number];
		const n = keys.shape[2]!;
		graph.count(k, n, dim); // query · key
		graph.count(k, n, dim); // weight · value
		const mixed = graph.op(
			'MultiHeadAttention',
			[queries, keys, values],
			{ shape: queries.shape },
			{ domain: 'com.microsoft', attributes: { num_heads: heads } },
		);
		return this.#layers.reshape(mixed, [k, dim]);
	}

	/**
	 * Turned queries [heads, k, headDim] of normed tokens [k, dim] that stand at `positions` [1, k], and per head their
	 * turned keys and their values [1, k, headDim]. One node gives all of them: who reads the queries runs after the
	 * keys and values were written to wherever they go.
	 */
	parted(
		block: VitBlock,
		normed: Value,
		positions: Value,
	): { queries: Value; keys: Value[]; values: Value[] } {
		const layers = this.#layers;
		const { heads } = this.#plan;
		const k = normed.shape[0]!;
		const turned = (part: 'q' | 'k') => this.#turn(this.#row(this.#project(block, part, normed)), positions);
		const rows = layers.concat([turned('q'), turned('k'), this.#row(this.#project(block, 'v', normed))], 2);
		const byHead = layers.transpose(layers.reshape(rows, [k, 3 * heads, headDim(this.#plan)]), [1, 0, 2]);
		const [queries, ...rest] = layers.split(byHead, [heads, ...Array<number>(2 * heads).fill(1)], 0);
		return { queries: queries!, keys: rest.slice(0, heads), values: rest.slice(heads) };
	}

	/** Attention of queries [heads, k, headDim] over keys and values [heads, 1, n, headDim] -> [k, dim]. */
	attendByHead(queries: Value, keys: Value, values: Value): Value {
		const layers = this.#layers;
		const { dim } = this.#plan;
		const k = queries.shape[1]!;
		const n = keys.shape[2]!;
		layers.graph.count(k, n, dim); // query · key
		layers.graph.count(k, n, dim); // weight · value
		// To the runtime's attention every head is a picture of its own, with a single head.
		const mixed = layers.graph.op(
			'MultiHeadAttention',
			[queries, keys, values],
			{ shape: queries.shape },
			{ domain: 'com.microsoft', attributes: { num_heads: 1 } },
		);
		return layers.reshape(layers.transpose(mixed, [1, 0, 2]), [k, dim]);
	}

	/** The rest of the block for tokens x [k, dim] and what they attended to [k, dim]: projection, MLP, residuals. */
	finish(block: VitBlock, x: Value, attended: Value): Value {
		const y = this.#layers.add(x, this.project(block, attended));
		return this.#layers.add(y, this.mlp(block, this.normedForMlp(block, y)));
	}

	/** The projection behind attention, [k, dim]. */
	project(block: VitBlock, attended: Value): Value {
		return this.#layers.linear(this.#named(block, 'projection'), attended, this.#plan.dim);
	}

	/** norm2 of x [k, dim]. */
	normedForMlp(block: VitBlock, x: Value): Value {
		return this.#layers.layerNorm(this.#named(block, 'norm2'), x, this.#plan.normEpsilon);
	}

	/** The MLP of normed tokens [k, dim]. */
	mlp(block: VitBlock, normed: Value): Value {
		const [fc1, fc2] = [this.#named(block, 'fc1'), this.#named(block, 'fc2')];
		return this.#layers.mlp(fc1, fc2, normed, block.hidden, this.#plan.dim);
	}

	#named(block: VitBlock, layer: keyof LayerNames): string {
		return `${block.name}.${this.#plan.layerNames[layer]}`;
	}

	/** One of the three projections of the published [3 · dim, dim] matrix, its head dimensions in rotary order. */
	#project(block: VitBlock, part: 'q' | 'k' | 'v', normed: Value): Value {
		const { dim } = this.#plan;
		const first = { q: 0, k: dim, v: 2 * dim }[part];
		return this.#rowsOf(this.#named(block, 'qkv'), 3 * dim, first, part !== 'v', normed);
	}

	/** x [k, dim] -> [k, dim] by the `dim` rows from `first` of a matrix [height, dim], in rotary order if `turns`. */
	#rowsOf(name: string, height: number, first: number, turns: boolean, x: Value): Value {
		const { dim } = this.#plan;
		const rows = Array.from({ length: dim }, (_, row) => first + (turns ? this.#rotaryRow(row) : row));
		const pick = (tensorName: string, shape: readonly number[]) => {
			const picked = pickRows(this.#layers.tensor(tensorName, shape), rows);
			return this.#layers.graph.constant(`${tensorName}:${first}`, picked);
		};
		return this.#layers.linearFrom(x, pick(`${name}.weight`, [height, dim]), pick(`${name}.bias`, [height]));
	}

	#rotaryRow(row: number): number {
		const { rotary } = this.#plan;
		if (!rotary) return row;
		const size = headDim(this.#plan);
		return row - (row % size) + rotary.order[row % size]!;
	}

	#row(x: Value): Value {
		return this.#layers.reshape(x, [1, ...x.shape]);
	}

	/** [k, dim] or [1, k, dim] -> [1, heads, k, headDim] */
	#byHead(x: Value): Value {
		const k = x.shape.at(-2)!;
		const { heads } = this.#plan;
		const rows = this.#layers.reshape(x, [1, k, heads, headDim(this.#plan)]);
		return this.#layers.transpose(rows, [0, 2, 1, 3]);
	}

	#turn(x: Value, positions: Value | null): Value {
		const { graph } = this.#layers;
		const { rotary, grid } = this.#plan;
		if (!rotary) return x;
		assert(positions, `${this.#plan.name} turns queries and keys by their positions`);
		const shape = [tokenCount(grid), headDim(this.#plan) / 2];
		return graph.op(
			'RotaryEmbedding',
			[
				x,
				positions,
				graph.constant('rotary:cos', { data: rotary.cos, shape }),
				graph.constant('rotary:sin', { data: rotary.sin, shape }),
			],
			{ shape: x.shape },
			{ domain: 'com.microsoft' },
		);
	}
}

/** The plan's absolute positions, resized to its grid: [tokens, dim]. */
export function absolutePositions(layers: Layers, plan: VitPlan): Float32Array {
	const { absolute, grid, dim, classToken } = plan;
	assert(absolute, `${plan.name} has absolute positions`);
	const { size } = absolute;
	const first = classToken ? dim : 0;
	const rows = size.rows * size.cols + (classToken ? 1 : 0);
	const table = layers.tensor(absolute.table, [1, rows, dim]).data as Float32Array;
	if (size.rows === grid.rows && size.cols === grid.cols) return table;
	const positions = new Float32Array(planTokens(plan) * dim);
	positions.set(table.subarray(0, first));
	positions.set(resizeBicubic({ data: table.subarray(first), size, channels: dim }, grid), first);
	return positions;
}

/** The given rows of a tensor [rows, …], in their order. */
function pickRows(tensor: Tensor, rows: readonly number[]): Tensor {
	const width = tensor.shape.slice(1).reduce((size, dim) => size * dim, 1);
	const data = new Float32Array(rows.length * width);
	const source = tensor.data as Float32Array;
	rows.forEach((row, i) => data.set(source.subarray(row * width, (row + 1) * width), i * width));
	return { data, shape: [rows.length, ...tensor.shape.slice(1)] };
}
