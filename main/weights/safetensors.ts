import { assert, UserFacingError } from '../domain/errors.ts';
import { type FloatTensor, LazyTensor } from '../domain/float-tensor.ts';
import { type ByteSource, bytesInMemory } from './byte-source.ts';
import { ELEMENT_BYTES, isElementType, toFloat32, type ElementType } from './element-types.ts';

export type WeightTensor = FloatTensor;
export type Weights = ReadonlyMap<string, WeightTensor>;

/** A tensor as it lies in a file: numbers little-endian, in raster order. */
export type StoredTensor = { dtype: ElementType; shape: readonly number[]; bytes: Uint8Array };

/** A header's entry for a tensor, unchecked. */
type Entry = { dtype?: unknown; shape?: unknown; data_offsets?: unknown } | null;

/** The format's own bound on its header (100 MB), so that a broken length can't ask for all memory. */
const MAX_HEADER_BYTES = 100_000_000;

const OPENING_BRACE = 0x7b;

/** Data start at a multiple of that, so that the first tensors are aligned. */
const ALIGNMENT = 8;

/** Whether a file's first bytes are a length that the format allows, and the brace that its header starts with. */
export function startsAsSafetensors(bytes: Uint8Array): boolean {
	return bytes.length > 8 && headerLength(bytes) <= MAX_HEADER_BYTES && bytes[8] === OPENING_BRACE;
}

/** As `openSafetensors`, of a file that is in memory. */
export function readSafetensors(bytes: Uint8Array, place: string): Weights {
	return openSafetensors(bytesInMemory(bytes), place);
}

/**
 * Reads the header of a safetensors file of weights. Tensors are read when their numbers are asked for, as float32 whatever
 * their type. With the file's `sha256` they know where they come from. Throws `model-unreadable`, naming `place`.
 */
export function openSafetensors(source: ByteSource, place: string, sha256?: string): Weights {
	const weights = new Map<string, WeightTensor>();
	for (const [name, { dtype, shape, from, to }] of locateTensors(source, place).tensors) {
		const origin = sha256 && `${sha256} ${name}`;
		weights.set(name, new LazyTensor(shape, origin, () => toFloat32(source.read(from, to), dtype)));
	}
	return weights;
}

/** Where the bytes of a tensor stand in a file. */
type Located = Pick<StoredTensor, 'dtype' | 'shape'> & { from: number; to: number };

/**
 * Reads the header of a safetensors file (https://github.com/huggingface/safetensors#format): 8 bytes little-endian length,
 * JSON. Reads nothing else, and says where in the file tensors stand. Throws `model-unreadable`, naming `place`.
 */
export function locateTensors(
	source: ByteSource,
	place: string,
): { metadata: unknown; tensors: Map<string, Located> } {
	const header = readHeader(source, place);
	const start = 8 + header.length;
	const { __metadata__: metadata, ...entries } = header.entries;
	const missing = Math.max(0, ...Object.values(entries).map(endOf)) + start - source.length;
	const tensors = new Map<string, Located>();
	for (const [name, entry] of Object.entries(entries)) {
		const { dtype, shape, data_offsets: offsets } = entry ?? {};
		if (!isElementType(dtype) || !isShape(shape) || !isShape(offsets) || offsets.length !== 2) {
			throw unreadable(place, `tensor ${name} has no type, shape or place that the format knows`);
		}
		const [from, to] = offsets as [number, number];
		const expected = shape.reduce((size, dim) => size * dim, ELEMENT_BYTES[dtype]);
		if (to - from !== expected) {
			throw unreadable(place, `tensor ${name} should take ${expected} bytes (its place has ${to - from})`);
		}
		if (start + to > source.length) {
			throw unreadable(place, `the file is cut off: ${missing} bytes are missing, some of tensor ${name}`);
		}
		tensors.set(name, { dtype, shape, from: start + from, to: start + to });
	}
	requireGapless(tensors, { start, end: source.length }, place);
	return { metadata, tensors };
}

/** The format has every byte of data belong to one tensor. */
function requireGapless(
	tensors: ReadonlyMap<string, Located>,
	{ start, end }: { start: number; end: number },
	place: string,
): void {
	const inOrder = [...tensors].sort(([, a], [, b]) => a.from - b.from || a.to - b.to);
	let at = start;
	for (const [name, { from, to }] of inOrder) {
		if (from !== at) {
			const fault =
				from < at ? 'overlaps the one before it' : `leaves a hole of ${from - at} bytes before it`;
			throw unreadable(place, `tensor ${name} ${fault}`);
		}
		at = to;
	}
	if (at !== end) throw unreadable(place, `${end - at} bytes behind its last tensor belong to none`);
}

/**
 * The parts of a safetensors file, in order; the bytes of tensors are not copied. Tensors of wide elements should come
 * first: then every one is aligned.
 */
export function layOutSafetensors(
	tensors: ReadonlyMap<string, StoredTensor>,
	metadata: Record<string, string>,
): Uint8Array[] {
	assert(!tensors.has('__metadata__'), 'the name __metadata__ is taken by the format');
	let end = 0;
	const entries = Array.from(tensors, ([name, { dtype, shape, bytes }]) => {
		const start = end;
		end += bytes.length;
		return [name, { dtype, shape, data_offsets: [start, end] }] as const;
	});
	const json = new TextEncoder().encode(
		JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries])),
	);
	const header = new Uint8Array(8 + Math.ceil(json.length / ALIGNMENT) * ALIGNMENT).fill(0x20); // blanks
	new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
	header.set(json, 8);
	return [header, ...Array.from(tensors.values(), ({ bytes }) => bytes)];
}

function readHeader(source: ByteSource, place: string): { length: number; entries: Record<string, Entry> } {
	if (source.length < 8) throw unreadable(place, `expected at least 8 bytes (got ${source.length})`);
	const length = headerLength(source.read(0, 8));
	if (length > MAX_HEADER_BYTES || length < 2) throw unreadable(place, `its header claims ${length} bytes`);
	if (8 + length > source.length) {
		throw unreadable(
			place,
			`the file is cut off: ${8 + length - source.length} bytes of its header are missing`,
		);
	}
	try {
		const entries: unknown = JSON.parse(new TextDecoder().decode(source.read(8, 8 + length)));
		if (typeof entries === 'object' && entries !== null)
			return { length, entries: entries as Record<string, Entry> };
	} catch {
		// Reported below, with the place.
	}
	throw unreadable(place, 'its header is not JSON');
}

/** What the first 8 bytes say. */
function headerLength({ buffer, byteOffset }: Uint8Array): number {
	return Number(new DataView(buffer, byteOffset, 8).getBigUint64(0, true));
}

/** Where a tensor's numbers end, counted from the end of the header; 0 if the entry does not say. */
function endOf(entry: Entry): number {
	const offsets = entry?.data_offsets;
	return isShape(offsets) ? (offsets[1] ?? 0) : 0;
}

function isShape(value: unknown): value is number[] {
	return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function unreadable(place: string, what: string): UserFacingError {
	return new UserFacingError('model-unreadable', `${place} is not a readable safetensors file: ${what}.`);
}
