import { assert } from '../domain/errors.ts';
import { type FloatTensor, rowsOf } from '../domain/float-tensor.ts';
import { activate } from '../graph/activations.ts';
import type { Value } from '../graph/graph-builder.ts';
import type { Layers, WeightLookup } from '../graph/layers.ts';
import type { Dim } from '../graph/operation-count.ts';
import {
	extraTotal,
	headDim,
	type LayerNames,
	type QkvPart,
	tokenTotal,
	type VitBlock,
	type VitPlan,
} from './plan.ts';
import { fusedQkv, type LinearWeights, qkvPart, reorderOutputs, scaleOutputs } from './qkv.ts';

/** Queries, keys and values of the same tokens, as rows [k, dim] each. */
export type QkvRows = { queries: Value; keys: Value; values: Value };

/** Linear layers and norms of `LayerNames`. */
type Layer = 'norm1' | 'projection' | 'norm2' | 'fc1' | 'fc2';

/**
 * The parts of a transformer block, which modes combine. Queries are rows [1, k, dim]; keys and values
 * lie head by head, [1, heads, k, headDim], as the runtime's attention reads them without a copy.
 */
export class BlockLayers {
	readonly #layers: Layers;
	readonly #plan: VitPlan;
	readonly #rotary: { cos: Value; sin: Value } | null;

	/** `rotary`: the plan's table [tokens, headDim / 2] as inputs of the graph, where it is not a constant. */
	constructor(layers: Layers, plan: VitPlan, rotary: { cos: Value; sin: Value } | null = null) {
		this.#layers = layers;
		this.#plan = plan;
		this.#rotary = rotary;
	}

	/** The grid's tokens [k, dim] with the extra ones before and after them: [tokens, dim]. */
	withExtra(gridTokens: Value): Value {
		const { before, after } = this.#plan.embedExtra(this.#layers);
		const parts = [before, gridTokens, after].filter((part) => part !== null);
		return parts.length === 1 ? gridTokens : this.#layers.concat(parts, 0);
	}

	/** All tokens [tokens, dim] with the plan's absolute positions, where it has them. */
	positioned(x: Value): Value {
		const { absolute } = this.#plan;
		return absolute ? this.#addTable('positions:absolute', absolute, x) : x;
	}

	/** norm1 of x [k, dim]. */
	normed(block: VitBlock, x: Value): Value {
		return this.#layers.layerNorm(this.#named(block, 'norm1'), x, this.#plan.normEpsilon);
	}

	/**
	 * Queries, keys and values of normed tokens [k, dim]; with rotary positions, of tokens at `positions` [1, k]. Without, they are
	 * one matrix product.
	 */
	projections(block: VitBlock, normed: Value, positions: Value | null): QkvRows {
		const { dim, rotary } = this.#plan;
		if (rotary) {
			const [k] = normed.shape;
			return {
				queries: this.#layers.reshape(this.queries(block, normed, positions), [k!, dim]),
				keys: this.#layers.reshape(this.keyRows(block, normed, positions), [k!, dim]),
				values: this.#project(block, 'value', normed),
			};
		}
		const qkv = this.#linear(normed, fusedQkv(this.#weights, this.#plan, block));
		const [queries, keys, values] = this.#layers.split(qkv, [dim, dim, dim]) as [Value, Value, Value];
		return { queries, keys, values };
	}

	/** Queries [1, k, dim] of normed tokens [k, dim], rotated to `positions` [1, k] where the plan is rotary. */
	queries(block: VitBlock, normed: Value, positions: Value | null): Value {
		return this.#rotate(this.#row(this.#project(block, 'query', normed)), positions);
	}

	/** Keys [1, heads, k, headDim], rotated like queries. */
	keys(block: VitBlock, normed: Value, positions: Value | null): Value {
		return this.byHead(this.keyRows(block, normed, positions));
	}

	/** Keys [1, k, dim], rotated like queries. */
	keyRows(block: VitBlock, normed: Value, positions: Value | null): Value {
		return this.#rotate(this.#row(this.#project(block, 'key', normed)), positions);
	}

	/** Values [1, heads, k, headDim]. */
	values(block: VitBlock, normed: Value): Value {
		return this.byHead(this.valueRows(block, normed));
	}

	/** Values [1, k, dim]. */
	valueRows(block: VitBlock, normed: Value): Value {
		return this.#row(this.#project(block, 'value', normed));
	}

	/**
	 * Keys, rotated, and values, [1, heads, k, headDim] both, projected by the matrix `name` [2 · dim, dim] from tokens [k, dim]
	 * at `positions` [1, k] that are normalised without weights.
	 */
	keysAndValuesFrom(name: string, normalised: Value, positions: Value): { keys: Value; values: Value } {
		const { dim } = this.#plan;
		const [weight, bias] = [
			this.#weights(`${name}.weight`, [2 * dim, dim]),
			this.#weights(`${name}.bias`, [2 * dim]),
		];
		const half = (part: string, first: number): LinearWeights => ({
			name: `${name}:${part}`,
			weight: rowsOf(weight, first, dim),
			bias: rowsOf(bias, first, dim),
		});
		const keys = this.#linear(normalised, this.#inRotaryOrder(half('keys', 0), 1));
		const values = this.#linear(normalised, half('values', dim));
		return { keys: this.byHead(this.#rotate(this.#row(keys), positions)), values: this.byHead(values) };
	}

	/** Rows [k, dim] or [1, k, dim], head by head: [1, heads, k, headDim]. */
	byHead(x: Value): Value {
		const k = x.shape.at(-2)!;
		const { heads } = this.#plan;
		const rows = this.#layers.reshape(x, [1, k, heads, headDim(this.#plan)]);
		return this.#layers.transpose(rows, [0, 2, 1, 3]);
	}

	/**
	 * Attention of queries [1, k, dim] over keys and values, [1, heads, n, headDim] or as rows [1, n, dim] both -> [k, dim]. Of rows the
	 * runtime writes no logits out: an eighth sooner for as many queries as keys, later for a few.
	 */
	attend(queries: Value, keys: Value, values: Value): Value {
		const { graph } = this.#layers;
		const { dim, heads } = this.#plan;
		const [, k] = queries.shape as [number, Dim, number];
		const n = keys.shape.at(-2)!;
		graph.count(k, n, dim); // query · key
		graph.count(k, n, dim); // weight · value
		const attended = graph.op(
			'MultiHeadAttention',
			[queries, keys, values],
			{ shape: queries.shape },
			{ domain: 'com.microsoft', attributes: { num_heads: heads } },
		);
		return this.#layers.reshape(attended, [k, dim]);
	}

	/** Queries, keys and values of normed tokens [k, dim] before rotation, in one value: [k, 3 · heads, headDim]. */
	projectionsTogether(block: VitBlock, normed: Value): Value {
		const rows = this.#linear(normed, this.#inRotaryOrder(fusedQkv(this.#weights, this.#plan, block), 2));
		return this.#layers.reshape(rows, [rows.shape[0]!, 3 * this.#plan.heads, headDim(this.#plan)]);
	}

	/** Heads of queries and keys x [k, n, headDim] rotated to `positions` [1, k] where the plan is rotary. */
	rotateHeads(x: Value, positions: Value): Value {
		if (!this.#plan.rotary) return x;
		const [k, n, width] = x.shape as [Dim, number, number];
		const rows = this.#layers.reshape(x, [1, k, n * width]);
		return this.#layers.reshape(this.#rotate(rows, positions), x.shape);
	}

	/** The rest of the block for tokens x [k, dim] and the output of attention [k, dim]: projection, MLP, residuals. */
	finish(block: VitBlock, x: Value, attended: Value): Value {
		const y = this.#layers.add(x, this.project(block, attended));
		return this.#layers.add(y, this.mlp(block, this.normedForMlp(block, y)));
	}

	/** All tokens [tokens, dim] plus the block's residual after the MLP, where it has one. */
	withResidual(block: VitBlock, x: Value): Value {
		return block.residual ? this.#layers.add(x, block.residual(this.#layers, x)) : x;
	}

	/** All tokens [tokens, dim] plus the positions that the block adds last, where it has some. */
	positionedAfter(block: VitBlock, x: Value): Value {
		return block.positionsAfter ? this.#addTable(`${block.name}:positions`, block.positionsAfter, x) : x;
	}

	/** The output projection of attention, with the layer scale, [k, dim]. */
	project(block: VitBlock, attended: Value): Value {
		const weights = this.#layerWeights(block, 'projection', this.#plan.dim, this.#plan.dim);
		return this.#linear(attended, this.#scaled(block, 'attention', weights));
	}

	/** norm2 of x [k, dim]. */
	normedForMlp(block: VitBlock, x: Value): Value {
		return this.#layers.layerNorm(this.#named(block, 'norm2'), x, this.#plan.normEpsilon);
	}

	/** The MLP of normed tokens [k, dim], with the layer scale. */
	mlp(block: VitBlock, normed: Value): Value {
		const { graph } = this.#layers;
		const { dim, activation, layerNames } = this.#plan;
		const first = this.#linear(normed, this.#layerWeights(block, 'fc1', block.hidden, dim));
		const hidden = layerNames.gate
			? graph.op(
					'Mul',
					[
						activate(
							this.#layers,
							activation,
							this.#layers.linear(`${block.name}.${layerNames.gate}`, normed, block.hidden),
						),
						first,
					],
					{ shape: first.shape },
				)
			: activate(this.#layers, activation, first);
		const second = this.#layerWeights(block, 'fc2', dim, block.hidden);
		return this.#linear(hidden, this.#scaled(block, 'mlp', second));
	}

	/** Splits the rows of all tokens [tokens, …] into the grid's and the extra ones. */
	apart(x: Value): { grid: Value; extra: Value | null } {
		const { before, after } = this.#plan.extra;
		if (extraTotal(this.#plan) === 0) return { grid: x, extra: null };
		const grid = tokenTotal(this.#plan) - before - after;
		const sizes = [before, grid, after].filter((size) => size > 0);
		const parts = this.#layers.split(x, sizes, 0);
		const extra = parts.filter((part) => part !== parts[before > 0 ? 1 : 0]);
		return {
			grid: parts[before > 0 ? 1 : 0]!,
			extra: extra.length === 1 ? extra[0]! : this.#layers.concat(extra, 0),
		};
	}

	get #weights(): WeightLookup {
		return (name, shape) => this.#layers.tensor(name, shape);
	}

	#named(block: VitBlock, layer: Layer): string {
		return `${block.name}.${this.#plan.layerNames[layer]}`;
	}

	#layerWeights(block: VitBlock, layer: Layer, out: number, width: number): LinearWeights {
		const name = this.#named(block, layer);
		return {
			name,
			weight: this.#weights(`${name}.weight`, [out, width]),
			bias: this.#weights(`${name}.bias`, [out]),
		};
	}

	/** The weights multiplied by the block's layer scale once, so that it costs nothing in a run. */
	#scaled(
		block: VitBlock,
		branch: keyof NonNullable<LayerNames['layerScale']>,
		linear: LinearWeights,
	): LinearWeights {
		const { layerScale } = this.#plan.layerNames;
		if (!layerScale) return linear;
		const factors = this.#weights(`${block.name}.${layerScale[branch]}`, [this.#plan.dim]);
		return scaleOutputs(linear, factors);
	}

	/** One of the three projections, its head dimensions in rotary order. */
	#project(block: VitBlock, part: QkvPart, normed: Value): Value {
		const linear = qkvPart(this.#weights, this.#plan, block, part);
		return this.#linear(normed, part === 'value' ? linear : this.#inRotaryOrder(linear, 1));
	}

	/** The layer with its first `parts` · dim outputs in the order that rotation expects. */
	#inRotaryOrder(linear: LinearWeights, parts: number): LinearWeights {
		const { rotary, dim } = this.#plan;
		if (!rotary) return linear;
		const size = headDim(this.#plan);
		const order = Array.from({ length: linear.weight.shape[0]! }, (_, row) =>
			row < parts * dim ? row - (row % size) + rotary.order[row % size]! : row,
		);
		return reorderOutputs(linear, order);
	}

	#linear(x: Value, { name, weight, bias }: LinearWeights): Value {
		const { graph } = this.#layers;
		return this.#layers.linearFrom(
			x,
			graph.constant(`${name}.weight`, weight),
			bias && graph.constant(`${name}.bias`, bias),
		);
	}

	/** x [tokens, dim] plus learned positions for all of them. */
	#addTable(name: string, table: (weights: WeightLookup) => FloatTensor, x: Value): Value {
		return this.#layers.add(x, this.#layers.graph.constant(name, table(this.#weights)));
	}

	#row(x: Value): Value {
		return this.#layers.reshape(x, [1, ...x.shape]);
	}

	#rotate(x: Value, positions: Value | null): Value {
		const { graph } = this.#layers;
		const { rotary, name } = this.#plan;
		if (!rotary) return x;
		assert(positions, `${name} has rotary positions`);
		const shape = [tokenTotal(this.#plan), headDim(this.#plan) / 2];
		return graph.op(
			'RotaryEmbedding',
			[
				x,
				positions,
				this.#rotary?.cos ?? graph.constant('rotary:cos', { data: rotary.cos, shape }),
				this.#rotary?.sin ?? graph.constant('rotary:sin', { data: rotary.sin, shape }),
			],
			{ shape: x.shape },
			{ domain: 'com.microsoft' },
		);
	}
}
