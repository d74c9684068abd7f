// npm run lock: after a change of dependencies, restores what npm left out of package-lock.json. Where a registry does
// not serve the binary packages of other systems, npm drops these optional packages from the lock file, and "npm ci"
// then refuses the file everywhere. Their versions are stated by the packages that need them; the system is part of
// their names.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const SYSTEMS = [
	'aix',
	'android',
	'darwin',
	'freebsd',
	'linux',
	'netbsd',
	'openbsd',
	'openharmony',
	'sunos',
	'win32',
];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];
const EXACT_VERSION = /^\d+\.\d+\.\d+\S*$/;

const path = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
let added = 0;
for (const { optionalDependencies = {}, dev } of Object.values(lock.packages)) {
	for (const [name, version] of Object.entries(optionalDependencies)) {
		const place = `node_modules/${name}`;
		if (lock.packages[place] || !EXACT_VERSION.test(version)) continue;
		lock.packages[place] = { version, ...systemOf(name), ...(dev ? { dev } : {}), optional: true };
		added++;
	}
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(sorted);
writeFileSync(path, `${JSON.stringify(lock, null, '\t')}\n`);
console.log(`${added} packages of other systems were added to package-lock.json.`);

/**
 * `@scope/name-linux-arm64-musl` is for Linux on arm64 with musl.
 * @param {string} name
 */
function systemOf(name) {
	const words = name.split(/[-/]/);
	const os = SYSTEMS.filter((system) => words.includes(system));
	const cpu = PROCESSORS.filter((processor) => words.includes(processor));
	if (os.length !== 1 || cpu.length !== 1)
		throw new Error(`${name}: its name was expected to tell its system.`);
	const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : [];
	if (libc.length === 0 && words.some((word) => word.startsWith('gnu'))) libc.push('glibc');
	return { cpu, os, ...(libc.length > 0 ? { libc } : {}) };
}
