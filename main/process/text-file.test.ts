import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readTextFile } from './text-file.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'sparsight-text-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const MARKED = '\uFEFF{"門": 1}';

it.each<[what: string, bytes: Buffer]>([
	['UTF-8', Buffer.from(MARKED.slice(1))],
	['UTF-8 with a byte order mark', Buffer.from(MARKED)],
	['UTF-16', Buffer.from(MARKED, 'utf16le')],
	['UTF-16 in the other order', Buffer.from(MARKED, 'utf16le').swap16()],
])('%s is read, without its mark', async (_, bytes) => {
	const path = join(folder, 'zones.json');
	writeFileSync(path, bytes);
	expect(await readTextFile(path, 'zones-unreadable')).toBe('{"門": 1}');
});

it.each<[what: string, make: (path: string) => unknown, code: string, sentence: RegExp]>([
	['a missing file', () => undefined, 'file-not-found', /: no such file/],
	['a folder', mkdirSync, 'zones-unreadable', /: a readable file was expected \(got a folder\)\.$/],
	[
		'no text',
		(path) => writeFileSync(path, Buffer.of(0xc3, 0x28)),
		'zones-unreadable',
		/\(got bytes that are no UTF-8\)/,
	],
])('%s is refused in a sentence', async (_, make, code, sentence) => {
	const path = join(folder, 'zones.json');
	make(path);
	await expect(readTextFile(path, 'zones-unreadable')).rejects.toMatchObject({
		code,
		message: expect.stringMatching(sentence) as string,
	});
});
