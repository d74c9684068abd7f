// npm run check:reproducible: builds page and program a second time, in another folder, and holds every byte against the
// first build. Whoever has the sources can so tell what a package was made of.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { BUILD_INPUTS, ensureBuild, ensurePackages, root, run } from './prepare.mjs';

ensurePackages();
ensureBuild();
const copy = mkdtempSync(join(tmpdir(), 'sparsight-built-elsewhere-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const path of [...BUILD_INPUTS, 'tsconfig.json']) {
	cpSync(join(root, path), join(copy, path), { recursive: true });
}
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
const program = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
if (run(process.execPath, [program, 'build', '--logLevel', 'error'], {}, copy) !== 0) process.exit(1);

const PARTS = ['main', 'preload', 'renderer'];
const here = hashes(join(root, 'out'));
const there = hashes(join(copy, 'out'));
const names = new Set([...Object.keys(here), ...Object.keys(there)]);
const different = [...names].filter((name) => here[name] !== there[name]).sort();
for (const name of different) console.log(`FAIL ${name}`);
console.log(
	different.length === 0
		? `The same bytes in both builds: ${names.size} files.`
		: `${different.length} of ${names.size} files differ.`,
);
process.exit(different.length === 0 ? 0 : 1);

/**
 * The hash of each built file, by its path.
 * @param {string} out
 * @returns {Record<string, string>}
 */
function hashes(out) {
	return Object.fromEntries(
		PARTS.flatMap((part) => readdirSync(join(out, part), { recursive: true, withFileTypes: true }))
			.filter((entry) => entry.isFile())
			.map((entry) => join(entry.parentPath, entry.name))
			.map((path) => [relative(out, path), createHash('sha256').update(readFileSync(path)).digest('hex')]),
	);
}
