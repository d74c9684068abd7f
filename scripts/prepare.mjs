// Provides what scripts need: installed packages, ffmpeg, an up-to-date build. Uses nothing but Node itself.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';

export const root = join(import.meta.dirname, '..');

/** Files and folders that the build is made from. */
export const BUILD_INPUTS = [
	'main',
	'preload',
	'renderer',
	'bench',
	'torture',
	'build',
	'electron.vite.config.ts',
	'package.json',
	'package-lock.json',
];
const BUILD_STAMP = join(root, 'out', 'sources.sha256');

/**
 * Ends the script with a sentence instead of a stack trace.
 * @param {string} sentence
 * @returns {never}
 */
export function fail(sentence) {
	console.error(sentence);
	process.exit(1);
}

/**
 * Runs a program, in the project's folder if no other is given, with its output on ours; returns its exit code.
 * @param {string} program
 * @param {readonly string[]} words
 */
export function run(program, words, environment = {}, cwd = root) {
	const { status, error } = spawnSync(program, words, {
		cwd,
		stdio: 'inherit',
		env: { ...process.env, ...environment },
		shell: process.platform === 'win32', // npm is a .cmd there
	});
	if (error) console.error(`${program} could not be started: ${error.message}`);
	return status ?? 1;
}

/**
 * Runs the built web host until it ends; returns its exit code.
 * @param {readonly string[]} words
 */
export function runWebHost(words) {
	const entry = join(root, 'out', 'main', 'web-host.js');
	// npm changes to the project's folder, but paths are relative to where the user is.
	const cwd = process.env.INIT_CWD ?? process.cwd();
	return exitCodeOf(spawn(process.execPath, [entry, ...words], { stdio: 'inherit', cwd }));
}

/** What started this script: npm's shell, which passes no SIGTERM on when it is ended by one. */
const startedBy = process.ppid;
const PARENT_CHECK_MS = 500;

/**
 * Ends with the child: Ctrl+C reaches both, and the child ends in order, as it does when whatever started this script has ended.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number>}
 */
export function exitCodeOf(child) {
	for (const signal of ['SIGINT', 'SIGTERM']) {
		process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
	}
	const watch = setInterval(() => {
		if (process.ppid === startedBy) return;
		clearInterval(watch); // a second signal would not let the child end in order
		child.kill('SIGTERM');
	}, PARENT_CHECK_MS).unref();
	return new Promise((resolve) => {
		child.on('error', (error) => {
			console.error(`${child.spawnfile} could not be started: ${error.message}`);
			resolve(1);
		});
		child.on('exit', (code) => resolve(code ?? 1));
	});
}

/**
 * Like `run` for a program that an installed package brings: `typescript` brings `tsc`.
 * @param {string} name
 * @param {readonly string[]} words
 */
export function runPackage(name, words, program = name) {
	return run(process.execPath, [programOf(name, program), ...words]);
}

/**
 * Like `runPackage`, beside others: gives what it printed with its exit code.
 * @param {string} name
 * @param {readonly string[]} words
 * @returns {Promise<{ status: number; printed: string }>}
 */
export function collectPackage(name, words, program = name) {
	const child = spawn(process.execPath, [programOf(name, program), ...words], {
		cwd: root,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let printed = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (text) => (printed += text));
	}
	return new Promise((resolve) => {
		child.on('error', ({ message }) => resolve({ status: 1, printed: `${name}: ${message}` }));
		child.on('close', (code) => resolve({ status: code ?? 1, printed }));
	});
}

/**
 * The file of a program that an installed package brings.
 * @param {string} name
 * @param {string} program
 */
function programOf(name, program) {
	const folder = join(root, 'node_modules', name);
	if (!existsSync(folder)) fail(`The package ${name} is not installed: run "npm ci".`);
	const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
	return join(folder, typeof bin === 'string' ? bin : bin[program]);
}

/** Installs the packages of the lock file if they are missing or have other versions. */
export function ensurePackages() {
	requireNode();
	const missing = missingPackages();
	if (missing.length === 0) return;
	console.error(`Installing packages (${missing.length} are missing or of another version) …`);
	if (run('npm', ['ci', '--no-audit', '--no-fund']) === 0 || installLoosely()) return;
	fail('Installing the packages failed: npm says why above. A way to the npm registry is needed once.');
}

/** "npm ci" refuses a lock file that lacks packages for other systems; "npm install" uses the versions it has. */
function installLoosely() {
	const lockPath = join(root, 'package-lock.json');
	const lock = readFileSync(lockPath);
	console.error('Trying "npm install" instead ("npm run lock" mends an incomplete lock file) …');
	const status = run('npm', ['install', '--no-audit', '--no-fund']);
	writeFileSync(lockPath, lock);
	return status === 0;
}

function requireNode() {
	const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	const [major, minor] = engines.node.replace('>=', '').split('.').map(Number);
	const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
	if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
		fail(`Node ${engines.node} is needed (this is ${process.versions.node}).`);
	}
}

/** npm keeps a lock file of what is really installed, in which optional packages may be missing. */
function missingPackages() {
	const wanted = packagesOf(join(root, 'package-lock.json'));
	const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
	return Object.entries(wanted)
		.filter(([path, { optional, link }]) => path !== '' && !optional && !link)
		.filter(([path, { version }]) => installed[path]?.version !== version)
		.map(([path]) => path);
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string; optional?: boolean; link?: boolean }>}
 */
function packagesOf(path) {
	return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {};
}

/** Looks where the program looks; as root on Debian, installs the distribution's package. */
export function ensureFfmpeg() {
	if (findFfmpeg()) return;
	if (process.platform === 'linux' && process.getuid?.() === 0 && works('apt-get', '--version')) {
		console.error('Installing ffmpeg …');
		installDebianPackages(['ffmpeg']);
		if (findFfmpeg()) return;
	}
	fail(
		'ffmpeg is missing: install it ("sudo apt install ffmpeg", "brew install ffmpeg"), or set SPARSIGHT_FFMPEG.',
	);
}

/**
 * As root on Debian.
 * @param {readonly string[]} names
 */
function installDebianPackages(names) {
	const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
	if (run('apt-get', ['update', '-qq'], quiet) !== 0) return false;
	return run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], quiet) === 0;
}

function findFfmpeg() {
	if (process.env.SPARSIGHT_FFMPEG) return works(process.env.SPARSIGHT_FFMPEG);
	const packaged = join(root, 'node_modules', 'ffmpeg-static', 'ffmpeg');
	return works(packaged) || works(`${packaged}.exe`) || works('ffmpeg');
}

/** @param {string} program */
function works(program, word = '-version') {
	return spawnSync(program, [word], { stdio: 'ignore' }).status === 0;
}

export function ensureBuild() {
	if (buildIfStale() !== 0) fail('The build failed: the reason stands above.');
}

/** Builds if the sources have changed since the last build; returns the exit code. */
export function buildIfStale() {
	if (existsSync(BUILD_STAMP) && readFileSync(BUILD_STAMP, 'utf8') === hashSources()) return 0;
	console.error('Building …');
	return build();
}

/** Builds and stores a hash of the sources; returns the exit code. */
export function build() {
	const sources = hashSources();
	const status = runPackage('electron-vite', ['build', '--logLevel', 'warn']);
	if (status === 0) writeFileSync(BUILD_STAMP, sources);
	return status;
}

function hashSources() {
	const hash = createHash('sha256');
	for (const path of BUILD_INPUTS.flatMap(filesUnder)) {
		hash.update(`${path}\0`).update(readFileSync(join(root, path)));
	}
	return hash.digest('hex');
}

/**
 * The files at or below a path of the project, sorted, without tests.
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(path) {
	const found = statSync(join(root, path), { throwIfNoEntry: false });
	if (!found) return [];
	if (!found.isDirectory()) return path.endsWith('.test.ts') ? [] : [path];
	return readdirSync(join(root, path))
		.sort()
		.flatMap((name) => filesUnder(`${path}/${name}`));
}
