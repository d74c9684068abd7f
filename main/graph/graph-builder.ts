import onnxProto from 'onnx-proto';
import { assert } from '../domain/errors.ts';
import { elementCount, type FloatTensor, LazyTensor } from '../domain/float-tensor.ts';
import type { Dim, OperationCount } from './operation-count.ts';

const { onnx } = onnxProto;
const DataType = onnx.TensorProto.DataType;

export type ElementType = 'float32' | 'float16' | 'float64' | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool';

/** A tensor inside a graph that is being built; operations are counted from its `shape`. */
export type Value = { name: string; type: ElementType; shape: readonly Dim[] };

/** A tensor with data: a weight or a table. */
export type Tensor =
	FloatTensor | ByteTensor | { readonly data: BigInt64Array | Int32Array; readonly shape: readonly number[] };

/** Whole numbers from -128 to 127, which may be computed when `data` is asked for, as those of a `FloatTensor`. */
export type ByteTensor = {
	readonly type: 'int8';
	readonly data: Int8Array;
	readonly shape: readonly number[];
	readonly origin: string | undefined;
};

type Attribute = number | string | readonly number[] | { float: number };
type Node = {
	domain?: string;
	attributes?: Readonly<Record<string, Attribute>>;
};
/** An operator of a graph, with the names of the values that it reads ('' = none) and gives. */
export type GraphNode = {
	readonly opType: string;
	readonly domain: string;
	readonly name: string;
	readonly input: readonly string[];
	readonly output: readonly string[];
	readonly attributes: Readonly<Record<string, Attribute>>;
};
type Result = { type?: ElementType; shape: readonly Dim[] };

const ONNX_TYPES = {
	float32: DataType.FLOAT,
	float16: DataType.FLOAT16,
	float64: DataType.DOUBLE,
	int64: DataType.INT64,
	int32: DataType.INT32,
	uint8: DataType.UINT8,
	int8: DataType.INT8,
	bool: DataType.BOOL,
} as const satisfies Record<ElementType, number>;

/** The set of ONNX's operators that graphs are written in: the first with a fused Gelu. Devices know newer ones less well. */
const USUAL_OPSET = 20;

/** A graph that is finished, and what it costs. */
export type CompiledGraph = {
	readonly name: string;
	/** The set of ONNX's operators that its nodes are of. */
	readonly opset: number;
	readonly operations: OperationCount;
	/** Each behind those that give what it reads. */
	readonly nodes: readonly GraphNode[];
	readonly inputs: readonly Value[];
	readonly outputs: readonly Value[];
	/** All values of the graph but its constants, by name. */
	readonly values: ReadonlyMap<string, Value>;
	/** The graph's constants, by name. */
	readonly constants: ReadonlyMap<string, Tensor>;
};

/**
 * Builds an ONNX graph operator by operator, in TypeScript, from weights: no exported file, no Python.
 * Keeps every value's shape, and counts multiply-adds on the way.
 */
export class GraphBuilder {
	readonly #nodes: GraphNode[] = [];
	readonly #inputs: Value[] = [];
	readonly #outputs: Value[] = [];
	readonly #values: Value[] = [];
	/** Names under which values are outputs; an Identity node for each would cost time in every run. */
	readonly #outputNames = new Map<string, string>();
	readonly #constants = new Map<string, Tensor>();
	readonly #operations: Dim[][] = [];
	#opset = USUAL_OPSET;
	readonly #prefix: string;
	#serial = 0;

	/** `prefix`: of the names of nodes and values that operators give. */
	constructor(prefix = '') {
		this.#prefix = prefix;
	}

	get operations(): OperationCount {
		return this.#operations;
	}

	input(name: string, type: ElementType, shape: readonly Dim[]): Value {
		const value = { name, type, shape };
		this.#inputs.push(value);
		this.#values.push(value);
		return value;
	}

	/** A constant of the graph. The same name twice is the same tensor. */
	constant(name: string, tensor: Tensor): Value {
		if (!this.#constants.has(name)) this.#constants.set(name, tensor);
		return { name, type: elementType(tensor), shape: tensor.shape };
	}

	/** Whole numbers as a 1-D int64 constant: shapes, axes, counts. */
	integers(values: readonly number[]): Value {
		return this.constant(`integers:${values.join(',')}`, {
			data: BigInt64Array.from(values, BigInt),
			shape: [values.length],
		});
	}

	/** Numbers as a 1-D float32 constant, which broadcasts over last axes. */
	floats(values: readonly number[]): Value {
		return this.constant(`floats:${values.join(',')}`, {
			data: Float32Array.from(values),
			shape: [values.length],
		});
	}

	/** The same numbers as another type. */
	cast(value: Value, type: ElementType): Value {
		return this.op('Cast', [value], { type, shape: value.shape }, { attributes: { to: ONNX_TYPES[type] } });
	}

	/** Makes `value`, the result of an operator, an output of the graph under `name`. A value has one such name. */
	output(name: string, value: Value): void {
		assert(!this.#outputNames.has(value.name), `${value.name} is an output already`);
		this.#outputNames.set(value.name, name);
		this.#outputs.push({ ...value, name });
	}

	/** Any operator with one result. */
	op(type: string, inputs: readonly (Value | null)[], result: Result, node: Node = {}): Value {
		return this.ops(type, inputs, [result], node)[0]!;
	}

	/** Any operator; one result per entry of `results`. Types default to that of the first input. */
	ops(type: string, inputs: readonly (Value | null)[], results: readonly Result[], node: Node = {}): Value[] {
		const id = `${this.#prefix}${type}_${this.#serial++}`;
		const outputs = results.map((result, i) => ({
			name: `${id}:${i}`,
			type: result.type ?? inputs[0]?.type ?? 'float32',
			shape: result.shape,
		}));
		this.#values.push(...outputs);
		this.#nodes.push({
			opType: type,
			domain: node.domain ?? '',
			name: id,
			input: inputs.map((value) => value?.name ?? ''),
			output: outputs.map((value) => value.name),
			attributes: node.attributes ?? {},
		});
		return outputs;
	}

	/** Counts the product of `dims` as multiply-adds. */
	count(...dims: Dim[]): void {
		this.#operations.push(dims);
	}

	/** Of nodes that not all sets of operators have. */
	needsOpset(opset: number): void {
		this.#opset = Math.max(this.#opset, opset);
	}

	/** The graph as it stands, to be loaded under a name. */
	compile(name: string): CompiledGraph {
		const called = (value: string) => this.#outputNames.get(value) ?? value;
		return {
			name,
			opset: this.#opset,
			operations: this.#operations,
			nodes: this.#nodes.map((node) => ({
				...node,
				input: node.input.map(called),
				output: node.output.map(called),
			})),
			inputs: this.#inputs,
			outputs: this.#outputs,
			values: new Map(
				this.#values.map((value) => [called(value.name), { ...value, name: called(value.name) }]),
			),
			constants: this.#constants,
		};
	}
}

/**
 * The graph as ONNX protobuf bytes. `files` names the files, by the names of constants, whose beginnings hold the numbers of those
 * that stay outside.
 */
export function encodeGraph(
	graph: CompiledGraph,
	files: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
	return onnx.ModelProto.encode({
		irVersion: 10, // the first that may name opset 21
		producerName: 'sparsight',
		opsetImport: [
			{ domain: '', version: graph.opset },
			{ domain: 'com.microsoft', version: 1 },
		],
		graph: {
			name: graph.name,
			node: graph.nodes.map(({ opType, domain, name, input, output, attributes }) => ({
				opType,
				domain,
				name,
				input: [...input],
				output: [...output],
				attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
			})),
			input: graph.inputs.map(valueInfo),
			output: graph.outputs.map(valueInfo),
			initializer: [...graph.constants].map(([constant, tensor]) =>
				initializer(constant, tensor, files.get(constant)),
			),
		},
	}).finish();
}

/** Of a tensor's numbers, without asking for them. */
export function elementType(tensor: Tensor): 'float32' | 'int8' | 'int32' | 'int64' {
	if (tensor instanceof LazyTensor) return 'float32';
	if ('type' in tensor) return tensor.type;
	const { data } = tensor;
	return data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'int64';
}

/** As `elementType`. */
export function tensorBytes(tensor: Tensor): number {
	const size = { float32: 4, int8: 1, int32: 4, int64: 8 }[elementType(tensor)];
	return size * elementCount(tensor.shape);
}

/** TensorProto, with its numbers or with the file that begins with them. */
function initializer(name: string, tensor: Tensor, file: string | undefined): object {
	const { shape } = tensor;
	const head = { name, dataType: ONNX_TYPES[elementType(tensor)], dims: [...shape] };
	if (file === undefined) {
		const { buffer, byteOffset, byteLength } = tensor.data;
		return { ...head, rawData: new Uint8Array(buffer, byteOffset, byteLength) };
	}
	const place = { location: file, offset: '0', length: String(tensorBytes(tensor)) };
	return {
		...head,
		dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
		externalData: Object.entries(place).map(([key, value]) => ({ key, value })),
	};
}

function valueInfo(value: Value): object {
	const dim = value.shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
	return { name: value.name, type: { tensorType: { elemType: ONNX_TYPES[value.type], shape: { dim } } } };
}

function attribute(name: string, value: Attribute): object {
	const types = onnx.AttributeProto.AttributeType;
	if (typeof value === 'number') return { name, type: types.INT, i: value };
	if (typeof value === 'string') return { name, type: types.STRING, s: new TextEncoder().encode(value) };
	if ('float' in value) return { name, type: types.FLOAT, f: value.float };
	return { name, type: types.INTS, ints: [...value] };
}
