import { UserFacingError } from '../domain/errors.ts';
import { PickleGlobal, type PickleRules, readPickle } from './pickle.ts';
import { startsAsSafetensors } from './safetensors.ts';
import { type StoragePart, storageType, torchGlobal } from './torch-globals.ts';
import { TorchStorage } from './torch-tensor.ts';
import { firstZipEntry, isZip, leastEntryOverhead, readZipEntries } from './zip-archive.ts';

/** Older files start with this, as a pickled number. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
/** A pickle starts with this and its protocol. */
const PICKLE_START = 0x80;
const PICKLE_PROTOCOLS = [2, 3, 4, 5];

/**
 * Whether the bytes, a file's first ones at least, may be what `torch.save` wrote: now (an archive) or before version 1.6
 * (pickles in a row). A safetensors file may start with the same bytes: there they are the length of its header.
 */
export function isTorchFile(bytes: Uint8Array): boolean {
	if (startsAsSafetensors(bytes)) return false;
	return isZip(bytes) || (bytes[0] === PICKLE_START && PICKLE_PROTOCOLS.includes(bytes[1]!));
}

/**
 * Reads what `torch.save` wrote, as data: dictionaries are Maps, tensors are TorchTensors that are views into `bytes`.
 * No code in a pickle ever runs: it may name tensors, plain containers and scalars. Throws `model-unreadable`, naming
 * `place` and anything else it asks for, or how many bytes are missing.
 */
export function readTorchFile(bytes: Uint8Array, place: string): unknown {
	return isZip(bytes) ? readArchive(bytes, place) : readLegacy(bytes, place);
}

function readArchive(bytes: Uint8Array, place: string): unknown {
	const storages = new Storages(place);
	const entries = readZipEntries(bytes, place);
	if (!entries) throw cutOffArchive(bytes, storages, place);
	const name = [...entries.keys()].find((entry) => entry === 'data.pkl' || entry.endsWith('/data.pkl'));
	if (name === undefined) throw unreadable(place, 'the archive has no data.pkl');
	const folder = name.slice(0, -'data.pkl'.length);
	const order = entries.get(`${folder}byteorder`);
	if (order && new TextDecoder().decode(order) !== 'little') {
		throw unreadable(place, 'its numbers are not little-endian');
	}
	const { value } = readPickle(entries.get(name)!, 0, storages, place);
	for (const storage of storages.all) {
		const entry = entries.get(`${folder}data/${storage.key}`);
		if (!entry) throw unreadable(place, `the archive lacks data/${storage.key}`);
		if (entry.length !== storage.byteLength) {
			throw unreadable(
				place,
				`data/${storage.key} should have ${storage.byteLength} bytes (got ${entry.length})`,
			);
		}
		storage.bytes = entry;
	}
	return value;
}

/** The list of storages comes first in an archive and gives the minimum length of the whole. */
function cutOffArchive(bytes: Uint8Array, storages: Storages, place: string): UserFacingError {
	const first = firstZipEntry(bytes);
	let least = bytes.length + 1;
	if (first?.name.endsWith('data.pkl')) {
		const { end } = readPickle(bytes, first.start, storages, place);
		const folder = first.name.slice(0, -'data.pkl'.length);
		least = end;
		for (const { key, byteLength } of storages.all) {
			least += byteLength + leastEntryOverhead(`${folder}data/${key}`);
		}
	}
	const missing = Math.max(1, least - bytes.length);
	return new UserFacingError(
		'model-unreadable',
		`${place} is cut off: at least ${missing} bytes of it are missing.`,
	);
}

function readLegacy(bytes: Uint8Array, place: string): unknown {
	const storages = new Storages(place);
	const next = (at: number) => readPickle(bytes, at, storages, place);
	const magic = next(0);
	if (magic.value !== LEGACY_MAGIC) throw unreadable(place, 'it is a pickle, but not of torch.save');
	const protocol = next(magic.end);
	if (protocol.value !== LEGACY_PROTOCOL) {
		throw unreadable(place, `its protocol should be ${LEGACY_PROTOCOL} (got ${describe(protocol.value)})`);
	}
	const system = next(protocol.end);
	if (!(system.value instanceof Map) || system.value.get('little_endian') !== true) {
		throw unreadable(place, 'its numbers are not little-endian');
	}
	const content = next(system.end);
	const keys = next(content.end);
	if (!Array.isArray(keys.value)) throw unreadable(place, 'it has no list of storages');

	const named = keys.value.map((key: unknown) => storageKey(key, place));
	const missing = legacyEnd(named, storages, keys.end, place) - bytes.length;
	if (missing > 0) {
		throw new UserFacingError('model-unreadable', `${place} is cut off: ${missing} bytes of it are missing.`);
	}
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	let at = keys.end;
	for (const key of named) {
		const storage = storages.get(key)!;
		const count = view.getBigInt64(at, true);
		if (count !== BigInt(storage.count)) {
			throw unreadable(place, `storage ${storage.key} should have ${storage.count} elements (got ${count})`);
		}
		storage.bytes = bytes.subarray(at + 8, at + 8 + storage.byteLength);
		at += 8 + storage.byteLength;
	}
	return content.value;
}

/** Where the last storage ends; each is preceded by its number of elements. Every storage must occur once. */
function legacyEnd(keys: readonly string[], storages: Storages, start: number, place: string): number {
	const named = new Set(keys);
	const absent = [...storages.all].find(({ key }) => !named.has(key));
	if (absent) throw unreadable(place, `it lacks storage ${absent.key}`);
	let end = start;
	for (const key of named) {
		const storage = storages.get(key);
		if (!storage) throw unreadable(place, `no tensor is in its storage ${key}`);
		end += 8 + storage.byteLength;
	}
	if (named.size !== keys.length) throw unreadable(place, 'a storage comes twice');
	return end;
}

/** What a checkpoint's pickle may name, and the storages that it has named. */
class Storages implements PickleRules {
	readonly #byKey = new Map<string, TorchStorage>();
	readonly #place: string;

	constructor(place: string) {
		this.#place = place;
	}

	get all(): Iterable<TorchStorage> {
		return this.#byKey.values();
	}

	get(key: string): TorchStorage | undefined {
		return this.#byKey.get(key);
	}

	findGlobal(name: string): PickleGlobal | null {
		return torchGlobal(name, this.#place);
	}

	/** ('storage', type, key, device, count[, (view key, start, count) or None]). */
	findPersistent(id: unknown): StoragePart {
		const [kind, type, key, , count, part] = Array.isArray(id) ? (id as unknown[]) : [];
		const element = type instanceof PickleGlobal ? storageType(type.name) : null;
		if (kind !== 'storage' || !element || !Number.isSafeInteger(count) || (count as number) < 0) {
			throw unreadable(this.#place, `it refers to ${describe(kind)}, which is no storage`);
		}
		const name = storageKey(key, this.#place);
		const storage = this.#byKey.get(name) ?? new TorchStorage(name, element, count as number);
		if (storage.type !== element || storage.count !== count) {
			throw unreadable(this.#place, `storage ${name} is described in two ways`);
		}
		this.#byKey.set(name, storage);
		const start = Array.isArray(part) ? Number(part[1]) : 0;
		if (!Number.isSafeInteger(start) || start < 0) {
			throw unreadable(this.#place, `a part of storage ${name} has no start`);
		}
		return { storage, start };
	}
}

/** Lists are no names: their texts could be without end. */
function storageKey(key: unknown, place: string): string {
	if (typeof key === 'string' || typeof key === 'number') return String(key);
	throw unreadable(place, 'a storage is named by what is no name');
}

function describe(value: unknown): string {
	if (typeof value === 'number' || typeof value === 'bigint') return String(value);
	return typeof value === 'string' ? `"${value}"` : 'something';
}

function unreadable(place: string, what: string): UserFacingError {
	return new UserFacingError(
		'model-unreadable',
		`${place} is not a readable checkpoint of PyTorch: ${what}.`,
	);
}
