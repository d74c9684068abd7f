import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installationFolder } from './installation.ts';

let place: string;
beforeEach(() => (place = mkdtempSync(join(tmpdir(), 'sparsight-installation-'))));
afterEach(() => rmSync(place, { recursive: true }));

function put(...paths: string[]): void {
	for (const path of paths) {
		mkdirSync(join(place, dirname(path)), { recursive: true });
		writeFileSync(join(place, path), '');
	}
}

describe('installationFolder', () => {
	it.each([
		['sources', ['package.json', 'models/README.md'], 'main/models'],
		['a build', ['package.json', 'models/README.md'], 'out/main/chunks'],
		[
			'code beside the archive of a package',
			['app.asar', 'models/README.md', 'app.asar.unpacked/out/main/worker.js'],
			'app.asar.unpacked/out/main',
		],
		[
			'code inside the archive, which looks like a folder with its own package.json',
			['models/README.md', 'app.asar/package.json', 'app.asar/out/main/index.js'],
			'app.asar/out/main/chunks',
		],
	])('is found from %s', (_, files, start) => {
		put(...files);
		expect(installationFolder(join(place, start))).toBe(place);
	});

	it('is none where nothing lies beside the models', () => {
		put('models/README.md');
		expect(() => installationFolder(join(place, 'out'))).toThrow(/No installation around/);
	});
});
