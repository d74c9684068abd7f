import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { systemError } from '../domain/errors.ts';

/** What `path` holds where it holds what `schema` wants; null for everything else: a lost comfort, not an error. */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
	try {
		const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
		return parsed.success ? parsed.data : null;
	} catch {
		return null;
	}
}

/** Writes `value` wholly or not at all; its folder is made. Throws what a full or closed disk means to a person. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
	await writeFileWhole(path, `${JSON.stringify(value, null, '\t')}\n`);
}

/** Puts `content` where `path` is, in one step. */
export async function writeFileWhole(path: string, content: string | Uint8Array): Promise<void> {
	const fresh = `${path}.${randomBytes(4).toString('hex')}.new`;
	try {
		await mkdir(dirname(path), { recursive: true });
		const handle = await open(fresh, 'wx', 0o600);
		try {
			await handle.writeFile(content);
			await handle.sync();
		} finally {
			await handle.close();
		}
		await rename(fresh, path);
	} catch (error) {
		await rm(fresh, { force: true }).catch(() => undefined); // the first error is the one to tell
		throw systemError(error) ?? error;
	}
}
