import { closeSync, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { UserFacingError } from '../domain/errors.ts';

/** Bytes that are read where they are asked for. */
export interface ByteSource {
	readonly length: number;
	/** The bytes `from` to `to`, both inside. They may be a view. */
	read(from: number, to: number): Uint8Array;
}

export function bytesInMemory(bytes: Uint8Array): ByteSource {
	return { length: bytes.length, read: (from, to) => bytes.subarray(from, to) };
}

/** A file that is opened for every read, and must stay the one that it was. */
export class FileBytes implements ByteSource {
	readonly path: string;
	readonly length: number;
	readonly #state: string;

	/** Throws `model-not-found` where there is no such file. */
	constructor(path: string) {
		const found = statSync(path, { bigint: true, throwIfNoEntry: false });
		if (!found?.isFile()) throw new UserFacingError('model-not-found', `${path}: no such file of weights.`);
		this.path = path;
		this.length = Number(found.size);
		this.#state = stateOf(found);
	}

	/** Tells this state of this file from all others. */
	get state(): string {
		return this.#state;
	}

	/** Throws `model-not-found` where the file can't be read, `model-unreadable` where it is another one by now. */
	read(from: number, to: number): Uint8Array {
		const bytes = new Uint8Array(to - from);
		this.#withFile((file) => {
			for (let at = 0; at < bytes.length;) {
				const read = readSync(file, bytes, at, bytes.length - at, from + at);
				if (read === 0) throw this.#changed();
				at += read;
			}
		});
		return bytes;
	}

	#withFile(use: (file: number) => void): void {
		let file: number;
		try {
			file = openSync(this.path, 'r');
		} catch (cause) {
			throw new UserFacingError('model-not-found', `${this.path} cannot be read.`, { cause });
		}
		try {
			if (stateOf(fstatSync(file, { bigint: true })) !== this.#state) throw this.#changed();
			use(file);
		} finally {
			closeSync(file);
		}
	}

	#changed(): UserFacingError {
		return new UserFacingError('model-unreadable', `${this.path} was changed while it was in use.`, {
			remedy: 'Try again when it is complete.',
		});
	}
}

function stateOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
	return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
