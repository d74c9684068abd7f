import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { parseJson } from './header.ts';

/** Everything needed to go on behind a frame: the engine's memory, and which frame that is. */
export type Snapshot = {
	/** Frames that the run held. */
	framesStored: number;
	lastFrameIndex: number;
	state: NamedArrays;
};

// The layout is that of safetensors: eight bytes of header length, a JSON header, and the arrays one after the
// other, little-endian. Arrays of wide elements come first, so that every one is aligned.
const TYPES = { F64: Float64Array, F32: Float32Array, I32: Int32Array, U8: Uint8Array } as const;
type TypeName = keyof typeof TYPES;
const TYPE_NAMES = Object.keys(TYPES) as TypeName[];

const entry = z.object({
	dtype: z.enum(TYPE_NAMES),
	shape: z.tuple([z.int().nonnegative()]),
	data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const metadata = z.object({ framesStored: z.string(), lastFrameIndex: z.string(), crc32: z.string() });
const header = z.record(z.string(), z.unknown());

/** The parts of a snapshot file, in order; the arrays themselves are not copied. */
export function encodeSnapshot({ framesStored, lastFrameIndex, state }: Snapshot): Uint8Array[] {
	assert(endianness() === 'LE', 'snapshots are written on little-endian machines only');
	assert(!('__metadata__' in state), 'the name __metadata__ is taken by the format');
	const named = TYPE_NAMES.flatMap((type) =>
		Object.entries(state)
			.filter(([, array]) => array instanceof TYPES[type])
			.map(([name, array]) => ({ name, type, array })),
	);
	assert(named.length === Object.keys(state).length, 'a snapshot holds arrays of known types only');
	const entries: [string, unknown][] = [];
	const parts: Uint8Array[] = [];
	let offset = 0;
	let checksum = 0;
	for (const { name, type, array } of named) {
		const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
		const data_offsets = [offset, offset + bytes.length];
		entries.push([name, { dtype: type, shape: [array.length], data_offsets }]);
		parts.push(bytes);
		offset += bytes.length;
		if (bytes.length > 0) checksum = crc32(bytes, checksum); // zlib starts over when it is given nothing
	}
	const about = {
		framesStored: String(framesStored),
		lastFrameIndex: String(lastFrameIndex),
		crc32: String(checksum),
	};
	const json = Buffer.from(JSON.stringify(Object.fromEntries([['__metadata__', about], ...entries])));
	const padded = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
	new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
	padded.set(json, 8);
	return [padded, ...parts];
}

/** A snapshot's file as it was written, or null where anything about it is missing or damaged. */
export async function readSnapshot(folder: string, name: string): Promise<Snapshot | null> {
	try {
		return decodeSnapshot(await readFile(join(folder, name)));
	} catch {
		return null;
	}
}

/** The snapshot in `file`; null where anything is missing or damaged. The arrays are copies. */
export function decodeSnapshot(file: Uint8Array): Snapshot | null {
	if (file.length < 8) return null;
	const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
	const headerEnd = 8 + Number(view.getBigUint64(0, true));
	if (headerEnd > file.length) return null;
	const parsed = header.safeParse(parseJson(new TextDecoder().decode(file.subarray(8, headerEnd))));
	if (!parsed.success) return null;
	const { __metadata__: about, ...entries } = parsed.data;
	const facts = metadata.safeParse(about);
	const data = file.subarray(headerEnd);
	if (!facts.success || crc32(data) !== Number(facts.data.crc32)) return null;

	const state: NamedArrays = {};
	for (const [name, raw] of Object.entries(entries)) {
		const checked = entry.safeParse(raw);
		if (!checked.success) return null;
		const [from, to] = checked.data.data_offsets;
		const Type = TYPES[checked.data.dtype];
		if (to > data.length || to - from !== checked.data.shape[0] * Type.BYTES_PER_ELEMENT) return null;
		const bytes = new Uint8Array(data.subarray(from, to)); // a copy, hence aligned
		state[name] = new Type(bytes.buffer);
	}
	return {
		framesStored: Number(facts.data.framesStored),
		lastFrameIndex: Number(facts.data.lastFrameIndex),
		state,
	};
}
