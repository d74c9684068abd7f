import { activate } from '../../graph/activations.ts';
import type { Value } from '../../graph/graph-builder.ts';
import type { Layers } from '../../graph/layers.ts';
import type { EntropyClusters } from '../../vit/enact-clustering.ts';
import { AttentionLayers } from './attention.ts';
import type { DetrConfig } from './config.ts';

const NORM_EPSILON = 1e-5;
/** Keeps the logarithms of `inverseSigmoid` finite, as published. */
const INVERSE_EPSILON = 1e-5;

/** A feature map of a batch, and which of its cells are padding. */
export type FeatureMap = {
	batch: number;
	rows: number;
	cols: number;
	/** [batch, rows, cols], 1 = padding; null where no picture is padded. */
	padding: Uint8Array | null;
};

/** What a host's transformer gives for one decoder layer. */
export type Prediction = {
	/** [batch · queries, logits] */
	logits: Value;
	/** Centre x, centre y, width, height, 0 to 1 of the picture without padding: [batch · queries, 4]. */
	boxes: Value;
};

/** What hosts share: weights, the map they work on, and names for what parity cases compare. */
export class DetrParts {
	readonly layers: Layers;
	readonly config: DetrConfig;
	readonly map: FeatureMap;
	readonly attention: AttentionLayers;
	/** 1 = a token of a picture, 0 = padding [batch, tokens], int32; null where no picture is padded. */
	readonly isReal: Value | null;
	/** Tokens per cluster [1], int64, 0 = from the data; null = every token is a cluster of its own. */
	readonly #clusterLength: Value | null;
	readonly #taps: boolean;

	constructor(
		layers: Layers,
		config: DetrConfig,
		map: FeatureMap,
		options: { clusterLength: Value | null; taps: boolean },
	) {
		this.layers = layers;
		this.config = config;
		this.map = map;
		this.attention = new AttentionLayers(layers, map.batch);
		this.#clusterLength = options.clusterLength;
		this.#taps = options.taps;
		this.isReal =
			map.padding &&
			layers.graph.constant('is real', {
				data: Int32Array.from(map.padding, (isPadding) => 1 - isPadding),
				shape: [map.batch, this.tokens],
			});
	}

	get tokens(): number {
		return this.map.rows * this.map.cols;
	}

	/** Makes `value` an output, where the graph is built with taps. */
	tap(name: string, value: Value): void {
		if (this.#taps) this.layers.graph.output(name, value);
	}

	/** The layers whose predictions are wanted: the last one, or all where the graph is built with taps. */
	predicts(layer: number): boolean {
		return this.#taps || layer === this.config.decoderLayers - 1;
	}

	/** The clusters of encoder layer `layer` by its keys, rows [batch · tokens, dim]; null where nothing is clustered. */
	clusters(layer: number, name: string, keys: Value): EntropyClusters | null {
		if (this.#clusterLength === null) return null;
		const clusters = this.attention.clusters(name, clusteringName(layer), keys, {
			sigma: this.config.sigma,
			forcedLength: this.#clusterLength,
		});
		clusters.output(`enc.${layer}.`);
		if (this.#taps) clusters.outputSignal(`enc.${layer}.`);
		return clusters;
	}

	/** Clustered tokens as a tap: rows [batch · tokens, dim] -> output `enc.<layer>.<name>`. */
	tapClustered(layer: number, name: string, clusters: EntropyClusters | null, rows: Value): void {
		if (this.#taps && clusters)
			this.tap(`enc.${layer}.${name}`, clusters.gather(this.attention.byPicture(rows)));
	}

	norm(name: string, x: Value): Value {
		return this.layers.layerNorm(name, x, NORM_EPSILON);
	}

	/** x + change, normed behind, or of a normed x where norms come first. */
	residual(norm: string, x: Value, change: (x: Value) => Value, preNorm = this.config.preNorm): Value {
		const { layers } = this;
		return preNorm ? layers.add(x, change(this.norm(norm, x))) : this.norm(norm, layers.add(x, change(x)));
	}

	/** linear2(activation(linear1(x))), `hidden` wide between them. */
	feedForward(prefix: string, x: Value, hidden: number): Value {
		const { layers, config } = this;
		const inner = activate(layers, config.activation, layers.linear(`${prefix}linear1`, x, hidden));
		return layers.linear(`${prefix}linear2`, inner, config.dim);
	}

	/** Linear layers with ReLU between them, under the given names. */
	mlp(names: readonly string[], x: Value, out: number): Value {
		return names.reduce((y, name, i) => {
			const last = i === names.length - 1;
			const z = this.layers.linear(name, y, last ? out : this.config.dim);
			return last ? z : this.layers.relu(z);
		}, x);
	}

	/** Rows of a table, all of them once per picture: [rows, width] -> [batch · rows, width]. */
	repeated(name: string, data: Float32Array, width: number): Value {
		const { batch } = this.map;
		const all = new Float32Array(batch * data.length);
		for (let n = 0; n < batch; n++) all.set(data, n * data.length);
		return this.layers.graph.constant(`${name}:${batch} times`, {
			data: all,
			shape: [all.length / width, width],
		});
	}

	/** ln(x / (1 − x)) of x in 0 to 1, kept finite. */
	inverseSigmoid(x: Value): Value {
		const { graph } = this.layers;
		const { shape } = x;
		const least = graph.floats([INVERSE_EPSILON]);
		const above = graph.op('Max', [x, least], { shape });
		const below = graph.op('Max', [graph.op('Sub', [graph.floats([1]), x], { shape }), least], { shape });
		return graph.op('Log', [graph.op('Div', [above, below], { shape })], { shape });
	}

	/** What the next decoder layer starts from, given what one leaves: the same unless norms stand between layers. */
	betweenLayers(x: Value): Value {
		return this.config.normsBetween ? this.norm('transformer.decoder.norm', x) : x;
	}

	/** What the norm and the heads that all decoder layers share say of query rows. */
	sharedPrediction(layer: number, x: Value, reference: Value | null): Prediction {
		const normed = this.norm('transformer.decoder.norm', x);
		this.tap(`dec.${layer}.normed`, normed);
		return {
			logits: this.layers.linear('class_embed', normed, this.config.logits),
			boxes: this.boxes('bbox_embed', normed, reference),
		};
	}

	/** Boxes of query rows: sigmoid of the box head, with `reference` [rows, 2] (before a sigmoid) on the centres. */
	boxes(name: string, queries: Value, reference: Value | null): Value {
		const { layers } = this;
		const raw = this.mlp(
			[0, 1, 2].map((i) => `${name}.layers.${i}`),
			queries,
			4,
		);
		if (!reference) return layers.sigmoid(raw);
		const [centre, size] = layers.split(raw, [2, 2]);
		return layers.sigmoid(layers.concat([layers.add(centre!, reference), size!], 1));
	}
}

/** What the sizes of an encoder layer's clusters are called in operation counts. */
export function clusteringName(layer: number): string {
	return `enc.${layer}`;
}
