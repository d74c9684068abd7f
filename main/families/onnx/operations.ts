import { bytesPerNumber, type OnnxFile } from './onnx-file.ts';
import { ATTENTION_OPERATORS, attentionMacs } from './shapes/attention.ts';
import { inferShapes } from './shapes/inference.ts';
import { elementsOf, NodeView, type Shape } from './shapes/node-view.ts';
import { einsumSizes } from './shapes/products.ts';

/** What a frame costs, as far as it can be told before running. */
export type GraphCost = {
	/** Multiply-adds of convolutions, matrix products and attention; see `operation-count.ts`. */
	macs: number;
	/** Operators of which some work is not in `macs`: unknown ones, parts of the graph that may run or not, and sizes that vary. */
	uncounted: readonly string[];
	/** Bytes of the largest value that is known. */
	largestValueBytes: number;
	shapes: ReadonlyMap<string, Shape>;
};

/** Operators that run parts of the graph as often as their data say. */
const CONTROL = ['If', 'Loop', 'Scan'];

/** Walks a graph whose inputs have these shapes. */
export function costOf(file: OnnxFile, inputs: ReadonlyMap<string, Shape>): GraphCost {
	const { shapes, unknown } = inferShapes(file, inputs);
	const uncounted = new Set(unknown);
	let macs = 0;
	let largest = 0;
	for (const node of file.nodes) {
		if (CONTROL.includes(node.operator)) uncounted.add(node.operator);
		const shapeOf = (name: string | undefined) => (name === undefined ? null : (shapes.get(name) ?? null));
		for (const name of node.outputs) {
			largest = Math.max(largest, (elementsOf(shapeOf(name)) ?? 0) * bytesPerNumber('float32'));
		}
		const rule = RULES[node.operator];
		if (!rule) continue;
		const view = new NodeView(
			node,
			node.inputs.map((name) => ({ shape: shapeOf(name) })),
		);
		const count = rule(view, shapeOf(node.outputs[0]));
		if (count === null || Number.isNaN(count)) uncounted.add(node.operator);
		else macs += count;
	}
	return { macs, uncounted: [...uncounted].sort(), largestValueBytes: largest, shapes };
}

/** Multiply-adds of a node; null where a size is unknown. */
type Rule = (node: NodeView, output: Shape) => number | null;

function product(...factors: (number | null | undefined)[]): number | null {
	return factors.reduce<number | null>(
		(all, factor) => (all === null || factor === null || factor === undefined ? null : all * factor),
		1,
	);
}

/** Every number of the result takes one filter: [out, in / groups, ..kernel]. */
const convolution =
	(weight: number): Rule =>
	(node, output) =>
		product(elementsOf(output), elementsOf(node.shape(weight)?.slice(1) ?? null));

/** Every number of the input goes through one filter: [in, out / groups, ..kernel]. */
const convTranspose: Rule = (node) =>
	product(elementsOf(node.shape(0)), elementsOf(node.shape(1)?.slice(1) ?? null));

const matMul: Rule = (node, output) => product(elementsOf(output), node.shape(0)?.at(-1));

const gemm: Rule = (node, output) =>
	product(elementsOf(output), node.shape(0)?.[node.number('transA', 0) ? 0 : 1]);

/** One for every combination of its letters, if it multiplies at all. */
const einsum: Rule = (node) => {
	const plain = einsumSizes(node);
	if (!plain) return null;
	return node.inputs.length < 2 ? 0 : product(...plain.sizes.values());
};

const RULES: Readonly<Record<string, Rule>> = {
	Conv: convolution(1),
	ConvInteger: convolution(1),
	QLinearConv: convolution(3),
	DeformConv: convolution(1),
	'com.microsoft.FusedConv': convolution(1),
	ConvTranspose: convTranspose,
	MatMul: matMul,
	MatMulInteger: matMul,
	QLinearMatMul: matMul,
	'com.microsoft.FusedMatMul': matMul,
	Gemm: gemm,
	'com.microsoft.FusedGemm': gemm,
	Einsum: einsum,
	...Object.fromEntries(ATTENTION_OPERATORS.map((operator) => [operator, attentionMacs])),
};
