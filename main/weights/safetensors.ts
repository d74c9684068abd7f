import { UserFacingError } from '../domain/errors.ts';
import type { FloatTensor } from '../domain/float-tensor.ts';
import { ELEMENT_BYTES, isElementType, toFloat32 } from './element-types.ts';

export type WeightTensor = FloatTensor;
export type Weights = ReadonlyMap<string, WeightTensor>;

type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };

/** The format's own bound on its header (100 MB), so that a broken length can't ask for all memory. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads a safetensors file (https://github.com/huggingface/safetensors#format): 8 bytes little-endian header
 * length, a JSON header, data. All types come out as
 * float32, F32 as views into `bytes` where they are aligned. Throws `model-unreadable`, naming `place`.
 */
export function readSafetensors(bytes: Uint8Array, place: string): Weights {
	const header = readHeader(bytes, place);
	const start = 8 + header.length;
	const tensors = Object.entries(header.entries).filter(([name]) => name !== '__metadata__');
	const weights = new Map<string, WeightTensor>();
	const missing = tensors.reduce((end, [, entry]) => Math.max(end, endOf(entry)), 0) + start - bytes.length;
	for (const [name, entry] of tensors) {
		if (!isElementType(entry?.dtype) || !isShape(entry.shape) || !isShape(entry.data_offsets)) {
			throw unreadable(place, `tensor ${name} has no type, shape or place that the format knows`);
		}
		const [from, to] = entry.data_offsets;
		const expected = entry.shape.reduce((size, dim) => size * dim, ELEMENT_BYTES[entry.dtype]);
		if (to - from !== expected) {
			throw unreadable(place, `tensor ${name} should take ${expected} bytes (its place has ${to - from})`);
		}
		if (start + to > bytes.length) {
			throw unreadable(place, `the file is cut off: ${missing} bytes are missing, some of tensor ${name}`);
		}
		weights.set(name, {
			data: toFloat32(bytes.subarray(start + from, start + to), entry.dtype),
			shape: entry.shape,
		});
	}
	return weights;
}

function readHeader(bytes: Uint8Array, place: string): { length: number; entries: Record<string, Entry> } {
	if (bytes.length < 8) throw unreadable(place, `expected at least 8 bytes (got ${bytes.length})`);
	const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
	if (length > MAX_HEADER_BYTES || length < 2) throw unreadable(place, `its header claims ${length} bytes`);
	if (8 + length > bytes.length) {
		throw unreadable(
			place,
			`the file is cut off: ${8 + length - bytes.length} bytes of its header are missing`,
		);
	}
	try {
		const entries: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
		if (typeof entries === 'object' && entries !== null)
			return { length, entries: entries as Record<string, Entry> };
	} catch {
		// Said below, with the place.
	}
	throw unreadable(place, 'its header is not JSON');
}

/** Where a tensor's numbers end, behind the header; 0 where the header does not say. */
function endOf(entry: Entry | null): number {
	const end = entry?.data_offsets?.[1];
	return Number.isSafeInteger(end) ? end! : 0;
}

function isShape(value: unknown): value is number[] {
	return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function unreadable(place: string, what: string): UserFacingError {
	return new UserFacingError('model-unreadable', `${place} is not a readable safetensors file: ${what}.`);
}
