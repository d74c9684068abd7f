import type { Value } from './graph-builder.ts';
import type { Layers } from './layers.ts';

type Emit = (layers: Layers, x: Value) => Value;

const gelu: Emit = (layers, x) => layers.gelu(x);
const tanhGelu: Emit = ({ graph }, x) =>
	graph.op('Gelu', [x], { shape: x.shape }, { attributes: { approximate: 'tanh' } });
const silu: Emit = (layers, x) => times(layers, x, layers.sigmoid(x));

/** Activation functions without weights, by their names in configurations. */
export const ACTIVATIONS = {
	relu: (layers, x) => layers.relu(x),
	relu2: (layers, x) => times(layers, layers.relu(x), layers.relu(x)),
	relu6: (layers, x) => clip(layers, x, 0, 6),
	leaky_relu: ({ graph }, x) =>
		graph.op('LeakyRelu', [x], { shape: x.shape }, { attributes: { alpha: { float: 0.01 } } }),
	gelu,
	gelu_python: gelu,
	gelu_10: (layers, x) => clip(layers, gelu(layers, x), -10, 10),
	gelu_new: tanhGelu,
	gelu_fast: tanhGelu,
	gelu_accurate: tanhGelu,
	gelu_pytorch_tanh: tanhGelu,
	gelu_python_tanh: tanhGelu,
	quick_gelu: (layers, x) => times(layers, x, layers.sigmoid(times(layers, x, layers.graph.floats([1.702])))),
	silu,
	swish: silu,
	hardswish: ({ graph }, x) => graph.op('HardSwish', [x], { shape: x.shape }),
	mish: ({ graph }, x) => graph.op('Mish', [x], { shape: x.shape }),
	sigmoid: (layers, x) => layers.sigmoid(x),
	tanh: ({ graph }, x) => graph.op('Tanh', [x], { shape: x.shape }),
	linear: (_, x) => x,
} as const satisfies Readonly<Record<string, Emit>>;

export type Activation = keyof typeof ACTIVATIONS;

export const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as Activation[];

export function activate(layers: Layers, activation: Activation, x: Value): Value {
	return ACTIVATIONS[activation](layers, x);
}

function times({ graph }: Layers, a: Value, b: Value): Value {
	return graph.op('Mul', [a, b], { shape: a.shape });
}

function clip({ graph }: Layers, x: Value, least: number, most: number): Value {
	const number = (value: number) =>
		graph.constant(`number:${value}`, { data: Float32Array.of(value), shape: [] });
	return graph.op('Clip', [x, number(least), number(most)], { shape: x.shape });
}
