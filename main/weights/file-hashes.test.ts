import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FileBytes } from './byte-source.ts';
import { FileHashes } from './file-hashes.ts';

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-hashes-'));
	path = join(folder, 'weights');
	writeFileSync(path, 'some weights');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The hash of the file as it is now, and whether it was read for it. */
async function hashNow(cache: string | null = folder): Promise<{ hash: string; isRead: boolean }> {
	const file = new FileBytes(path);
	const read = vi.spyOn(file, 'read');
	const hash = await new FileHashes(cache).sha256(file);
	return { hash, isRead: read.mock.calls.length > 0 };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

it('reads a file once', async () => {
	expect(await hashNow()).toEqual({ hash: sha256('some weights'), isRead: true });
	expect(await hashNow()).toEqual({ hash: sha256('some weights'), isRead: false });
});

it('remembers nothing without a folder', async () => {
	await hashNow(null);
	expect(await hashNow(null)).toEqual({ hash: sha256('some weights'), isRead: true });
});

it('reads a file again that was written anew, though its size and its time are the same', async () => {
	await hashNow();
	const then = new Date(2020, 1, 1);
	utimesSync(path, then, then);
	await hashNow();
	writeFileSync(path, 'SOME weights');
	utimesSync(path, then, then);
	expect(await hashNow()).toEqual({ hash: sha256('SOME weights'), isRead: true });
});

it('reads the file again where what was remembered is damaged', async () => {
	await hashNow();
	writeFileSync(join(folder, 'hashes.json'), '[["');
	expect(await hashNow()).toEqual({ hash: sha256('some weights'), isRead: true });
	expect((await hashNow()).isRead).toBe(false);
});

it('goes on without a place to remember in', async () => {
	expect(await hashNow(join(path, 'below a file'))).toEqual({ hash: sha256('some weights'), isRead: true });
});
