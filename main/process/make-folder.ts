import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemError, UserFacingError } from '../domain/errors.ts';

/**
 * Makes the folder and its parents; an existing one is left as it is. Returns the outermost one that it made, or null. Throws `output-not-writable` if a file is in the
 * way or the file system takes no folders. (Node's own recursive mkdir never returns from the latter, for instance in
 * procfs.)
 */
export function makeFolder(folder: string): string | null {
	try {
		return makeEach(folder);
	} catch (error) {
		if (codeOf(error) === 'ENOENT') throw notWritable(folder, 'no folder can be made there', error);
		throw systemError(error) ?? notWritable(folder, 'a file is in its way', error);
	}
}

function makeEach(folder: string): string | null {
	try {
		mkdirSync(folder);
		return folder;
	} catch (error) {
		if (isFolder(folder)) return null;
		const parent = dirname(folder);
		if (codeOf(error) !== 'ENOENT' || parent === folder || isFolder(parent)) throw error;
		const outermost = makeEach(parent);
		const innermost = makeEach(folder);
		return outermost ?? innermost;
	}
}

function isFolder(path: string): boolean {
	try {
		return statSync(path).isDirectory();
	} catch {
		return false;
	}
}

function codeOf(error: unknown): unknown {
	return error instanceof Error && 'code' in error ? error.code : null;
}

function notWritable(folder: string, problem: string, cause: unknown): UserFacingError {
	return new UserFacingError('output-not-writable', `${folder}: a folder was expected (${problem}).`, {
		remedy: 'Choose another folder.',
		cause,
	});
}
