import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

let root: string;
beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), 'sparsight-folder-'));
});
afterEach(() => {
	rmSync(root, { recursive: true });
});

describe('makeFolder', () => {
	it('makes all folders on the way, and leaves what is there', () => {
		const path = join(root, 'a', 'b', 'c');
		makeFolder(path);
		writeFileSync(join(path, 'kept'), '');
		makeFolder(path);
		expect(statSync(join(path, 'kept')).isFile()).toBe(true);
	});

	it.each([
		['the folder itself', 'file'],
		['one above it', join('file', 'run')],
	])('says that a file stands where %s should be', (_, below) => {
		writeFileSync(join(root, 'file'), '');
		expect(() => makeFolder(join(root, below))).toThrow(
			`${join(root, below)}: a folder was expected (a file is in its way).`,
		);
	});

	it.skipIf(!existsSync('/proc/self'))('comes back from a file system that takes no folders', () => {
		expect(() => makeFolder('/proc/none/run')).toThrow(
			'/proc/none/run: a folder was expected (no folder can be made there).',
		);
	});
});
