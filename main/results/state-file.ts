import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import {
	layOutSafetensors,
	parseSafetensors,
	type SafetensorsFile,
	type StoredTensor,
} from '../weights/safetensors.ts';

/** Everything needed to continue after a frame: the engine's state, and which frame that is. */
export type Snapshot = {
	/** Frames that the run held at that moment. */
	framesStored: number;
	lastFrameIndex: number;
	state: NamedArrays;
};

// A safetensors file whose metadata name the frame, with a checksum over the arrays.
const TYPES = { F64: Float64Array, F32: Float32Array, I32: Int32Array, U8: Uint8Array } as const; // wide ones first
type TypeName = keyof typeof TYPES;
const TYPE_NAMES = Object.keys(TYPES) as TypeName[];

const metadataSchema = z.object({ framesStored: z.string(), lastFrameIndex: z.string(), crc32: z.string() });

/** The parts of a snapshot file, in order; the arrays themselves are not copied. */
export function encodeSnapshot({ framesStored, lastFrameIndex, state }: Snapshot): Uint8Array[] {
	assert(endianness() === 'LE', 'snapshots are written on little-endian machines only');
	const tensors = new Map<string, StoredTensor>();
	let checksum = 0;
	for (const dtype of TYPE_NAMES) {
		for (const [name, array] of Object.entries(state).filter(([, own]) => own instanceof TYPES[dtype])) {
			const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
			tensors.set(name, { dtype, shape: [array.length], bytes });
			if (bytes.length > 0) checksum = crc32(bytes, checksum); // zlib starts over when it is given nothing
		}
	}
	assert(tensors.size === Object.keys(state).length, 'a snapshot holds arrays of known types only');
	return layOutSafetensors(tensors, {
		framesStored: String(framesStored),
		lastFrameIndex: String(lastFrameIndex),
		crc32: String(checksum),
	});
}

/** A snapshot's file as it was written, or null where anything about it is missing or damaged. */
export async function readSnapshot(folder: string, name: string): Promise<Snapshot | null> {
	const file = await readFile(join(folder, name)).catch(() => null);
	return file && decodeSnapshot(file);
}

/** The snapshot in `file`; null where anything is missing or damaged. The arrays are copies. */
export function decodeSnapshot(file: Uint8Array): Snapshot | null {
	let parsed: SafetensorsFile;
	try {
		parsed = parseSafetensors(file, 'snapshot');
	} catch {
		return null;
	}
	const facts = metadataSchema.safeParse(parsed.metadata);
	if (!facts.success || crc32(parsed.data) !== Number(facts.data.crc32)) return null;
	const state: NamedArrays = {};
	for (const [name, { dtype, bytes }] of parsed.tensors) {
		if (!isStateType(dtype)) return null;
		state[name] = new TYPES[dtype](new Uint8Array(bytes).buffer); // a copy, hence aligned
	}
	return {
		framesStored: Number(facts.data.framesStored),
		lastFrameIndex: Number(facts.data.lastFrameIndex),
		state,
	};
}

function isStateType(dtype: string): dtype is TypeName {
	return Object.hasOwn(TYPES, dtype);
}
