import type { GraphBuilder, Tensor, Value } from './graph-builder.ts';
import type { Dim } from './operation-count.ts';

/** Looks up a named weight of a model; throws a tensor-mismatch where it is missing or of another shape. */
export type WeightLookup = (name: string, shape: readonly number[]) => Tensor;

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

	/** A weight's data, for those that go into the graph in another form. */
	tensor(name: string, shape: readonly number[]): Tensor {
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

	/** As `linear`, with weights given as values: [out, in] and [out]. */
	linearFrom(x: Value, weight: Value, bias: Value): Value {
		const [tokens, width] = matrix(x);
		const out = weight.shape[0]!;
		this.graph.count(tokens, width, out);
		return this.graph.op('Gemm', [x, weight, bias], { shape: [tokens, out] }, { attributes: { transB: 1 } });
	}

	/** Normalises the last axis. */
	layerNorm(name: string, x: Value, epsilon: number): Value {
		const width = x.shape.at(-1) as number;
		return this.graph.op(
			'LayerNormalization',
			[x, this.weight(`${name}.weight`, [width]), this.weight(`${name}.bias`, [width])],
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
		const [batch, width, height, breadth] = x.shape as [Dim, number, number, number];
		const h = Math.floor((height + pads[0]! + pads[2]! - 3) / stride) + 1;
		const w = Math.floor((breadth + pads[1]! + pads[3]! - 3) / stride) + 1;
		this.graph.count(batch, out, h, w, width, 9);
		return this.graph.op(
			'Conv',
			[x, this.weight(`${name}.weight`, [out, width, 3, 3]), this.weight(`${name}.bias`, [out])],
			{ shape: [batch, out, h, w] },
			{ attributes: { kernel_shape: [3, 3], strides: [stride, stride], pads } },
		);
	}

	relu(x: Value): Value {
		return this.graph.op('Relu', [x], { shape: x.shape });
	}

	/** Same elements in another shape; at most one named size, which the runtime infers. */
	reshape(x: Value, shape: readonly Dim[]): Value {
		const target = this.graph.integers(shape.map((dim) => (typeof dim === 'number' ? dim : -1)));
		return this.graph.op('Reshape', [x, target], { shape });
	}

	transpose(x: Value, order: readonly number[]): Value {
		const shape = order.map((axis) => x.shape[axis]!);
		return this.graph.op('Transpose', [x], { shape }, { attributes: { perm: order } });
	}

	/** Rows of x [n, …] at `indices` [k] -> [k, …]. */
	gatherRows(x: Value, indices: Value): Value {
		return this.graph.op(
			'Gather',
			[x, indices],
			{ shape: [indices.shape[0]!, ...x.shape.slice(1)] },
			{ attributes: { axis: 0 } },
		);
	}

	/** x with the slices at `places` [.., j] replaced by `slices`; a place indexes the first j axes of x. */
	scatter(x: Value, places: Value, slices: Value): Value {
		return this.graph.op('ScatterND', [x, places, slices], { shape: x.shape });
	}

	/** Splits the last axis. */
	split(x: Value, sizes: readonly number[]): Value[] {
		const axis = x.shape.length - 1;
		const results = sizes.map((size) => ({ shape: [...x.shape.slice(0, axis), size] }));
		return this.graph.ops('Split', [x, this.graph.integers(sizes)], results, { attributes: { axis } });
	}
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
