import { derivedTensor, elementCount, type FloatTensor } from '../domain/float-tensor.ts';
import {
	type ByteTensor,
	type CompiledGraph,
	elementType,
	type GraphNode,
	type Tensor,
} from './graph-builder.ts';
import { readBy } from './rewrite-nodes.ts';

/** Largest of the whole numbers that others are rounded to, which have a sign. */
export const LARGEST = 127;
/** Layers with fewer weights stay as they are: rounding what they read would cost more than it saves. */
const LEAST_WEIGHTS = 2 ** 12;

/**
 * The graph with its linear layers in whole numbers of eight bits: weights with one scale for each output (symmetric, -127 to 127),
 * what layers read with one scale and zero point for all of it, found anew in every run ("dynamic, per channel" quantization).
 * Everything else, attention's own products and convolutions included, stays as it is. Multiply-adds are counted as before.
 * The same graph where no layer can be rounded.
 */
export function withInt8Layers(graph: CompiledGraph): CompiledGraph {
	const constants = new Map(graph.constants);
	const nodes = graph.nodes.map((node) => roundedLayer(node, constants) ?? node);
	if (nodes.every((node, i) => node === graph.nodes[i])) return graph;
	return { ...graph, nodes, constants: readBy(nodes, constants) };
}

/** x · Wᵀ + b with rounded W, which goes to `constants`; null where the node is another, or too small. */
function roundedLayer(node: GraphNode, constants: Map<string, Tensor>): GraphNode | null {
	const [x, name, bias] = node.input;
	const weight = node.opType === 'Gemm' ? constants.get(name!) : undefined;
	if (!isMatrix(weight) || node.attributes['transB'] !== 1) return null;
	const { numbers, scales } = roundedRows(weight);
	const constant = (part: string, tensor: Tensor) => {
		if (!constants.has(`${name}:${part}`)) constants.set(`${name}:${part}`, tensor);
		return `${name}:${part}`;
	};
	return {
		opType: 'DynamicQuantizeMatMul',
		domain: 'com.microsoft',
		name: node.name,
		input: [
			x!,
			constant('int8', numbers),
			constant('scales', scales),
			'', // zero points of the weights: none
			bias ?? '',
		],
		output: node.output,
		attributes: {},
	};
}

function isMatrix(tensor: Tensor | undefined): tensor is FloatTensor {
	if (tensor?.shape.length !== 2 || elementCount(tensor.shape) < LEAST_WEIGHTS) return false;
	return elementType(tensor) === 'float32';
}

/** W [rows, width] in whole numbers, as [width, rows], and what 1 stands for in each row, [rows]. */
export function roundedRows(weight: FloatTensor): { numbers: ByteTensor; scales: FloatTensor } {
	const scales = rowScales(weight);
	return { numbers: new RoundedColumns(weight, scales), scales };
}

/** What 1 stands for in each row of W [rows, width]: [rows]. */
function rowScales(weight: FloatTensor): FloatTensor {
	const [rows, width] = weight.shape as [number, number];
	return derivedTensor('scales of int8 rows', [weight], [rows], () => {
		const { data } = weight;
		return Float32Array.from({ length: rows }, (_, row) => {
			const largest = data
				.subarray(row * width, (row + 1) * width)
				.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
			return largest > 0 ? largest / LARGEST : 1;
		});
	});
}

/** W [rows, width] in whole numbers of its rows' scales, as [width, rows]. */
class RoundedColumns implements ByteTensor {
	readonly type = 'int8';
	readonly shape: readonly [number, number];
	readonly origin: string | undefined;
	readonly #weight: FloatTensor;
	readonly #scales: FloatTensor;

	constructor(weight: FloatTensor, scales: FloatTensor) {
		const [rows, width] = weight.shape as [number, number];
		this.shape = [width, rows];
		this.origin = weight.origin && `int8 columns(${weight.origin})`;
		this.#weight = weight;
		this.#scales = scales;
	}

	get data(): Int8Array {
		const [width, rows] = this.shape;
		const { data } = this.#weight;
		const scales = this.#scales.data;
		const columns = new Int8Array(data.length);
		for (let row = 0; row < rows; row++) {
			for (let i = 0; i < width; i++) {
				columns[i * rows + row] = Math.round(data[row * width + i]! / scales[row]!);
			}
		}
		return columns;
	}
}
