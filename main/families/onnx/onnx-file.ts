import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import onnxProto from 'onnx-proto';
import { UserFacingError } from '../../domain/errors.ts';
import { FileBytes } from '../../weights/byte-source.ts';
import { wireFields } from './wire.ts';

const { onnx } = onnxProto;

/** Sizes: a number, the name of one that varies, or null where nothing is said. */
export type OnnxDim = number | string | null;

/** An input, an output or a value within. `dims` is null where not even their number is said. */
export type OnnxPort = { name: string; type: string; dims: readonly OnnxDim[] | null };

/** A constant: its numbers only where there are few of them, such as shapes and axes. */
export type OnnxConstant = { type: string; dims: readonly number[]; values: readonly number[] | null };

export type OnnxAttribute = number | string | readonly number[] | OnnxConstant | 'subgraph';

export type OnnxNode = {
	/** `Conv`; operators of other domains with the domain before it: `com.microsoft.Attention`. */
	operator: string;
	inputs: readonly string[];
	outputs: readonly string[];
	attributes: ReadonlyMap<string, OnnxAttribute>;
};

/** By the names of values, the nodes that make them. Whoever goes back from one to the next counts steps: files may go in a circle. */
export function makersIn(nodes: readonly OnnxNode[]): ReadonlyMap<string, OnnxNode> {
	return new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
}

/** What an ONNX file says about itself, without its weights. */
export type OnnxFile = {
	path: string;
	bytes: number;
	/** Versions of the operator sets, by domain; `''` is ONNX itself. */
	opsets: ReadonlyMap<string, number>;
	/** Who wrote it, such as `pytorch 2.3.1`. */
	producer: string;
	metadata: ReadonlyMap<string, string>;
	/** Without those that are weights. */
	inputs: readonly OnnxPort[];
	outputs: readonly OnnxPort[];
	/** Shapes of values within, where the file states them. */
	stated: readonly OnnxPort[];
	nodes: readonly OnnxNode[];
	constants: ReadonlyMap<string, OnnxConstant>;
	/** How often each operator occurs. */
	operators: ReadonlyMap<string, number>;
	/** Of all weights, those in other files included. */
	weightBytes: number;
	/** Files beside it that hold weights. */
	dataFiles: readonly string[];
};

/** Of a protobuf message. */
const MOST_BYTES = 2 ** 31 - 1;
/** Constants of more numbers are weights: nobody asks for what they hold. */
const FEW_NUMBERS = 4096;
const EXTERNAL = onnx.TensorProto.DataLocation.EXTERNAL;

/** Names of ONNX's element types by their number. */
const TYPE_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
	Object.entries({ ...onnx.TensorProto.DataType }).map(([name, number]) => [number, typeName(name)]),
);
const BYTES_PER_NUMBER: Readonly<Record<string, number>> = {
	float32: 4,
	float64: 8,
	float16: 2,
	bfloat16: 2,
	int64: 8,
	uint64: 8,
	int32: 4,
	uint32: 4,
	int16: 2,
	uint16: 2,
};

function typeName(name: string): string {
	if (name === 'FLOAT') return 'float32';
	return name === 'DOUBLE' ? 'float64' : name.toLowerCase();
}

/** Bytes of one number. */
export function bytesPerNumber(type: string): number {
	return BYTES_PER_NUMBER[type] ?? 1;
}

/**
 * Reads an ONNX file without decoding its weights. Throws `model-not-found`, or `model-unreadable` for what is no ONNX file, ends
 * early, or keeps weights in files that are missing or lie outside of its folder.
 */
export function readOnnxFile(path: string): OnnxFile {
	return parseOnnx(readModelBytes(path), path);
}

/** The bytes of an ONNX file. Throws `model-not-found` or `model-unreadable`. */
export function readModelBytes(path: string): Uint8Array {
	const file = new FileBytes(path);
	if (file.length <= MOST_BYTES) return file.read(0, file.length);
	throw new UserFacingError(
		'model-unreadable',
		`${path} has ${file.length} bytes; an ONNX file has up to ${MOST_BYTES}, and larger weights in files beside it.`,
	);
}

/** As `readOnnxFile`, of bytes that are there already; `path` says where weights in other files are looked for. */
export function parseOnnx(bytes: Uint8Array, path: string): OnnxFile {
	try {
		return new OnnxReader(bytes, path).read();
	} catch (cause) {
		if (!(cause instanceof RangeError)) throw cause;
		throw new UserFacingError(
			'model-unreadable',
			`${path} is not an ONNX file, or its end is missing: ${cause.message}.`,
			{ cause, remedy: 'Export or download it again.' },
		);
	}
}

/** Collects what stands in the messages ModelProto and GraphProto of onnx.proto. */
class OnnxReader {
	readonly #bytes: Uint8Array;
	readonly #path: string;
	readonly #opsets = new Map<string, number>();
	readonly #metadata = new Map<string, string>();
	readonly #inputs: OnnxPort[] = [];
	readonly #outputs: OnnxPort[] = [];
	readonly #stated: OnnxPort[] = [];
	readonly #nodes: OnnxNode[] = [];
	readonly #constants = new Map<string, OnnxConstant>();
	readonly #dataFiles = new Set<string>();
	#producer = '';
	#weightBytes = 0;

	constructor(bytes: Uint8Array, path: string) {
		this.#bytes = bytes;
		this.#path = path;
	}

	read(): OnnxFile {
		let hasGraph = false;
		for (const { number, bytes } of wireFields(this.#bytes)) {
			if (!bytes) continue;
			if (number === 2 || number === 3) this.#producer = `${this.#producer} ${text(bytes)}`.trim();
			else if (number === 7) {
				hasGraph = true;
				this.#readGraph(bytes);
			} else if (number === 8) {
				const opset = decoded(onnx.OperatorSetIdProto, bytes);
				this.#opsets.set(opset.domain === 'ai.onnx' ? '' : opset.domain, Number(opset.version));
			} else if (number === 14) {
				const { key, value } = decoded(onnx.StringStringEntryProto, bytes);
				this.#metadata.set(key, value);
			}
		}
		if (!hasGraph || this.#opsets.size === 0) throw new RangeError('it holds no graph');
		const operators = new Map<string, number>();
		for (const { operator } of this.#nodes) operators.set(operator, (operators.get(operator) ?? 0) + 1);
		return {
			path: this.#path,
			bytes: this.#bytes.length,
			opsets: this.#opsets,
			producer: this.#producer,
			metadata: this.#metadata,
			inputs: this.#inputs.filter(({ name }) => !this.#constants.has(name)),
			outputs: this.#outputs,
			stated: this.#stated,
			nodes: this.#nodes,
			constants: this.#constants,
			operators,
			weightBytes: this.#weightBytes,
			dataFiles: [...this.#dataFiles],
		};
	}

	#readGraph(graph: Uint8Array): void {
		for (const { number, bytes } of wireFields(graph)) {
			if (!bytes) continue;
			if (number === 1) this.#nodes.push(this.#node(bytes));
			else if (number === 5) this.#readConstant(bytes);
			else if (number === 11) this.#inputs.push(portOf(bytes));
			else if (number === 12) this.#outputs.push(portOf(bytes));
			else if (number === 13) this.#stated.push(portOf(bytes));
		}
	}

	#node(bytes: Uint8Array): OnnxNode {
		const { opType, domain, input, output, attribute } = decoded(onnx.NodeProto, bytes);
		const attributes = new Map<string, OnnxAttribute>();
		for (const given of attribute) {
			const value = this.#attribute(onnx.AttributeProto.create(given));
			if (value !== null) attributes.set(given.name ?? '', value);
		}
		const isOwn = domain === '' || domain === 'ai.onnx';
		return {
			operator: isOwn ? opType : `${domain}.${opType}`,
			inputs: input,
			outputs: output,
			attributes,
		};
	}

	#attribute(given: InstanceType<typeof onnx.AttributeProto>): OnnxAttribute | null {
		const types = onnx.AttributeProto.AttributeType;
		switch (given.type) {
			case types.FLOAT:
				return given.f;
			case types.INT:
				return Number(given.i);
			case types.STRING:
				return text(given.s);
			case types.FLOATS:
				return given.floats;
			case types.INTS:
				return given.ints.map(Number);
			case types.TENSOR: {
				const tensor = onnx.TensorProto.create(given.t ?? {});
				this.#requireData(tensor);
				return constantOf(tensor);
			}
			case types.GRAPH:
			case types.GRAPHS:
				return 'subgraph';
			default:
				return null;
		}
	}

	/** TensorProto: the numbers of large ones stay where they are. */
	#readConstant(bytes: Uint8Array): void {
		const head = { name: '', dataType: 0, dims: [] as number[], isExternal: false };
		for (const field of wireFields(bytes)) {
			if (field.number === 1 && !field.bytes) head.dims.push(field.value);
			else if (field.number === 1) head.dims.push(...packedNumbers(field.bytes!));
			else if (field.number === 2) head.dataType = field.value;
			else if (field.number === 8) head.name = text(field.bytes);
			else if (field.number === 14) head.isExternal = field.value === EXTERNAL;
		}
		const type = TYPE_NAMES[head.dataType] ?? 'unknown';
		const count = head.dims.reduce((product, dim) => product * dim, 1);
		this.#weightBytes += count * bytesPerNumber(type);
		const isSmall = count <= FEW_NUMBERS && bytes.length < 16 * FEW_NUMBERS;
		if (!isSmall && !head.isExternal) {
			this.#constants.set(head.name, { type, dims: head.dims, values: null });
			return;
		}
		const tensor = decoded(onnx.TensorProto, bytes);
		this.#requireData(tensor);
		this.#constants.set(head.name, constantOf(tensor));
	}

	/** Checks the file that holds a tensor's numbers, where another one does. */
	#requireData(tensor: InstanceType<typeof onnx.TensorProto>): void {
		if (tensor.dataLocation !== EXTERNAL) return;
		const location = tensor.externalData.find(({ key }) => key === 'location')?.value ?? '';
		if (this.#dataFiles.has(location)) return;
		const folder = dirname(this.#path);
		const place = join(folder, location);
		if (location === '' || isAbsolute(location) || leavesFolder(folder, place)) {
			throw new UserFacingError(
				'model-unreadable',
				`${this.#path} is refused: it wants weights from "${location}", outside of its own folder.`,
			);
		}
		const found = statSync(place, { throwIfNoEntry: false });
		if (!found?.isFile()) {
			throw new UserFacingError(
				'model-unreadable',
				`${this.#path} keeps weights in ${location}, which is not in the folder beside it.`,
				{ remedy: `Put ${basename(location)} beside the file, under that name.` },
			);
		}
		if (leavesFolder(realpathSync(folder), realpathSync(place))) {
			throw new UserFacingError(
				'model-unreadable',
				`${this.#path} is refused: ${location}, where it keeps weights, is a link out of its folder.`,
			);
		}
		this.#dataFiles.add(location);
	}
}

/** A small message. Throws RangeError for bytes that are none. */
function decoded<T>(type: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
	try {
		return type.decode(bytes);
	} catch (cause) {
		// protobufjs throws errors of many kinds, its own and plain ones.
		throw new RangeError(cause instanceof Error ? cause.message : String(cause), { cause });
	}
}

function leavesFolder(folder: string, place: string): boolean {
	const way = relative(folder, place);
	return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
}

/** ValueInfoProto. */
function portOf(bytes: Uint8Array): OnnxPort {
	const { name, type } = decoded(onnx.ValueInfoProto, bytes);
	const tensor = type?.tensorType;
	if (!tensor) return { name, type: 'sequence or map', dims: null };
	const dims = tensor.shape
		? (tensor.shape.dim ?? []).map((dim): OnnxDim => {
				if (dim.dimParam) return dim.dimParam;
				const size = Number(dim.dimValue ?? 0);
				return size > 0 ? size : null;
			})
		: null;
	return { name, type: TYPE_NAMES[tensor.elemType ?? 0] ?? 'unknown', dims };
}

function constantOf(tensor: InstanceType<typeof onnx.TensorProto>): OnnxConstant {
	const dims = tensor.dims.map(Number);
	const type = TYPE_NAMES[tensor.dataType] ?? 'unknown';
	const count = dims.reduce((product, dim) => product * dim, 1);
	return { type, dims, values: count <= FEW_NUMBERS ? numbersOf(tensor, type, count) : null };
}

/** Numbers of the types that shapes, axes and scales have; null for others. */
function numbersOf(
	tensor: InstanceType<typeof onnx.TensorProto>,
	type: string,
	count: number,
): number[] | null {
	const { rawData, int64Data, int32Data, floatData, doubleData } = tensor;
	if (tensor.dataLocation === EXTERNAL) return null;
	if (rawData.length === 0) {
		const given = { int64: int64Data, int32: int32Data, float32: floatData, float64: doubleData }[type];
		return given?.length === count ? given.map(Number) : null;
	}
	if (rawData.length !== count * bytesPerNumber(type)) return null;
	const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
	const read: Readonly<Record<string, (i: number) => number>> = {
		int64: (i) => Number(view.getBigInt64(8 * i, true)),
		int32: (i) => view.getInt32(4 * i, true),
		float32: (i) => view.getFloat32(4 * i, true),
		float64: (i) => view.getFloat64(8 * i, true),
	};
	const readOne = read[type];
	return readOne ? Array.from({ length: count }, (_, i) => readOne(i)) : null;
}

/** Whole numbers that stand one behind the other. */
function packedNumbers(bytes: Uint8Array): number[] {
	const numbers: number[] = [];
	let value = 0;
	let factor = 1;
	for (const byte of bytes) {
		value += (byte & 127) * factor;
		factor *= 128;
		if (byte >= 128) continue;
		numbers.push(value);
		[value, factor] = [0, 1];
	}
	return numbers;
}

/** Throws RangeError for a field that is a number. */
function text(bytes: Uint8Array | null): string {
	if (!bytes) throw new RangeError('a number stands in the place of a text');
	return new TextDecoder().decode(bytes);
}
