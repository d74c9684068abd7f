import { readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemError, UserFacingError } from '../domain/errors.ts';
import { makeFolder } from '../process/make-folder.ts';
import { shortName } from '../process/short-name.ts';

/**
 * Lets `write` make a file in a separate folder beside `out`, then renames it to `out` in one step. If `write` fails,
 * the folder is removed with those that were made for it, and an older `out` is left unchanged. Refuses to overwrite one of `sources` (the videos it is
 * made from), whatever path they are given by.
 */
export async function writePartialFirst(
	out: string,
	sources: readonly string[],
	write: (partialPath: string) => Promise<void>,
): Promise<void> {
	const target = resolve(out);
	await refuseSources(target, sources);
	await removeLeftovers(dirname(target), basename(target));
	const folder = partialFolder(target, process.pid);
	let made: string | null = null;
	try {
		made = makeFolder(dirname(target));
		makeFolder(folder);
		const partial = join(folder, basename(target));
		await write(partial);
		await rename(partial, target);
	} catch (error) {
		const meaning = namedBy(target, folder, error);
		await removePartial(target, process.pid);
		if (made !== null) await removeEmpty(dirname(target), made);
		throw meaning;
	}
	await removePartial(target, process.pid);
}

/** Removes a folder and those above it, up to `outermost`, as far as they hold nothing. Never fails. */
async function removeEmpty(folder: string, outermost: string): Promise<void> {
	for (let at = folder; at.length >= outermost.length; at = dirname(at))
		await rmdir(at).catch(() => undefined);
}

/** Removes what an export to `out` left behind when its process `pid` was killed. Never fails. */
export async function removePartial(out: string, pid: number): Promise<void> {
	// On Windows a file stays locked for a moment after the program that wrote it has ended.
	const options = { recursive: true, force: true, maxRetries: 10 };
	await rm(partialFolder(resolve(out), pid), options).catch(() => undefined);
}

/**
 * Removes from a folder what exports left behind that were killed together with whoever started them; `name`: only of the file
 * of that name. What a living process writes stays. Never fails.
 */
export async function removeLeftovers(folder: string, name: string | null = null): Promise<void> {
	const entries = await readdir(folder).catch(() => []);
	for (const entry of entries) {
		const pid = Number(/^\..+\.(\d+)\.partial$/.exec(entry)?.[1] ?? Number.NaN);
		if (Number.isNaN(pid) || isAlive(pid)) continue;
		const ours = name === null || entry === basename(partialFolder(join(folder, name), pid));
		if (ours) await rm(join(folder, entry), { recursive: true, force: true }).catch(() => undefined);
	}
}

function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch (error) {
		return error instanceof Error && 'code' in error && error.code === 'EPERM'; // somebody else's
	}
}

function partialFolder(target: string, pid: number): string {
	return join(dirname(target), shortName(`.${basename(target)}`, `.${pid}.partial`));
}

/** Writes text as it comes, in constant memory. */
export async function writeText(
	path: string,
	chunks: Iterable<string> | AsyncIterable<string>,
	signal: AbortSignal | undefined,
): Promise<void> {
	await pipeline(Readable.from(inBlocks(chunks)), createWriteStream(path), signal ? { signal } : {});
}

const BLOCK_CHARACTERS = 1 << 16;

/** Joins small pieces to blocks, because a stream has a cost per piece. Lets other work run between blocks. */
async function* inBlocks(chunks: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
	let block = '';
	for await (const chunk of chunks) {
		block += chunk;
		if (block.length < BLOCK_CHARACTERS) continue;
		yield block;
		block = '';
		await new Promise(setImmediate);
	}
	if (block !== '') yield block;
}

async function refuseSources(target: string, sources: readonly string[]): Promise<void> {
	const there = await stat(target).catch(() => null);
	if (!there) return;
	if (there.isDirectory()) {
		throw new UserFacingError('output-not-writable', `${target}: a file name was expected (got a folder).`);
	}
	for (const source of sources) {
		const original = await stat(source).catch(() => null);
		if (original && original.ino === there.ino && original.dev === there.dev) {
			throw new UserFacingError(
				'bad-argument',
				`${target}: this is the source video, which is never overwritten.`,
				{
					remedy: 'Choose another name for the export.',
				},
			);
		}
	}
}

export function exportCancelled(target: string): UserFacingError {
	return new UserFacingError('cancelled', `${target}: the export was cancelled; nothing was left behind.`);
}

/** The error as a UserFacingError about the file that the user named, not about the folder beside it. */
function namedBy(target: string, folder: string, error: unknown): unknown {
	const meaning = meaningOf(error, target);
	if (meaning instanceof Error) {
		const partial = join(folder, basename(target));
		meaning.message = meaning.message.replaceAll(partial, target).replaceAll(folder, target);
	}
	return meaning;
}

function meaningOf(error: unknown, target: string): unknown {
	if (error instanceof UserFacingError) return error;
	if (error instanceof Error && error.name === 'AbortError') return exportCancelled(target);
	return systemError(error, target) ?? error;
}
