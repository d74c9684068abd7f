import { derivedTensor, type FloatTensor } from '../domain/float-tensor.ts';
import type { GraphBuilder, Value } from './graph-builder.ts';
import type { Dim } from './operation-count.ts';

/** Looks up a named weight of a model; throws `tensor-mismatch` if it is missing or has another shape. */
export type WeightLookup = (name: string, shape: readonly number[]) => FloatTensor;

/** Emits the layers of a network under its weights' published names. Tokens are rows: [tokens, features]. */
export class Layers {
	readonly graph: GraphBuilder;
	readonly #weights: WeightLookup;

	constructor(graph: GraphBuilder, weights: WeightLookup) {
		this.graph = graph;
		this.#weights = weights;
	}

	weight(name: string, shape: readonly number[]): Value {
		return this.graph.constant(name, this.tensor(name, shape));
	}

	/** A weight's data, for weights that are transformed before they go into the graph. */
	tensor(name: string, shape: readonly number[]): FloatTensor {
		return this.#weights(name, shape);
	}

	/** x [tokens, in] -> [tokens, out]: x · Wᵀ + b with `name.weight` [out, in] and `name.bias` [out]. */
	linear(name: string, x: Value, out: number): Value {
		const [, width] = matrix(x);
		return this.linearFrom(
			x,
			this.weight(`${name}.weight`, [out, width]),
			this.weight(`${name}.bias`, [out]),
		);
	}

	/** As `linear`, with weights given as values: [out, in] and [out] or none. */
	linearFrom(x: Value, weight: Value, bias: Value | null): Value {
		const [tokens, width] = matrix(x);
		const out = weight.shape[0]!;
		this.graph.count(tokens, width, out);
		return this.graph.op('Gemm', [x, weight, bias], { shape: [tokens, out] }, { attributes: { transB: 1 } });
	}

	/** Normalises the last axis. */
	layerNorm(name: string, x: Value, epsilon: number): Value {
		const width = x.shape.at(-1) as number;
		const scaling = [this.weight(`${name}.weight`, [width]), this.weight(`${name}.bias`, [width])];
		return this.#layerNormBy(scaling, x, epsilon);
	}

	/** Normalises the last axis, without weights. */
	plainLayerNorm(x: Value, epsilon: number): Value {
		const width = x.shape.at(-1) as number;
		const ones = { data: new Float32Array(width).fill(1), shape: [width] };
		return this.#layerNormBy([this.graph.constant(`ones:${width}`, ones)], x, epsilon);
	}

	/** `scaling`: a factor and, if any, an offset of every feature. */
	#layerNormBy(scaling: readonly Value[], x: Value, epsilon: number): Value {
		return this.graph.op(
			'LayerNormalization',
			[x, ...scaling],
			{ shape: x.shape },
			{ attributes: { axis: -1, epsilon: { float: epsilon } } },
		);
	}

	/** The erf form of GELU. */
	gelu(x: Value): Value {
		return this.graph.op('Gelu', [x], { shape: x.shape }, { attributes: { approximate: 'none' } });
	}

	add(a: Value, b: Value): Value {
		return this.graph.op('Add', [a, b], { shape: a.shape });
	}

	/** fc2(gelu(fc1(x))) under the given names. */
	mlp(fc1: string, fc2: string, x: Value, hidden: number, out: number): Value {
		return this.linear(fc2, this.gelu(this.linear(fc1, x, hidden)), out);
	}

	/** x [batch, in, h, w] -> [batch, out, h', w']; kernel 3, `pads` top, left, bottom, right. */
	conv3x3(name: string, x: Value, out: number, stride: number, pads: readonly number[]): Value {
		return this.conv(name, x, out, { kernel: 3, stride, pads });
	}

	/** x [batch, in, h, w] -> [batch, out, h', w'] with `name.weight` [out, in / groups, k, k] and `name.bias`. */
	conv(name: string, x: Value, out: number, geometry: ConvGeometry & { bias?: boolean }): Value {
		const { kernel, groups = 1, bias = true } = geometry;
		const width = x.shape[1] as number;
		return this.convFrom(
			x,
			this.weight(`${name}.weight`, [out, width / groups, kernel, kernel]),
			bias ? this.weight(`${name}.bias`, [out]) : null,
			geometry,
		);
	}

	/** As `conv`, with weights given as values: [out, in / groups, k, k] and [out] or none. */
	convFrom(x: Value, weight: Value, bias: Value | null, geometry: ConvGeometry): Value {
		const { kernel, stride = 1, groups = 1, dilation = 1 } = geometry;
		const pads =
			typeof geometry.pads === 'number' ? Array(4).fill(geometry.pads) : (geometry.pads ?? [0, 0, 0, 0]);
		const [batch, width, height, breadth] = x.shape as [Dim, number, number, number];
		const out = weight.shape[0] as number;
		const reach = dilation * (kernel - 1) + 1;
		const h = Math.floor((height + pads[0]! + pads[2]! - reach) / stride) + 1;
		const w = Math.floor((breadth + pads[1]! + pads[3]! - reach) / stride) + 1;
		this.graph.count(batch, out, h, w, width / groups, kernel * kernel);
		const seesAll = kernel === height && kernel === breadth && h === 1 && w === 1;
		if (seesAll && groups === 1 && pads.every((pad: number) => pad === 0)) {
			// A kernel as large as the map is a linear layer, which the runtime runs three times faster.
			const size = width * kernel * kernel;
			const rows = this.reshape(x, [batch, size]);
			const inputs = [rows, this.reshape(weight, [out, size]), bias];
			const y = this.graph.op('Gemm', inputs, { shape: [batch, out] }, { attributes: { transB: 1 } });
			return this.reshape(y, [batch, out, 1, 1]);
		}
		return this.graph.op(
			'Conv',
			[x, weight, bias],
			{ shape: [batch, out, h, w] },
			{
				attributes: {
					kernel_shape: [kernel, kernel],
					strides: [stride, stride],
					dilations: [dilation, dilation],
					group: groups,
					pads,
				},
			},
		);
	}

	/** A convolution without bias and the batch norm after it, folded into one. */
	convBatchNorm(
		conv: string,
		norm: string,
		x: Value,
		out: number,
		geometry: ConvGeometry & { epsilon?: number },
	): Value {
		const { kernel, groups = 1, epsilon = 1e-5 } = geometry;
		const width = x.shape[1] as number;
		const folded = foldBatchNorm(
			this.tensor(`${conv}.weight`, [out, width / groups, kernel, kernel]),
			(part) => this.tensor(`${norm}.${part}`, [out]),
			epsilon,
		);
		return this.convFrom(
			x,
			this.graph.constant(`${conv}.weight:folded`, folded.weight),
			this.graph.constant(`${conv}.bias:folded`, folded.bias),
			geometry,
		);
	}

	/** Mean and variance over `groups` of channels and all of space, per picture; x [batch, channels, h, w]. */
	groupNorm(name: string, x: Value, groups: number, epsilon = 1e-5): Value {
		const [batch, channels] = x.shape as [Dim, number];
		const grouped = this.reshape(x, [batch, groups, -1]);
		const ones = new Float32Array(groups).fill(1);
		const normed = this.graph.op(
			'InstanceNormalization',
			[
				grouped,
				this.graph.constant(`ones:${groups}`, { data: ones, shape: [groups] }),
				this.graph.constant(`zeros:${groups}`, { data: new Float32Array(groups), shape: [groups] }),
			],
			{ shape: grouped.shape },
			{ attributes: { epsilon: { float: epsilon } } },
		);
		const perChannel = (part: string) => {
			const { data } = this.tensor(`${name}.${part}`, [channels]);
			return this.graph.constant(`${name}.${part}:map`, { data, shape: [1, channels, 1, 1] });
		};
		const scaled = this.graph.op('Mul', [this.reshape(normed, x.shape), perChannel('weight')], {
			shape: x.shape,
		});
		return this.add(scaled, perChannel('bias'));
	}

	/**
	 * A transposed convolution whose kernel is its stride, so that no two patches overlap: x [batch, in, h, w] -> [batch, out,
	 * h · kernel, w · kernel] with `name.weight` [in, out, kernel, kernel] and `name.bias` [out].
	 */
	convTranspose(name: string, x: Value, out: number, kernel: number): Value {
		const [batch, width, height, breadth] = x.shape as [Dim, number, number, number];
		this.graph.count(batch, width, height, breadth, out, kernel * kernel);
		return this.graph.op(
			'ConvTranspose',
			[x, this.weight(`${name}.weight`, [width, out, kernel, kernel]), this.weight(`${name}.bias`, [out])],
			{ shape: [batch, out, height * kernel, breadth * kernel] },
			{ attributes: { kernel_shape: [kernel, kernel], strides: [kernel, kernel] } },
		);
	}

	/** Normalises the channels of every pixel: x [batch, channels, h, w]. */
	channelNorm(name: string, x: Value, epsilon: number): Value {
		return this.transpose(this.layerNorm(name, this.transpose(x, [0, 2, 3, 1]), epsilon), [0, 3, 1, 2]);
	}

	maxPool(x: Value, kernel: number, stride: number, pad: number): Value {
		const [batch, channels, height, breadth] = x.shape as [Dim, number, number, number];
		const along = (size: number) => Math.floor((size + 2 * pad - kernel) / stride) + 1;
		return this.graph.op(
			'MaxPool',
			[x],
			{ shape: [batch, channels, along(height), along(breadth)] },
			{
				attributes: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] },
			},
		);
	}

	sigmoid(x: Value): Value {
		return this.graph.op('Sigmoid', [x], { shape: x.shape });
	}

	/** Softmax over the last axis unless told otherwise. */
	softmax(x: Value, axis = -1): Value {
		return this.graph.op('Softmax', [x], { shape: x.shape }, { attributes: { axis } });
	}

	/** a [.., n, k] · b [.., k, m]; leading axes of a and b are equal, or b has none. */
	matmul(a: Value, b: Value): Value {
		const shape = [...a.shape.slice(0, -1), b.shape.at(-1)!];
		this.graph.count(...shape, a.shape.at(-1)!);
		return this.graph.op('MatMul', [a, b], { shape });
	}

	/** Concatenates values whose shapes differ along `axis` only. */
	concat(values: readonly Value[], axis: number): Value {
		const sizes = values.map((value) => value.shape.at(axis)!);
		const fixed = sizes.every((size) => typeof size === 'number');
		const shape = [...values[0]!.shape];
		shape[axis < 0 ? shape.length + axis : axis] = fixed
			? sizes.reduce((sum, size) => sum + size, 0)
			: sizes.join('+');
		return this.graph.op('Concat', values, { shape }, { attributes: { axis } });
	}

	relu(x: Value): Value {
		return this.graph.op('Relu', [x], { shape: x.shape });
	}

	/** Same elements in another shape; at most one named size, which the runtime infers, but for those that stay on their axis. */
	reshape(x: Value, shape: readonly Dim[]): Value {
		const named = shape.filter((dim) => typeof dim === 'string').length;
		const target = this.graph.integers(
			shape.map((dim, axis) => {
				if (typeof dim === 'number') return dim;
				return named > 1 && dim === x.shape[axis] ? 0 : -1; // 0: as many as there are
			}),
		);
		return this.graph.op('Reshape', [x, target], { shape });
	}

	transpose(x: Value, order: readonly number[]): Value {
		const shape = order.map((axis) => x.shape[axis]!);
		return this.graph.op('Transpose', [x], { shape }, { attributes: { perm: order } });
	}

	/** Rows of x [n, …] at `indices` [k] or [k, m, …] -> as many, each in the place of its index. */
	gatherRows(x: Value, indices: Value): Value {
		return this.graph.op(
			'Gather',
			[x, indices],
			{ shape: [...indices.shape, ...x.shape.slice(1)] },
			{ attributes: { axis: 0 } },
		);
	}

	/** x with the slices at `places` [.., j] replaced by `slices`; a place indexes the first j axes of x. */
	scatter(x: Value, places: Value, slices: Value): Value {
		return this.graph.op('ScatterND', [x, places, slices], { shape: x.shape });
	}

	/** Splits the last axis unless told otherwise. */
	split(x: Value, sizes: readonly number[], axis = x.shape.length - 1): Value[] {
		const results = sizes.map((size) => ({ shape: x.shape.with(axis, size) }));
		return this.graph.ops('Split', [x, this.graph.integers(sizes)], results, { attributes: { axis } });
	}
}

/** Options of a square convolution. `pads`: top, left, bottom, right, or one number for all sides; default 0. */
export type ConvGeometry = {
	kernel: number;
	stride?: number;
	pads?: number | readonly number[];
	dilation?: number;
	groups?: number;
};

/**
 * w' = w · gamma / sqrt(variance + epsilon), b' = beta - mean · gamma / sqrt(variance + epsilon): a convolution equal
 * to `weight` [out, ..] followed by the batch norm.
 */
export function foldBatchNorm(
	weight: FloatTensor,
	norm: (part: 'weight' | 'bias' | 'running_mean' | 'running_var') => FloatTensor,
	epsilon: number,
): { weight: FloatTensor; bias: FloatTensor } {
	const [gamma, beta] = [norm('weight'), norm('bias')];
	const [mean, variance] = [norm('running_mean'), norm('running_var')];
	const scales = () => {
		const { data } = variance;
		return gamma.data.map((value, i) => value / Math.sqrt(data[i]! + epsilon));
	};
	const how = `fold batch norm, epsilon ${epsilon}`;
	return {
		weight: derivedTensor(`${how}: weight`, [weight, gamma, variance], weight.shape, () => {
			const scale = scales();
			const { data } = weight;
			const rowSize = data.length / scale.length;
			return data.map((value, i) => value * scale[Math.floor(i / rowSize)]!);
		}),
		bias: derivedTensor(`${how}: bias`, [beta, mean, gamma, variance], beta.shape, () => {
			const scale = scales();
			const { data } = mean;
			return beta.data.map((value, i) => value - data[i]! * scale[i]!);
		}),
	};
}

function matrix(x: Value): readonly [tokens: Dim, width: number] {
	const [tokens, width] = x.shape;
	if (x.shape.length !== 2 || tokens === undefined || typeof width !== 'number') {
		throw new Error(
			`Assertion failed: a linear layer takes [tokens, features] (got [${x.shape.join(', ')}])`,
		);
	}
	return [tokens, width];
}
