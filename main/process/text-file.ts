import { readFile } from 'node:fs/promises';
import { markedEncoding } from '../domain/byte-order-mark.ts';
import { type ErrorCode, systemError, UserFacingError } from '../domain/errors.ts';

/**
 * The text of a file that a person wrote or saved: UTF-8, or UTF-16 with a byte order mark, as editors on Windows leave it; without
 * that mark. Throws `file-not-found`, and `code` for a folder, and for what cannot be read or is no text.
 */
export async function readTextFile(path: string, code: ErrorCode): Promise<string> {
	const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
		if (cause.code === 'ENOENT') throw systemError(cause, path) ?? cause;
		const got = cause.code === 'EISDIR' ? 'a folder' : cause.code;
		throw new UserFacingError(code, `${path}: a readable file was expected (got ${got}).`, { cause });
	});
	const encoding = markedEncoding(bytes);
	try {
		return new TextDecoder(encoding, { fatal: true }).decode(bytes);
	} catch (cause) {
		const got = `bytes that are no ${encoding.toUpperCase()}`;
		throw new UserFacingError(code, `${path}: text in UTF-8 or UTF-16 was expected (got ${got}).`, { cause });
	}
}
