import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { Dim } from '../../graph/operation-count.ts';
import { EntropyClusters } from '../../vit/enact-clustering.ts';
import { derivedTensor, rowsOf, type FloatTensor } from '../../domain/float-tensor.ts';

/** What is added to the logits of padded keys: far below any logit, and still a number. */
const MASKED = -1e30;

/** Emits the attention of the three hosts. Rows are [batch · tokens, width]. */
export class AttentionLayers {
	readonly layers: Layers;
	readonly batch: number;
	/** What stands before a named number of tokens where all pictures' are meant. */
	readonly #times: string;

	constructor(layers: Layers, batch: number) {
		this.#times = batch === 1 ? '' : `${batch} × `;
		this.layers = layers;
		this.batch = batch;
	}

	/** [batch · tokens, width] -> [batch, tokens, width] */
	byPicture(rows: Value): Value {
		const [all, width] = rows.shape as [Dim, number];
		const tokens = typeof all === 'number' ? all / this.batch : all.slice(this.#times.length);
		return this.layers.reshape(rows, [this.batch, tokens, width]);
	}

	/** [batch, tokens, width] -> [batch · tokens, width] */
	toRows(x: Value): Value {
		const [batch, tokens, width] = x.shape as [number, Dim, number];
		const all = typeof tokens === 'number' ? batch * tokens : `${this.#times}${tokens}`;
		return this.layers.reshape(x, [all, width]);
	}

	/**
	 * Fused attention: queries [batch, n, width], keys [batch, m, width], values [batch, m, any] ->
	 * [batch · n, any]. `scale` of the logits: 1 / sqrt(head size) unless given. `isReal` [batch, m], int32: 0 = a
	 * padded key that nobody attends to; null = none.
	 */
	attend(
		queries: Value,
		keys: Value,
		values: Value,
		options: { heads: number; isReal?: Value | null; scale?: number },
	): Value {
		const { graph } = this.layers;
		const { heads, isReal = null, scale } = options;
		const [, n, width] = queries.shape as [number, Dim, number];
		const [, m, valueWidth] = values.shape as [number, Dim, number];
		graph.count(this.batch, n, m, width); // query · key
		graph.count(this.batch, n, m, valueWidth); // weight · value
		const attended = graph.op(
			'MultiHeadAttention',
			[queries, keys, values, null, isReal],
			{ shape: [this.batch, n, valueWidth] },
			{
				domain: 'com.microsoft',
				attributes: {
					num_heads: heads,
					mask_filter_value: { float: MASKED },
					...(scale === undefined ? {} : { scale: { float: scale } }),
				},
			},
		);
		return this.toRows(attended);
	}

	/** PyTorch's nn.MultiheadAttention under `name`: rows in, rows out; one projection matrix for all three inputs. */
	multiHead(
		name: string,
		queries: Value,
		keys: Value,
		values: Value,
		options: { heads: number; isReal?: Value | null },
	): Value {
		const project = (x: Value, part: number) => this.byPicture(this.projectPart(name, x, part, 3));
		const attended = this.attend(project(queries, 0), project(keys, 1), project(values, 2), options);
		return this.layers.linear(`${name}.out_proj`, attended, attended.shape[1] as number);
	}

	/** x · Wᵀ + b, times `scale`, with part `part` of the `parts` equal ones of `name.in_proj_weight` [parts · width, width]. */
	projectPart(name: string, x: Value, part: number, parts: number, scale = 1): Value {
		const width = x.shape[1] as number;
		const slice = (tensor: string, shape: readonly number[]) => {
			const rows = rowsOf(this.layers.tensor(tensor, shape), part * width, width);
			const scaled = scale === 1 ? rows : scaledBy(rows, scale);
			return this.layers.graph.constant(`${tensor}:${part}×${scale}`, scaled);
		};
		return this.layers.linearFrom(
			x,
			slice(`${name}.in_proj_weight`, [parts * width, width]),
			slice(`${name}.in_proj_bias`, [parts * width]),
		);
	}

	/**
	 * ENACT's attention as in its DETR and Conditional DETR (`models/enact.py`, ClustAttn): keys and values are clustered
	 * before their projections, the logits are not scaled, the softmax is divided by the head size. `prefix` stands
	 * before `W_q` and the others. `clusters` null: every token is a cluster of its own.
	 */
	clustered(
		prefix: string,
		heads: number,
		queries: Value,
		keys: Value,
		values: Value,
		clusters: EntropyClusters | null,
	): Value {
		const { layers } = this;
		const width = queries.shape[1] as number;
		const gathered = (x: Value) => (clusters ? this.toRows(clusters.gather(this.byPicture(x))) : x);
		const project = (part: string, x: Value) => layers.linear(`${prefix}${part}`, x, width);
		const attended = this.attend(
			this.byPicture(project('W_q', queries)),
			this.byPicture(project('W_k', gathered(keys))),
			this.byPicture(project('W_v', gathered(values))),
			{ heads, scale: 1 },
		);
		const weight = layers.graph.constant(
			`${prefix}W_o.weight:divided`,
			scaledBy(layers.tensor(`${prefix}W_o.weight`, [width, width]), heads / width),
		);
		return layers.linearFrom(attended, weight, layers.weight(`${prefix}W_o.bias`, [width]));
	}

	/** Clusters of tokens by their keys, rows [batch · tokens, width], with `name.weight` [1, width]. */
	clusters(name: string, called: string, keys: Value, options: ClusterOptions): EntropyClusters {
		const logits = this.layers.reshape(this.layers.linear(name, keys, 1), [
			this.batch,
			(keys.shape[0] as number) / this.batch,
		]);
		return new EntropyClusters(this.layers.graph, called, logits, options);
	}
}

type ClusterOptions = ConstructorParameters<typeof EntropyClusters>[3];

function scaledBy(tensor: FloatTensor, scale: number): FloatTensor {
	return derivedTensor(`times ${scale}`, [tensor], tensor.shape, () =>
		tensor.data.map((value) => value * scale),
	);
}
