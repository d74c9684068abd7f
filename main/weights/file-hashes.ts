import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readSealedFile, writeSealedFile } from '../process/sealed-file.ts';
import type { FileBytes } from './byte-source.ts';

/** Hashes that are remembered; those that were not asked for longest go. */
const MOST_REMEMBERED = 256;
const PART_BYTES = 2 ** 20;

/**
 * SHA-256 of files. A large file takes a second to read: its hash is remembered in `folder` for as long as the system tells
 * the file to be the same, by its place on the disk, size and times. Without a folder nothing is remembered.
 */
export class FileHashes {
	readonly #path: string | null;

	constructor(folder: string | null) {
		this.#path = folder && join(folder, 'hashes.json');
	}

	/** Hexadecimal. Throws `model-not-found` or `model-unreadable`. */
	async sha256(file: FileBytes): Promise<string> {
		const key = `${file.path} ${file.state}`;
		const known = this.#remembered();
		const hash = known.get(key) ?? (await hashOf(file));
		const isNew = !known.delete(key);
		known.set(key, hash);
		if (isNew) this.#remember(known);
		return hash;
	}

	#remembered(): Map<string, string> {
		const content = this.#path && readSealedFile(this.#path);
		if (!content) return new Map();
		return new Map(JSON.parse(new TextDecoder().decode(content)) as [string, string][]);
	}

	#remember(hashes: ReadonlyMap<string, string>): void {
		if (!this.#path) return;
		const text = JSON.stringify([...hashes].slice(-MOST_REMEMBERED));
		try {
			writeSealedFile(this.#path, new TextEncoder().encode(text));
		} catch {
			// The next opening takes a little longer, that is all.
		}
	}
}

async function hashOf(file: FileBytes): Promise<string> {
	const hash = createHash('sha256');
	const handle = await open(file.path);
	try {
		const room = Buffer.allocUnsafe(PART_BYTES);
		for (;;) {
			const { bytesRead } = await handle.read(room, 0, PART_BYTES);
			if (bytesRead === 0) break;
			hash.update(room.subarray(0, bytesRead));
		}
	} finally {
		await handle.close();
	}
	file.read(0, 0); // fails where it is another file by now
	return hash.digest('hex');
}
