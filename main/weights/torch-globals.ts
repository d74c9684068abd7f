import { UserFacingError } from '../domain/errors.ts';
import type { ElementType } from './element-types.ts';
import { PickleGlobal, PickleObject } from './pickle.ts';
import { type TorchStorage, TorchTensor } from './torch-tensor.ts';

const STORAGE_TYPES: Readonly<Record<string, ElementType>> = {
	FloatStorage: 'F32',
	HalfStorage: 'F16',
	BFloat16Storage: 'BF16',
	DoubleStorage: 'F64',
	LongStorage: 'I64',
	IntStorage: 'I32',
	ShortStorage: 'I16',
	CharStorage: 'I8',
	ByteStorage: 'U8',
	BoolStorage: 'BOOL',
};
const STORAGE = /^torch\.(?:cuda\.)?(\w+Storage)$/;
/** Names that describe data but are never called. */
const NAMES = /^torch\.(float16|float32|float64|bfloat16|int8|int16|int32|int64|uint8|bool|strided)$/;
const FACTORIES = /^(builtins|__builtin__)\.(dict|list|int|float)$/;

/** A part of a storage, as a persistent id names it; old files number views of storages. */
export type StoragePart = { storage: TorchStorage; start: number };

/** The only globals that a checkpoint's pickle may name: tensors, containers and scalars; null for all others. */
export function torchGlobal(name: string, place: string): PickleGlobal | null {
	if (storageType(name) || NAMES.test(name) || FACTORIES.test(name)) return new PickleGlobal(name);
	const make = CALLS[name];
	return make ? new PickleGlobal(name, (args) => make(args, place)) : null;
}

export function storageType(name: string): ElementType | null {
	const type = STORAGE.exec(name)?.[1];
	return type !== undefined && Object.hasOwn(STORAGE_TYPES, type) ? STORAGE_TYPES[type]! : null;
}

type Call = (args: readonly unknown[], place: string) => unknown;

const CALLS: Readonly<Record<string, Call>> = Object.assign(Object.create(null) as object, {
	'torch._utils._rebuild_tensor': rebuildTensor,
	'torch._utils._rebuild_tensor_v2': rebuildTensor,
	'torch._utils._rebuild_parameter': ([tensor]: readonly unknown[]) => tensor ?? null,
	'torch.nn.parameter.Parameter': ([tensor]: readonly unknown[]) => tensor ?? null,
	'torch.Size': ([sizes]: readonly unknown[]) => sizes ?? [],
	'torch.device': ([type]: readonly unknown[]) => type ?? null,
	'collections.OrderedDict': dictionary,
	'collections.Counter': dictionary,
	'collections.defaultdict': ([, items]: readonly unknown[]) => dictionary([items]),
	'builtins.set': set,
	'__builtin__.set': set,
	'builtins.frozenset': set,
	'__builtin__.frozenset': set,
	'argparse.Namespace': () => new PickleObject('argparse.Namespace'),
	'numpy.dtype': numpyType,
	'numpy.core.multiarray.scalar': numpyScalar,
	'numpy._core.multiarray.scalar': numpyScalar,
	'_codecs.encode': encode,
});

/** (storage, offset, shape, strides, …): hooks and requires_grad are ignored. */
function rebuildTensor(args: readonly unknown[], place: string): TorchTensor {
	const [part, offset, shape, strides] = args;
	const isPart = typeof part === 'object' && part !== null && 'storage' in part;
	if (!isPart || !isSize(offset) || !isSizes(shape) || !isSizes(strides)) {
		throw refuse(place, 'a tensor without storage, offset, shape and strides');
	}
	const { storage, start } = part as StoragePart;
	return new TorchTensor(storage, start + offset, shape, strides, place);
}

function dictionary([items]: readonly unknown[]): Map<unknown, unknown> {
	if (items instanceof Map) return new Map(items);
	const pairs = Array.isArray(items) ? items.filter((pair): pair is unknown[] => Array.isArray(pair)) : [];
	return new Map(pairs.map(([key, value]) => [key, value]));
}

function set([values]: readonly unknown[]): Set<unknown> {
	return new Set(Array.isArray(values) ? values : []);
}

function numpyType([code]: readonly unknown[]): PickleObject {
	const type = new PickleObject('numpy.dtype');
	type.fields.set('code', code);
	return type;
}

const NUMPY_READERS: ReadonlyMap<unknown, (view: DataView) => number> = new Map([
	['f8', (view: DataView) => view.getFloat64(0, true)],
	['f4', (view: DataView) => view.getFloat32(0, true)],
	['i8', (view: DataView) => Number(view.getBigInt64(0, true))],
	['i4', (view: DataView) => view.getInt32(0, true)],
	['b1', (view: DataView) => view.getUint8(0)],
]);

function numpyScalar([type, bytes]: readonly unknown[], place: string): number {
	const code = type instanceof PickleObject ? type.fields.get('code') : null;
	const read = NUMPY_READERS.get(code);
	if (!read || !(bytes instanceof Uint8Array) || bytes.length !== Number(String(code).slice(1))) {
		throw refuse(place, `a numpy scalar of type ${typeof code === 'string' ? code : 'unknown'}`);
	}
	return read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** Protocol 2 writes bytes as text. */
function encode([text, encoding]: readonly unknown[], place: string): Uint8Array {
	if (typeof text !== 'string' || encoding !== 'latin1') throw refuse(place, 'bytes that are not latin1');
	return new Uint8Array(Buffer.from(text, 'latin1'));
}

function isSize(value: unknown): value is number {
	return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: unknown): value is number[] {
	return Array.isArray(value) && value.every(isSize);
}

function refuse(place: string, what: string): UserFacingError {
	return new UserFacingError('model-unreadable', `${place} holds ${what}, which cannot be read.`);
}
