import { open, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { assert } from '../domain/errors.ts';
import type { NamedArray, NamedArrays } from '../domain/named-arrays.ts';
import { layOutSafetensors, locateTensors, type StoredTensor } from '../weights/safetensors.ts';

const TYPES = { F64: Float64Array, F32: Float32Array, I32: Int32Array, U8: Uint8Array } as const; // wide ones first
type TypeName = keyof typeof TYPES;
const TYPE_NAMES = Object.keys(TYPES) as TypeName[];

/** What a file says of its arrays. */
export type Facts = Record<string, string>;

const factsSchema = z.record(z.string(), z.string()).and(z.object({ crc32: z.string() }));

/** The parts of a safetensors file of `arrays`, with a checksum over them, in order; the arrays are not copied. */
export function encodeArrays(arrays: NamedArrays, facts: Facts): Uint8Array[] {
	assert(endianness() === 'LE', 'arrays are written on little-endian machines only');
	const tensors = new Map<string, StoredTensor>();
	let checksum = 0;
	for (const dtype of TYPE_NAMES) {
		for (const [name, array] of Object.entries(arrays).filter(([, own]) => own instanceof TYPES[dtype])) {
			const bytes = bytesOf(array);
			tensors.set(name, { dtype, shape: [array.length], bytes });
			checksum = continued(checksum, bytes);
		}
	}
	assert(tensors.size === Object.keys(arrays).length, 'arrays of known types are expected');
	return layOutSafetensors(tensors, { ...facts, crc32: String(checksum) });
}

/**
 * The arrays of a file that `encodeArrays` made, each in memory of its own, with what `accept` makes of its facts. Null where there is
 * no file, where anything about it is damaged, and where `accept` gives null: then the arrays are not read.
 */
export async function readArrays<Accepted>(
	path: string,
	accept: (facts: Facts) => Accepted | null,
): Promise<{ facts: Accepted; arrays: NamedArrays } | null> {
	const file = await open(path).catch(() => null);
	if (!file) return null;
	try {
		return await readFrom(file, path, accept);
	} catch {
		return null;
	} finally {
		await file.close();
	}
}

async function readFrom<Accepted>(
	file: FileHandle,
	path: string,
	accept: (facts: Facts) => Accepted | null,
): Promise<{ facts: Accepted; arrays: NamedArrays } | null> {
	const { size } = await file.stat();
	const length = Number((await filled(file, Buffer.alloc(8), 0)).readBigUInt64LE());
	const head = await filled(file, new Uint8Array(Math.min(8 + length, size)), 0);
	const source = { length: size, read: (from: number, to: number) => head.subarray(from, to) };
	const { metadata, tensors } = locateTensors(source, path);
	const { crc32: expected, ...rest } = factsSchema.parse(metadata);
	const facts = accept(rest);
	if (facts === null) return null;
	const arrays: NamedArrays = {};
	let checksum = 0;
	const inOrder = [...tensors].sort(([, a], [, b]) => a.from - b.from);
	const begin = ([name, { dtype, shape, from }]: (typeof inOrder)[number]) =>
		filled(file, bytesOf((arrays[name] = new TYPES[dtype as TypeName](shape[0]!))), from);
	// An array is read while the one before is summed up.
	let next = inOrder[0] && begin(inOrder[0]);
	for (let i = 1; next; i++) {
		const bytes = await next;
		next = inOrder[i] && begin(inOrder[i]!);
		checksum = continued(checksum, bytes);
	}
	return checksum === Number(expected) ? { facts, arrays } : null;
}

/** Fills `bytes` with what stands from `position` on. Throws where that is less. */
async function filled<Bytes extends Uint8Array>(
	file: FileHandle,
	bytes: Bytes,
	position: number,
): Promise<Bytes> {
	for (let done = 0; done < bytes.length;) {
		const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
		if (bytesRead === 0) throw new RangeError('the file ends too early');
		done += bytesRead;
	}
	return bytes;
}

function bytesOf({ buffer, byteOffset, byteLength }: NamedArray): Uint8Array {
	return new Uint8Array(buffer, byteOffset, byteLength);
}

/** zlib starts over when it is given nothing. */
function continued(checksum: number, bytes: Uint8Array): number {
	return bytes.length > 0 ? crc32(bytes, checksum) : checksum;
}
