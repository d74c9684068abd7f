import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writevSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from './make-folder.ts';

// Files of a cache that anything may have happened to: their content, and behind it the SHA-256 of it. What is not whole
// counts as absent.

const SEAL_BYTES = 32;
/** Bytes that are read at once. */
const PART_BYTES = 2 ** 20;
/** Where they are read to. */
let room = Buffer.alloc(0);

/** Puts sealed content where `path` is, in one step; its folder is made. Throws what the file system throws. */
export function writeSealedFile(path: string, content: Uint8Array): void {
	makeFolder(dirname(path));
	const fresh = `${path}.${randomBytes(6).toString('hex')}.new`;
	try {
		const file = openSync(fresh, 'wx', 0o600);
		try {
			const seal = createHash('sha256').update(content).digest();
			const written = writevSync(file, [content, seal]);
			if (written !== content.length + SEAL_BYTES) throw new Error(`${path} could not be written whole.`);
		} finally {
			closeSync(file);
		}
		renameSync(fresh, path);
	} catch (error) {
		rmSync(fresh, { force: true });
		throw error;
	}
}

/** What a sealed file holds; null where there is none, or a damaged one. */
export function readSealedFile(path: string): Uint8Array | null {
	const parts: Uint8Array[] = [];
	return visitSealedFile(path, (part) => parts.push(Buffer.from(part))) ? Buffer.concat(parts) : null;
}

/** Whether a sealed file is there, is whole, and holds `length` bytes beside its seal. */
export function isSealedFile(path: string, length: number): boolean {
	return visitSealedFile(path, () => undefined, length);
}

/** Shows the content part by part; whether it was whole comes out at the end. A part holds until the next one. */
function visitSealedFile(path: string, visit: (part: Uint8Array) => void, expected?: number): boolean {
	let file: number;
	try {
		file = openSync(path, 'r');
	} catch {
		return false;
	}
	try {
		const length = fstatSync(file).size - SEAL_BYTES;
		if (length < 0 || (expected !== undefined && length !== expected)) return false;
		const hash = createHash('sha256');
		if (room.length === 0) room = Buffer.allocUnsafe(PART_BYTES);
		for (let at = 0; at < length;) {
			const read = readSync(file, room, 0, Math.min(room.length, length - at), at);
			if (read === 0) return false;
			const part = room.subarray(0, read);
			hash.update(part);
			visit(part);
			at += read;
		}
		const seal = Buffer.alloc(SEAL_BYTES);
		return readSync(file, seal, 0, SEAL_BYTES, length) === SEAL_BYTES && seal.equals(hash.digest());
	} catch {
		return false;
	} finally {
		closeSync(file);
	}
}
