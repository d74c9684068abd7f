import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileBytes } from './byte-source.ts';

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-bytes-'));
	path = join(folder, 'file');
	writeFileSync(path, Uint8Array.from([1, 2, 3, 4, 5]));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('reads what is asked for', () => {
	const file = new FileBytes(path);
	expect(file.length).toBe(5);
	expect([...file.read(1, 4)]).toEqual([2, 3, 4]);
	expect([...file.read(5, 5)]).toEqual([]);
});

it.each<[string, () => void, string]>([
	['is written anew', () => writeFileSync(path, Uint8Array.from([1, 2, 3, 4, 6])), 'model-unreadable'],
	['grows', () => writeFileSync(path, 'x', { flag: 'a' }), 'model-unreadable'],
	[
		'is replaced by another one',
		() => {
			writeFileSync(`${path}.new`, Uint8Array.from([1, 2, 3, 4, 5]));
			renameSync(`${path}.new`, path);
		},
		'model-unreadable',
	],
	['goes', () => rmSync(path), 'model-not-found'],
])('refuses to mix two files where one %s', (_, change, code) => {
	const file = new FileBytes(path);
	change();
	expect(() => file.read(0, 2)).toThrow(expect.objectContaining({ code }));
});

it.each([
	['no file', () => join(folder, 'none')],
	['a folder', () => folder],
])('says that there is no file of weights at %s', (_, place) => {
	expect(() => new FileBytes(place())).toThrow(expect.objectContaining({ code: 'model-not-found' }));
});
