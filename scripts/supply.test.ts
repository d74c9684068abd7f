import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundled, makeLicences, shipped } from './make-licences.mjs';
import { makeSbom } from './make-sbom.mjs';
import { root } from './prepare.mjs';

type Manifest = Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string>>;
type Locked = { version: string; hasInstallScript?: boolean };

const manifest = read<Manifest>('package.json');
const { packages } = read<{ packages: Record<string, Locked> }>('package-lock.json');

function read<T>(path: string): T {
	return JSON.parse(readFileSync(join(root, path), 'utf8')) as T;
}

/** Packages that run a program of their own when they are installed, and why that is let be. */
const INSTALL_SCRIPTS = {
	'electron-winstaller': 'copies its 7-Zip for this processor; only electron-builder uses it, on Windows',
	'ffmpeg-static': 'downloads an ffmpeg from its releases; optional, and the system’s own does as well',
	'msgpackr-extract': 'looks for its native part, or builds it; optional, and msgpackr does without it',
	'onnxruntime-node': 'would download the parts for CUDA; .npmrc tells it to skip that',
	protobufjs: 'prints a remark on its version',
};

describe('what is installed', () => {
	it('runs these scripts and no others: a new one is read before it is listed', () => {
		const names = Object.entries(packages)
			.filter(([, { hasInstallScript }]) => hasInstallScript)
			.map(([path]) => path.replace(/.*node_modules\//, ''));
		expect(names.toSorted()).toEqual(Object.keys(INSTALL_SCRIPTS).toSorted());
		expect(readFileSync(join(root, '.npmrc'), 'utf8')).toContain('onnxruntime-node-install=skip');
	});

	it.each([
		['onnxruntime-node', 'numbers, kernels and speed'],
		['onnx-proto', 'how graphs are written'],
		['@napi-rs/canvas', 'pixels of exported pictures'],
		['apache-arrow', 'files of stored runs'],
		['fluent-ffmpeg', 'the words that ffmpeg is given'],
		['ffmpeg-static', 'decoded pixels and times'],
		['mediabunny', 'numbers of frames in the page'],
		['assemblyscript', 'the code of the pixel kernels'],
		['bullmq', 'what a queue of jobs promises'],
		['ioredis', 'how a lost connection is waited for'],
		['electron', 'browser, decoders and guards'],
		['electron-updater', 'what is taken for an update'],
		['electron-builder', 'layout, fuses and signatures of packages'],
	])('is of one version where another would behave differently: %s (%s)', (name) => {
		const stated = {
			...manifest.dependencies,
			...manifest.optionalDependencies,
			...manifest.devDependencies,
		};
		expect(stated[name]).toBe(packages[`node_modules/${name}`]?.version);
	});
});

describe('what is shipped', () => {
	let licences: string;
	let bill: string;
	let components: { name: string; version: string; licenses?: unknown[]; hashes?: unknown[] }[];
	beforeAll(() => {
		if (!existsSync(join(root, 'out', 'bundled')))
			throw new Error('Run "npm run build" first, or "npm test".');
		licences = readFileSync(makeLicences(), 'utf8');
		bill = readFileSync(makeSbom(), 'utf8');
		({ components } = JSON.parse(bill) as { components: typeof components });
	});

	it('has its licence in the file that goes with it, with the whole text or its name', () => {
		const all = [...shipped(), ...bundled()];
		expect(all.length).toBeGreaterThan(50);
		for (const { name, version, licence } of all) {
			expect(licences).toContain(`\n${name} ${version}\n`);
			expect(licence, name).not.toBeNull();
		}
	});

	it('is under licences that ask for no more than to be named', () => {
		const stated = new Set([...shipped(), ...bundled()].map(({ licence }) => licence));
		// ffmpeg-static brings a program that is started, and linked with nothing, and a package that says no more than "BSD".
		const known = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MPL-2.0'];
		const others = ['BlueOak-1.0.0', 'OFL-1.1', '(MIT OR CC0-1.0)', 'Python-2.0', 'GPL-3.0-or-later', 'BSD'];
		expect([...stated].filter((one) => !known.concat(others).includes(one ?? ''))).toEqual([]);
	});

	it('is in the bill of materials with its licence and its hash', () => {
		const names = components.map(({ name, version }) => `${name} ${version}`);
		for (const name of ['electron', 'onnxruntime-node', 'svelte', 'mediabunny', 'zod']) {
			expect(names).toContain(`${name} ${packages[`node_modules/${name}`]!.version}`);
		}
		for (const name of ['vitest', 'typescript', 'commander', 'ws']) {
			expect(names.join(' ')).not.toContain(`${name} `);
		}
		for (const { name, licenses, hashes } of components) {
			expect(licenses?.length, name).toBeGreaterThan(0);
			expect(hashes?.length, name).toBeGreaterThan(0);
		}
	});

	it('has the same bill of materials whenever it is made', () => {
		expect(readFileSync(makeSbom(), 'utf8')).toBe(bill);
		expect(bill).not.toMatch(/timestamp|serialNumber/);
	});
});
