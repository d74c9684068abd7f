import { readFileSync } from 'node:fs';
import { markedEncoding } from '../../domain/byte-order-mark.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { truthUnreadable } from './ground-truth.ts';

/**
 * The text of a file: UTF-8, UTF-16 of both orders (by its byte order mark, or by the zeros of its first characters), or the
 * encoding that an XML declaration names. Without the byte order mark. Throws `truth-unreadable` or `file-not-found`.
 */
export function readText(path: string): string {
	const bytes = readBytes(path);
	const encoding = encodingOf(bytes);
	try {
		return new TextDecoder(encoding, { fatal: true }).decode(bytes);
	} catch {
		throw truthUnreadable(path, 'text in UTF-8 or UTF-16', `bytes that are no ${encoding.toUpperCase()}`);
	}
}

function readBytes(path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (error) {
		const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
		if (code === 'ENOENT') {
			throw new UserFacingError('file-not-found', `${path}: no such file.`, { cause: error });
		}
		throw new UserFacingError('truth-unreadable', `${path}: a readable file was expected (got ${code}).`, {
			cause: error,
		});
	}
}

function encodingOf(bytes: Buffer): string {
	const marked = markedEncoding(bytes);
	if (marked !== 'utf-8') return marked;
	const [first, second] = bytes;
	// Digits, brackets and tags are ASCII: in UTF-16, every other byte of theirs is zero.
	if (first !== 0 && second === 0) return 'utf-16le';
	if (first === 0 && second !== 0 && bytes.length > 1) return 'utf-16be';
	return (
		/^<\?xml[^>]*\sencoding\s*=\s*["']([\w.-]+)["']/.exec(bytes.toString('latin1', 0, 200))?.[1] ?? 'utf-8'
	);
}
