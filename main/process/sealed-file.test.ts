import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isSealedFile, readSealedFile, writeSealedFile } from './sealed-file.ts';

const CONTENT = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251);

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-sealed-'));
	path = join(folder, 'below', 'file');
	writeSealedFile(path, CONTENT);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('begins with its content, gives it back, and leaves nothing beside it', () => {
	expect(readFileSync(path).subarray(0, CONTENT.length).equals(CONTENT)).toBe(true);
	expect(Buffer.from(CONTENT).equals(readSealedFile(path)!)).toBe(true); // toEqual would take half a minute
	expect(isSealedFile(path, CONTENT.length)).toBe(true);
	expect(readdirSync(join(folder, 'below'))).toEqual(['file']);
});

it('may be empty', () => {
	writeSealedFile(path, new Uint8Array(0));
	expect(readSealedFile(path)).toEqual(Buffer.alloc(0));
});

it.each<[string, () => void]>([
	['a flipped bit', () => flip(CONTENT.length >> 1)],
	['a flipped bit of the seal', () => flip(CONTENT.length + 5)],
	['an end that is cut off', () => truncateSync(path, CONTENT.length)],
	['nothing in it', () => truncateSync(path, 0)],
	['more behind it', () => writeFileSync(path, 'x', { flag: 'a' })],
	['nothing at its place', () => rmSync(path)],
])('counts as absent with %s', (_, damage) => {
	damage();
	expect(readSealedFile(path)).toBeNull();
	expect(isSealedFile(path, CONTENT.length)).toBe(false);
});

it('is not what is looked for with another length', () => {
	expect(isSealedFile(path, CONTENT.length - 4)).toBe(false);
});

it('leaves the older one alone where it cannot be written', () => {
	expect(() => writeSealedFile(join(path, 'below a file'), CONTENT)).toThrow();
	expect(isSealedFile(path, CONTENT.length)).toBe(true);
});

function flip(at: number): void {
	const bytes = readFileSync(path);
	bytes[at]! ^= 4;
	writeFileSync(path, bytes);
}
