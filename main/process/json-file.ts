import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { systemError } from '../domain/errors.ts';
import { makeFolder } from './make-folder.ts';

/**
 * The contents of `path` if they match `schema`; null for everything else, since such files only hold conveniences.
 */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
	try {
		const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
		return parsed.success ? parsed.data : null;
	} catch {
		return null;
	}
}

/**
 * Writes `value` completely or not at all; makes the folder. Throws a UserFacingError for a full or read-only disk.
 */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
	await writeFileWhole(path, `${JSON.stringify(value, null, '\t')}\n`);
}

/** Replaces the file at `path` by `content` in one step. */
export async function writeFileWhole(path: string, content: string | Uint8Array): Promise<void> {
	const fresh = `${path}.${randomBytes(4).toString('hex')}.new`;
	try {
		makeFolder(dirname(path));
		const handle = await open(fresh, 'wx', 0o600);
		try {
			await handle.writeFile(content);
			await handle.sync();
		} finally {
			await handle.close();
		}
		await rename(fresh, path);
	} catch (error) {
		await rm(fresh, { force: true }).catch(() => undefined); // the first error is the one to report
		throw systemError(error, path) ?? error;
	}
}
