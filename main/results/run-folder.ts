import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { systemError, UserFacingError } from '../domain/errors.ts';
import type { StreamName } from './columns.ts';

/** What lies in a run's folder. */
export const RUN_FILES = {
	header: 'run.json',
	status: 'status.json',
	events: 'events.jsonl',
	commits: 'commits.jsonl',
	snapshots: ['state-a.safetensors', 'state-b.safetensors'],
	columns: 'columns.safetensors',
	tracks: 'tracks.safetensors',
} as const;

export function streamFile(stream: StreamName): string {
	return `${stream}.arrow`;
}

/** Writes `folder/name` completely or not at all: written beside it, flushed to disk, renamed. */
export async function replaceFile(
	folder: string,
	name: string,
	bytes: Uint8Array | readonly Uint8Array[],
): Promise<void> {
	const path = join(folder, name);
	await onDisk(path, async () => {
		const fresh = `${path}.new`;
		await rm(fresh, { force: true }); // what a fault left, or a link that leads elsewhere
		const handle = await open(fresh, 'wx');
		try {
			let position = 0;
			for (const part of bytes instanceof Uint8Array ? [bytes] : bytes) {
				await writeFully(handle, part, position);
				position += part.length;
			}
			await handle.sync();
		} finally {
			await handle.close();
		}
		await rename(fresh, path);
	});
}

/** Writes all of `bytes` at `position`; a partial write is repeated, and then fails with the reason. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
	let done = 0;
	while (done < bytes.length) {
		const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
		done += bytesWritten;
	}
}

/** Runs `work` on the file at `path`; turns system errors that a person can fix into UserFacingErrors. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		throw systemError(error, path) ?? error;
	}
}

/** The text of a run's file; null where it does not exist. */
export async function readText(folder: string, name: string): Promise<string | null> {
	return (await readBytes(folder, name))?.toString('utf8') ?? null;
}

/** What a run's file holds; null where it does not exist. */
export async function readBytes(folder: string, name: string): Promise<Buffer | null> {
	try {
		return await readFile(join(folder, name));
	} catch (error) {
		if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code)))
			return null;
		throw unreadable(join(folder, name), 'a readable file was expected', error);
	}
}

export function unreadable(place: string, problem: string, cause?: unknown): UserFacingError {
	return new UserFacingError('run-unreadable', `${place}: ${problem}.`, cause === undefined ? {} : { cause });
}
