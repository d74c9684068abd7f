// Writes out/THIRD-PARTY-LICENCES.txt: the licence of every package that goes into a desktop package, either as a
// part of our bundles or beside them.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from './prepare.mjs';

/**
 * The parts of a package.json about licences, in current and older forms.
 * @typedef {{
 *   name: string,
 *   version: string,
 *   license?: string | { type: string },
 *   licenses?: { type: string }[],
 *   author?: string | { name: string },
 *   dependencies?: Record<string, string>,
 *   optionalDependencies?: Record<string, string>,
 * }} Manifest
 */

/**
 * @typedef {{
 *   name: string,
 *   version: string,
 *   licence: string | null,
 *   author: string | undefined,
 *   texts: string[],
 *   folder: string,
 *   manifest: Manifest,
 * }} Package
 */

const BUNDLES = join(root, 'out', 'bundled');
const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** Writes the file; returns its path. Ends the script if a package states no licence. */
export function makeLicences() {
	const packages = [...new Map([...shipped(), ...bundled()].map((one) => [one.folder, one])).values()];
	packages.sort((a, b) => a.name.localeCompare(b.name, 'en'));
	const unknown = packages.filter(({ licence, texts }) => licence === null && texts.length === 0);
	if (unknown.length > 0) {
		fail(`These packages state no licence: ${unknown.map(({ name }) => name).join(', ')}.`);
	}
	const path = join(root, 'out', 'THIRD-PARTY-LICENCES.txt');
	writeFileSync(path, `${[INTRODUCTION, ...packages.map(section)].join(`\n\n${'='.repeat(80)}\n\n`)}\n`);
	return path;
}

const INTRODUCTION = `What others made and what comes with Sparsight, with the licence of each. Electron's own and
Chromium's stand in LICENSE.electron.txt and LICENSES.chromium.html, further remarks in NOTICE.`;

/** For packages that name this licence without its text. */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** @param {Package} one */
function section({ name, version, licence, author, texts }) {
	const head = [`${name} ${version}`, `Licence: ${licence ?? 'see below'}`, author && `Author: ${author}`];
	const words = texts.length === 0 && licence === 'MIT' ? [MIT] : texts;
	return [head.filter(Boolean).join('\n'), ...words].join('\n\n');
}

/**
 * The program's dependencies and theirs, as far as they are installed, but for those that `isLeftOut` names, and what they alone
 * need.
 * @returns {Iterable<Package>}
 */
export function shipped(/** @type {(name: string) => boolean} */ isLeftOut = () => false) {
	/** @type {Map<string, Package>} */
	const found = new Map();
	const visit = (/** @type {Manifest} */ manifest, /** @type {string} */ from) => {
		for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
			const folder = folderOf(name, from);
			if (folder === null || found.has(folder) || isLeftOut(name)) continue; // optional ones for other systems are missing
			const entry = describe(folder);
			found.set(folder, entry);
			visit(entry.manifest, folder);
		}
	};
	visit(manifestOf(root), root);
	return found.values();
}

/**
 * The packages that the bundler included.
 * @returns {Package[]}
 */
export function bundled() {
	if (!existsSync(BUNDLES)) fail('Nothing tells what was bundled: run "npm run build" first.');
	/** @type {string[]} */
	const names = readdirSync(BUNDLES).flatMap((file) => JSON.parse(readFileSync(join(BUNDLES, file), 'utf8')));
	return names
		.map((name) => folderOf(name, root))
		.filter((folder) => folder !== null)
		.map(describe);
}

/**
 * Finds a package as Node does: here, then further up.
 * @param {string} name
 * @param {string} from
 */
function folderOf(name, from) {
	for (let folder = from; folder.startsWith(root); folder = join(folder, '..')) {
		const candidate = join(folder, 'node_modules', name);
		if (existsSync(join(candidate, 'package.json'))) return candidate;
	}
	return null;
}

/**
 * @param {string} folder
 * @returns {Package}
 */
export function describe(folder) {
	const manifest = manifestOf(folder);
	const { name, version, license, licenses, author } = manifest;
	const texts = readdirSync(folder, { withFileTypes: true })
		.filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
		.map((entry) => readFileSync(join(folder, entry.name), 'utf8').trim());
	const named = texts.some((text) => text.startsWith('MIT License')) ? 'MIT' : null;
	const stated = license ?? licenses?.map(({ type }) => type).join(' or ') ?? named;
	const licence = typeof stated === 'object' && stated !== null ? stated.type : stated;
	return {
		name,
		version,
		licence,
		author: typeof author === 'string' ? author : author?.name,
		texts,
		folder,
		manifest,
	};
}

/**
 * @param {string} folder
 * @returns {Manifest}
 */
function manifestOf(folder) {
	return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
