import type { GraphBuilder, Value } from '../graph/graph-builder.ts';
import type { DimValues } from '../graph/operation-count.ts';

/** Keeps the logarithm of a probability finite, as published. */
const LEAST_PROBABILITY = 1e-8;
/** Positive where a signal is concave. */
const SECOND_DERIVATIVE = [-1, 2, -1];

/**
 * The taps that smooth the entropy: values of the normal density at −(3σ − 1), … in steps of 1, below 3σ; not
 * normalised to a sum of 1. A σ that is not whole gives taps between whole numbers.
 */
export function gaussianTaps(sigma: number): Float32Array {
	const first = -(3 * sigma - 1);
	const count = Math.ceil(3 * sigma - first);
	return Float32Array.from(
		{ length: count },
		(_, i) => Math.exp(-((first + i) ** 2) / (2 * sigma ** 2)) / (sigma * Math.sqrt(2 * Math.PI)),
	);
}

/** Intermediate values of clustering; batch N, tokens S in raster order. */
export type ClusterSignal = {
	/** [N, S] */
	prob: Value;
	entropy: Value;
	smoothed: Value;
	second_derivative: Value;
	/** 1 where the smoothed entropy is concave [N, S], int64. */
	sign: Value;
	/** 1 where a run of equal sign begins or ends [N, S + 1], int64. */
	boundaries: Value;
	/** Runs of equal sign [N], int64, and their mean length [N]. */
	regions: Value;
	mean_region: Value;
};

/**
 * Entropy-based clustering of keys and values (ENACT, Savathrakis and Argyros, section 3), as graph operators. The
 * length of a cluster is computed from the data inside the graph: the mean length of the runs over which the
 * smoothed entropy of a learned distribution over the tokens keeps the sign of its curvature, rounded half to even;
 * one length for the whole batch. Tokens beyond whole clusters are dropped, half of them on the left.
 */
export class EntropyClusters {
	readonly signal: ClusterSignal;
	/** Tokens per cluster [1], int64. */
	readonly length: Value;
	/** First token that is clustered, and the one behind the last [2], int64. */
	readonly range: Value;
	/** Softmax of the smoothed entropy inside each cluster [N, clusters, length]. */
	readonly weights: Value;
	readonly #graph: GraphBuilder;
	readonly #name: string;
	/** Whole clusters, the first token in one, and the one behind the last: [1], int64. */
	readonly #count: Value;
	readonly #first: Value;
	readonly #end: Value;

	/**
	 * `logits` [N, S] of the learned distribution. `forcedLength` [1], int64: tokens per cluster, 0 = from the data.
	 * `name` tells the clusterings of one graph apart.
	 */
	constructor(
		graph: GraphBuilder,
		name: string,
		logits: Value,
		options: { sigma: number; forcedLength?: Value },
	) {
		this.#graph = graph;
		this.#name = name;
		this.signal = clusterSignal(graph, logits, options.sigma);
		const [, tokens] = logits.shape as [number, number];
		const all = graph.integers([tokens]);
		const one = { type: 'int64', shape: [1] } as const;

		this.length = options.forcedLength
			? forced(graph, lengthFromRuns(graph, this.signal.mean_region), options.forcedLength, all)
			: lengthFromRuns(graph, this.signal.mean_region);
		this.#count = graph.op('Div', [all, this.length], one);
		const used = graph.op('Mul', [this.#count, this.length], one);
		this.#first = graph.op('Div', [graph.op('Sub', [all, used], one), graph.integers([2])], one);
		this.#end = graph.op('Add', [this.#first, used], one);
		this.range = graph.op(
			'Concat',
			[this.#first, this.#end],
			{ type: 'int64', shape: [2] },
			{ attributes: { axis: 0 } },
		);
		this.weights = graph.op('Softmax', [this.#fold(this.signal.smoothed, [])], this.#shape(), {
			attributes: { axis: -1 },
		});
	}

	/** The weighted mean of every cluster: x [N, S, width] -> [N, clusters, width]. */
	gather(x: Value): Value {
		const graph = this.#graph;
		const [batch, , width] = x.shape as [number, number, number];
		const { shape } = this.#shape();
		const weights = graph.op('Unsqueeze', [this.weights, graph.integers([-1])], { shape: [...shape, 1] });
		const weighted = graph.op('Mul', [this.#fold(x, [width]), weights], { shape: [...shape, width] });
		graph.count(...shape, width);
		return graph.op(
			'ReduceSum',
			[weighted, graph.integers([2])],
			{ shape: [batch, shape[1], width] },
			{ attributes: { keepdims: 0 } },
		);
	}

	/** Makes the length and the range outputs of the graph, `<prefix>cluster_length` and `<prefix>used_range`. */
	output(prefix: string): void {
		this.#graph.output(`${prefix}cluster_length`, this.length);
		this.#graph.output(`${prefix}used_range`, this.range);
	}

	/** Makes all that the clusters were made from outputs as well, to be compared with a reference. */
	outputSignal(prefix: string): void {
		for (const [name, value] of Object.entries({ ...this.signal, weights: this.weights }))
			this.#graph.output(`${prefix}${name}`, value);
	}

	/** The clustered tokens of x [N, S, …rest] as [N, clusters, length, …rest]. */
	#fold(x: Value, rest: readonly number[]): Value {
		const graph = this.#graph;
		const { shape } = this.#shape();
		const used = graph.op('Slice', [x, this.#first, this.#end, graph.integers([1])], {
			shape: [shape[0], `${this.#name}.used`, ...rest],
		});
		const target = graph.op(
			'Concat',
			[
				graph.integers([shape[0]]),
				this.#count,
				this.length,
				...(rest.length > 0 ? [graph.integers(rest)] : []),
			],
			{ type: 'int64', shape: [3 + rest.length] },
			{ attributes: { axis: 0 } },
		);
		return graph.op('Reshape', [used, target], { shape: [...shape, ...rest] });
	}

	#shape(): { shape: readonly [number, string, string] } {
		const [batch] = this.signal.prob.shape as [number];
		return { shape: [batch, `${this.#name}.clusters`, `${this.#name}.length`] };
	}
}

/** The sizes that a clustering called `name` had in a run, for counting its operations. */
export function clusterDims(name: string, length: number, tokens: number): DimValues {
	return { [`${name}.length`]: length, [`${name}.clusters`]: Math.floor(tokens / length) };
}

function clusterSignal(graph: GraphBuilder, logits: Value, sigma: number): ClusterSignal {
	const { shape } = logits;
	const [batch, tokens] = shape as [number, number];
	const softmax = graph.op('Softmax', [logits], { shape }, { attributes: { axis: -1 } });
	const prob = graph.op('Add', [softmax, graph.floats([LEAST_PROBABILITY])], { shape });
	const nats = graph.op('Mul', [graph.op('Neg', [prob], { shape }), graph.op('Log', [prob], { shape })], {
		shape,
	});
	const entropy = graph.op('Div', [nats, graph.floats([Math.LN2])], { shape });
	const smoothed = convolve(graph, entropy, [...gaussianTaps(sigma)]);
	const second_derivative = convolve(graph, smoothed, SECOND_DERIVATIVE);
	const concave = graph.op('Greater', [second_derivative, graph.floats([0])], { type: 'bool', shape });

	const part = (from: number, to: number) =>
		graph.op('Slice', [concave, graph.integers([from]), graph.integers([to]), graph.integers([1])], {
			shape: [batch, tokens - 1],
		});
	const turns = graph.op('Xor', [part(1, tokens), part(0, tokens - 1)], { shape: [batch, tokens - 1] });
	const ends = graph.constant(`cluster ends:${batch}`, {
		data: new BigInt64Array(batch).fill(1n),
		shape: [batch, 1],
	});
	const boundaries = graph.op(
		'Concat',
		[ends, graph.cast(turns, 'int64'), ends],
		{ shape: [batch, tokens + 1] },
		{ attributes: { axis: 1 } },
	);
	const edges = graph.op(
		'ReduceSum',
		[boundaries, graph.integers([1])],
		{ shape: [batch] },
		{ attributes: { keepdims: 0 } },
	);
	const regions = graph.op('Sub', [edges, graph.integers([1])], { shape: [batch] });
	const mean_region = graph.op('Div', [graph.floats([tokens]), graph.cast(regions, 'float32')], {
		shape: [batch],
	});
	const sign = graph.cast(concave, 'int64');
	return { prob, entropy, smoothed, second_derivative, sign, boundaries, regions, mean_region };
}

/** x [N, S] convolved along S, zero padded to the same length; the odd cell of an even kernel on the right. */
function convolve(graph: GraphBuilder, x: Value, taps: readonly number[]): Value {
	const [batch, tokens] = x.shape as [number, number];
	const left = Math.floor((taps.length - 1) / 2);
	const row = graph.op('Unsqueeze', [x, graph.integers([1])], { shape: [batch, 1, tokens] });
	const kernel = graph.constant(`taps:${taps.join(',')}`, {
		data: Float32Array.from(taps),
		shape: [1, 1, taps.length],
	});
	graph.count(batch, tokens, taps.length);
	const convolved = graph.op(
		'Conv',
		[row, kernel],
		{ shape: row.shape },
		{ attributes: { kernel_shape: [taps.length], pads: [left, taps.length - 1 - left] } },
	);
	return graph.op('Squeeze', [convolved, graph.integers([1])], { shape: x.shape });
}

/** The mean over the batch in double precision, rounded half to even: [1], int64. */
function lengthFromRuns(graph: GraphBuilder, meanRegion: Value): Value {
	const double = { type: 'float64', shape: [1] } as const;
	const mean = graph.op('ReduceMean', [graph.cast(meanRegion, 'float64'), graph.integers([0])], double);
	return graph.cast(graph.op('Round', [mean], double), 'int64');
}

/** `length` where it is not 0, at most all tokens; else the length from the data. */
function forced(graph: GraphBuilder, fromData: Value, length: Value, all: Value): Value {
	const one = { type: 'int64', shape: [1] } as const;
	const isForced = graph.op('Greater', [length, graph.integers([0])], { type: 'bool', shape: [1] });
	return graph.op('Where', [isForced, graph.op('Min', [length, all], one), fromData], one);
}
