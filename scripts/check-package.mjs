// npm run check:package: packs the application and proves, with plain Node, that what has to work outside of the archive
// works from its final place. Needs no network: a few empty files stand for Electron, which is not started.
import { fork, spawnSync } from 'node:child_process';
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { runnerImport } from 'vite';
import { ensureFfmpeg, fail, root } from './prepare.mjs';
import { bundled } from './make-licences.mjs';
import { makePackage } from './package.mjs';

if (process.platform !== 'linux' || process.arch !== 'x64')
	fail('The check knows the layout of Linux on x64 only.');

/** The fuses in a binary of Electron: this text, a version, their number, one character each. */
const FUSE_MARK = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
/** Off (0) or on (1) as electron-builder.yml asks, in the order of Electron's fuses; `.` is left as it comes. */
const WANTED_FUSES = /^010011.0/;
const FRAMES = 10;
/** Programs that are started from a file of their own. */
const OUTSIDE = ['worker', 'export-worker', 'probe-worker', 'frame-thread', 'provider-probe'];
/** Ids of the export formats. */
const FORMATS = ['video', 'still', 'report', 'csv', 'jsonl', 'coco', 'mot', 'yolo', 'arrow'];
/** `from 'x'`, `import 'x'`, `import('x')`, where a statement may stand. */
const IMPORT = /^(?:import|export)\b[^'"\n]*["']([^"'\n]+)["'];?$|\bimport\(["']([^"'\n]+)["']\)/gm;

/** @typedef {Map<string, () => Buffer>} Archive */
/** @typedef {{ files?: Record<string, Entry>; unpacked?: boolean; offset?: string; size?: number }} Entry */

const place = mkdtempSync(join(tmpdir(), 'sparsight-package-'));
process.on('exit', () => rmSync(place, { recursive: true, force: true }));
/** @type {string[]} */
const failures = [];
ensureFfmpeg();
const status = await makePackage([
	...['--dir', '--linux', '--x64'],
	`-c.electronDist=${electronStub(join(place, 'electron'))}`,
	`-c.directories.output=${join(place, 'dist')}`,
]);
if (status !== 0) fail(`electron-builder ended with exit code ${status}.`);
await inspect(join(place, 'dist', 'linux-unpacked'));

console.log(failures.length === 0 ? '\nThe package is sound.' : `\nFailed: ${failures.join('; ')}.`);
console.log(
	'Not tested: Electron itself, its reading of the archive, the formats AppImage, deb, NSIS and dmg, signatures.',
);
process.exit(failures.length === 0 ? 0 : 1);

/** @param {string} folder */
async function inspect(folder) {
	const { module: source } = await runnerImport(join(root, 'main/families/source.ts'));
	const { isModelFolder } = source;
	const resources = join(folder, 'resources');
	const unpacked = join(resources, 'app.asar.unpacked');
	const archive = readArchive(join(resources, 'app.asar'));

	check('the archive holds program, preload and page', () => {
		const wanted = ['package.json', 'out/main/index.js', 'out/preload/index.cjs', 'out/renderer/index.html'];
		return missing(wanted, (path) => archive.has(path));
	});
	check('the archive holds nothing else of this folder', () => {
		const others = [...archive.keys()].filter((path) => !/^(package\.json$|out\/|node_modules\/)/.test(path));
		return others.slice(0, 3).map((path) => `${path} is there`);
	});
	check('every package that the program imports is there', () => {
		const names = packagesReached(archive);
		const unread = missing(['electron', 'electron-updater', 'onnxruntime-node'], (name) => names.has(name));
		names.delete('electron');
		return unread.concat(missing([...names], (name) => archive.has(`node_modules/${name}/package.json`)));
	});
	await checkLater('every module of the program loads, with all that it imports', () => loadAll(archive));
	check('every model lies beside the archive, as what the program takes for a model', () =>
		missing(foldersOf(join(root, 'models')), (model) => {
			const folder = join(resources, 'models', model);
			return existsSync(folder) && isModelFolder(readdirSync(folder));
		}),
	);
	check('the catalogue of models lies beside the archive', () =>
		missing(['models/catalog.json'], (path) => existsSync(join(resources, path))),
	);
	check('samples and licences lie beside the archive', () =>
		missing(['assets/samples/plaza.mp4', 'LICENSE', 'NOTICE', 'THIRD-PARTY-LICENCES.txt'], (path) =>
			existsSync(join(resources, path)),
		),
	);
	check('the licences name what is inside', () => {
		const text = readFileSync(join(resources, 'THIRD-PARTY-LICENCES.txt'), 'utf8');
		const names = [...archive.keys()].flatMap(
			(path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(path)?.[1] ?? [],
		);
		const known = ['svelte', 'mediabunny', ...names];
		return missing(known, (name) => text.includes(`\n${name} `));
	});
	check('the bill of materials names what is inside, what is bundled, Electron, and nothing else', () => {
		const { components } = JSON.parse(readFileSync(join(resources, 'sbom.cdx.json'), 'utf8'));
		const listed = new Set(
			components.map((/** @type {{ name: string; version: string }} */ one) => `${one.name} ${one.version}`),
		);
		const inside = new Set(bundled().map(({ name, version }) => `${name} ${version}`));
		for (const [path, read] of archive) {
			if (!/^(.*\/)?node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path)) continue;
			const { name, version } = JSON.parse(read().toString());
			inside.add(`${name} ${version}`);
		}
		const more = [...listed].filter((one) => !inside.has(one) && !one.startsWith('electron '));
		return missing([...inside], (one) => listed.has(one)).concat(more.map((one) => `${one} is not inside`));
	});
	check('binaries of other systems are left out', () => {
		const foreign = filesUnder(folder).filter((path) =>
			/napi-v6.(darwin|win32|linux.arm64)|canvas-(darwin|win32|android)|\.(dll|dylib)$/.test(path),
		);
		return foreign.map((path) => `${path} is there`);
	});
	check('the fuses are set', () => {
		const binary = readFileSync(join(folder, 'sparsight'), 'latin1');
		const states = binary.slice(binary.indexOf(FUSE_MARK) + FUSE_MARK.length + 2);
		return WANTED_FUSES.test(states) ? [] : [`they are ${states.slice(0, 9)}`];
	});
	await checkLater('the probe of execution providers finds the processor at work from its final place', () =>
		probeProvider(unpacked, resources),
	);
	await checkLater(`the worker analyses ${FRAMES} frames of the sample from its final place`, () =>
		analyse(unpacked, resources),
	);
	for (const format of FORMATS) {
		await checkLater(`the exporter writes that run from its final place: ${format}`, () =>
			exportRun(unpacked, resources, format),
		);
	}

	console.log('\nSizes, without Electron:');
	/** @type {[name: string, path: string][]} */
	const parts = [
		['archive', join(resources, 'app.asar')],
		['beside the archive', unpacked],
		['the runtime of it', join(unpacked, 'node_modules', 'onnxruntime-node')],
		['the canvas of it', join(unpacked, 'node_modules', '@napi-rs')],
		['models', join(resources, 'models')],
		['samples', join(resources, 'assets')],
		['resources in all', resources],
	];
	for (const [name, path] of parts) {
		console.log(`  ${name.padEnd(20)} ${(sizeOf(path) / 1e6).toFixed(1).padStart(7)} MB`);
	}
}

/**
 * Makes what electron-builder expects in Electron's folder; the program has fuses as Electron ships them.
 * @param {string} folder
 */
function electronStub(folder) {
	const fuses = `${FUSE_MARK}\u0001\u0009101100100`;
	const files = {
		electron: fuses,
		LICENSE: '',
		'LICENSES.chromium.html': '',
		version: '',
		'resources/.keep': '',
	};
	const locales = Object.fromEntries(['en-US', 'ja', 'de'].map((name) => [`locales/${name}.pak`, '']));
	for (const [path, content] of Object.entries({ ...files, ...locales })) {
		mkdirSync(join(folder, path, '..'), { recursive: true });
		writeFileSync(join(folder, path), content, 'latin1');
	}
	return folder;
}

/**
 * The files of an archive by path, each with a function that reads it. Unpacked ones are included.
 * @param {string} path
 * @returns {Archive}
 */
function readArchive(path) {
	const bytes = readFileSync(path);
	// Two nested lengths of 4 bytes each, twice; then the directory as JSON, padded; then the files.
	const header = JSON.parse(bytes.toString('utf8', 16, 16 + bytes.readUInt32LE(12)));
	const start = 8 + bytes.readUInt32LE(4);
	/** @type {Archive} */
	const files = new Map();
	const visit = (/** @type {Record<string, Entry>} */ entries, /** @type {string} */ prefix) => {
		for (const [name, entry] of Object.entries(entries)) {
			const place = `${prefix}${name}`;
			if (entry.files) visit(entry.files, `${place}/`);
			else if (entry.unpacked) files.set(place, () => readFileSync(join(`${path}.unpacked`, place)));
			else {
				const from = start + Number(entry.offset);
				files.set(place, () => bytes.subarray(from, from + (entry.size ?? 0)));
			}
		}
	};
	visit(header.files, '');
	return files;
}

/**
 * Names of the packages that modules of the archive import, themselves or through others of its modules.
 * @param {Archive} archive
 */
function packagesReached(archive) {
	const names = new Set();
	const seen = new Set(['index', ...OUTSIDE].map((name) => `out/main/${name}.js`));
	for (const path of seen) {
		for (const [, statically, dynamically] of (archive.get(path)?.() ?? '').toString().matchAll(IMPORT)) {
			const wanted = statically ?? dynamically ?? '';
			if (wanted.startsWith('.')) seen.add(posix.join(posix.dirname(path), wanted));
			else if (!wanted.startsWith('node:')) names.add(/^(?:@[^/]+\/)?[^/]+/.exec(wanted)?.[0] ?? wanted);
		}
	}
	return names;
}

/**
 * Loads what the archive holds with plain Node, from a folder, with a stub for `electron`, which no archive holds.
 * @param {Archive} archive
 */
async function loadAll(archive) {
	const folder = join(place, 'extracted');
	const stub = { 'package.json': '{"main": "index.js"}', 'index.js': 'module.exports = {};' };
	const files = [...archive].filter(([path]) => !path.startsWith('out/renderer/'));
	for (const [path, read] of files) write(join(folder, path), read());
	for (const [name, text] of Object.entries(stub))
		write(join(folder, 'node_modules', 'electron', name), text);

	const modules = files.map(([path]) => path).filter((path) => /^out\/main\/chunks\/.*\.js$/.test(path));
	const wanted = [...modules.map((path) => `./${path}`), ...packagesReached(archive)];
	const loader = join(folder, 'load-all.mjs');
	write(loader, `${wanted.map((name) => `await import('${name}');`).join('\n')}\nprocess.exit(0);\n`);
	const { status, stderr } = spawnSync(process.execPath, [loader], {
		encoding: 'utf8',
		env: { PATH: process.env.PATH },
	});
	return status === 0 ? [] : [stderr];
}

/**
 * @param {string} path
 * @param {string | Buffer} content
 */
function write(path, content) {
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, content);
}

/**
 * @param {string} unpacked
 * @param {string} resources
 */
async function probeProvider(unpacked, resources) {
	const { outcome, fault } = await work(unpacked, resources, 'provider-probe', { provider: 'cpu' });
	if (fault) return [fault];
	return outcome.supported.includes('cpu') && outcome.failure === null ? [] : [JSON.stringify(outcome)];
}

/**
 * @param {string} unpacked
 * @param {string} resources
 */
async function analyse(unpacked, resources) {
	const { outcome, fault } = await work(unpacked, resources, 'worker', {
		videoPath: samplePath(resources),
		modelPath: join(resources, 'models', 'lookout'),
		mode: 'token-cache',
		settings: {},
		range: { from: { frame: 0 }, to: { frame: FRAMES - 1 }, every: 1 },
		runFolder: join(place, 'run'),
		start: 'create',
		threads: null,
		maxSide: null,
		scoreThreshold: null,
		wantsFrames: false,
		cacheFolder: join(place, 'cache'),
	});
	if (fault) return [fault];
	return outcome.framesStored === FRAMES ? [] : [`${outcome.framesStored} frames were stored`];
}

/**
 * @param {string} unpacked
 * @param {string} resources
 * @param {string} format
 */
async function exportRun(unpacked, resources, format) {
	const out = join(place, 'exports', format);
	const { fault } = await work(unpacked, resources, 'export-worker', {
		format,
		runs: [{ folder: join(place, 'run'), label: 'run', videoPath: samplePath(resources) }],
		out,
		range: null,
		settings: {},
	});
	if (fault) return [fault];
	return existsSync(out) && statSync(out).size > 0 ? [] : ['the file is missing or empty'];
}

/** @param {string} resources */
function samplePath(resources) {
	return join(resources, 'assets', 'samples', 'plaza.mp4');
}

/**
 * Lets a process do a job from its final place; resolves with its outcome, or with what went wrong.
 * @param {string} unpacked
 * @param {string} resources
 * @param {string} entry
 * @param {object} job
 * @returns {Promise<{ fault: string; outcome?: never } | { outcome: any; fault?: never }>}
 */
function work(unpacked, resources, entry, job) {
	const child = fork(join(unpacked, 'out', 'main', `${entry}.js`), [], {
		serialization: 'advanced',
		cwd: resources,
		env: { ...process.env, NODE_PATH: '' },
	});
	child.send({ sparsightProtocol: 1, message: { type: 'start', job } });
	return new Promise((resolve) => {
		child.on('message', (report) => {
			const { message } = /** @type {{ message: any }} */ (report);
			if (message.type === 'failed') resolve({ fault: message.error.stack ?? message.error.message });
			if (message.type === 'finished') resolve({ outcome: message.outcome });
		});
		child.on('exit', (code) => resolve({ fault: `the process ended with exit code ${code}` }));
	});
}

/**
 * @param {string} promise
 * @param {() => string[]} faultsOf
 */
function check(promise, faultsOf) {
	report(promise, faultsOf());
}

/**
 * @param {string} promise
 * @param {() => Promise<string[]>} faultsOf
 */
async function checkLater(promise, faultsOf) {
	report(promise, await faultsOf().catch((error) => [error.stack]));
}

/**
 * @param {string} promise
 * @param {string[]} faults
 */
function report(promise, faults) {
	console.log(
		`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${promise}${faults.map((fault) => `\n     ${fault}`).join('')}`,
	);
	if (faults.length > 0) failures.push(promise);
}

/**
 * @param {readonly string[]} wanted
 * @param {(one: string) => boolean} isThere
 */
function missing(wanted, isThere) {
	return wanted.filter((one) => !isThere(one)).map((one) => `${one} is missing`);
}

/** @param {string} folder */
function foldersOf(folder) {
	return readdirSync(folder, { withFileTypes: true })
		.filter((entry) => entry.isDirectory())
		.map(({ name }) => name);
}

/** @param {string} folder */
function filesUnder(folder) {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name));
}

/** @param {string} path */
function sizeOf(path) {
	const found = statSync(path);
	if (!found.isDirectory()) return found.size;
	return filesUnder(path).reduce((sum, file) => sum + statSync(file).size, 0);
}
