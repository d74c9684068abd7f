import { UserFacingError } from '../domain/errors.ts';

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const END_RECORD_64 = 0x06064b50;
const END_LOCATOR_64 = 0x07064b50;
/** The end record and the longest comment behind it. */
const END_REACH = 22 + 0xffff;
const IN_ZIP64 = 0xffffffff;
/** Most sizes in one entry's extra field: content, packed, place. */
const ZIP64_FIELD = 1;

/** The least number of bytes that an entry called `name` takes besides its content: both headers and the checksum. */
export function leastEntryOverhead(name: string): number {
	return 30 + 46 + 2 * new TextEncoder().encode(name).length;
}

export function isZip(bytes: Uint8Array): boolean {
	return bytes.length >= 4 && view(bytes).getUint32(0, true) === LOCAL_HEADER;
}

/**
 * The entries of an archive whose files are stored as they are
 * (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), as views into `bytes`. Null if the directory at its
 * end is missing, as in a truncated file. Throws `model-unreadable`, naming `place`, for compressed or damaged entries.
 */
export function readZipEntries(bytes: Uint8Array, place: string): Map<string, Uint8Array> | null {
	const directory = findDirectory(bytes);
	if (!directory) return null;
	const data = view(bytes);
	const entries = new Map<string, Uint8Array>();
	let at = directory.start;
	for (let i = 0; i < directory.count; i++) {
		if (at + 46 > bytes.length || data.getUint32(at, true) !== CENTRAL_HEADER) {
			throw damaged(place, `entry ${i + 1} of its directory is no entry`);
		}
		const nameLength = data.getUint16(at + 28, true);
		const extraLength = data.getUint16(at + 30, true);
		const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
		if (data.getUint16(at + 10, true) !== 0) throw damaged(place, `${name} is compressed`);
		const wide = wideSizes(bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength));
		const size = orWide(data.getUint32(at + 24, true), wide);
		if (data.getUint32(at + 20, true) === IN_ZIP64) wide.shift();
		const offset = orWide(data.getUint32(at + 42, true), wide);
		entries.set(name, content(bytes, name, offset, size, place));
		at += 46 + nameLength + extraLength + data.getUint16(at + 32, true);
	}
	return entries;
}

/** Name and content position of the archive's first entry, from its local header. */
export function firstZipEntry(bytes: Uint8Array): { name: string; start: number } | null {
	if (bytes.length < 30) return null;
	const start = contentStart(bytes, 0);
	if (start > bytes.length) return null;
	const nameLength = view(bytes).getUint16(26, true);
	return { name: new TextDecoder().decode(bytes.subarray(30, 30 + nameLength)), start };
}

function content(bytes: Uint8Array, name: string, offset: number, size: number, place: string): Uint8Array {
	if (offset + 30 > bytes.length || view(bytes).getUint32(offset, true) !== LOCAL_HEADER) {
		throw damaged(place, `${name} is not where its directory says`);
	}
	const start = contentStart(bytes, offset);
	const missing = start + size - bytes.length;
	if (missing > 0) throw damaged(place, `${missing} bytes of ${name} are missing`);
	return bytes.subarray(start, start + size);
}

function contentStart(bytes: Uint8Array, offset: number): number {
	const data = view(bytes);
	return offset + 30 + data.getUint16(offset + 26, true) + data.getUint16(offset + 28, true);
}

function findDirectory(bytes: Uint8Array): { start: number; count: number } | null {
	const data = view(bytes);
	for (let end = bytes.length - 22; end >= Math.max(0, bytes.length - END_REACH); end--) {
		if (data.getUint32(end, true) !== END_RECORD) continue;
		const wide = findWideDirectory(data, end);
		const count = wide?.count ?? data.getUint16(end + 10, true);
		const start = wide?.start ?? data.getUint32(end + 16, true);
		if (start < end) return { start, count };
	}
	return null;
}

/** The zip64 end record, which precedes the old one in archives that are too large for it. */
function findWideDirectory(data: DataView, end: number): { start: number; count: number } | null {
	if (end < 20 || data.getUint32(end - 20, true) !== END_LOCATOR_64) return null;
	const at = Number(data.getBigUint64(end - 12, true));
	if (at + 56 > data.byteLength || data.getUint32(at, true) !== END_RECORD_64) return null;
	return {
		count: Number(data.getBigUint64(at + 32, true)),
		start: Number(data.getBigUint64(at + 48, true)),
	};
}

/** The 8-byte sizes in an entry's extra field, in order. */
function wideSizes(extra: Uint8Array): number[] {
	const data = view(extra);
	for (let at = 0; at + 4 <= extra.length; at += 4 + data.getUint16(at + 2, true)) {
		if (data.getUint16(at, true) !== ZIP64_FIELD) continue;
		const count = Math.min(3, Math.floor(Math.min(data.getUint16(at + 2, true), extra.length - at - 4) / 8));
		return Array.from({ length: count }, (_, i) => Number(data.getBigUint64(at + 4 + 8 * i, true)));
	}
	return [];
}

function orWide(narrow: number, wide: number[]): number {
	return narrow === IN_ZIP64 ? (wide.shift() ?? narrow) : narrow;
}

function view(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(place: string, what: string): UserFacingError {
	return new UserFacingError('model-unreadable', `${place} is not a readable archive: ${what}.`);
}
