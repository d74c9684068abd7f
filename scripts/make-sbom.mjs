// Writes out/sbom.cdx.json: the bill of materials of a desktop package, as CycloneDX. npm makes it of the lock file alone,
// with hashes and licences; here all is left out that is not shipped, and what would differ in each build.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundled, describe, shipped } from './make-licences.mjs';
import { fail, root } from './prepare.mjs';

/**
 * @typedef {{ 'bom-ref': string; licenses?: object[] }} Component
 * @typedef {{ ref: string; dependsOn: string[] }} Edges
 */

/** Whole packages that electron-builder leaves out. */
const LEFT_OUT = /^ {2}- '!\*\*\/node_modules\/\{([^*{}]+)\}\/\*\*'$/gm;

/** Writes the file; returns its path. Needs a build, for what is bundled. */
export function makeSbom() {
	const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--offline'];
	const { status, stdout, stderr } = spawnSync('npm', words, {
		cwd: root,
		encoding: 'utf8',
		maxBuffer: 2 ** 26,
		shell: process.platform === 'win32',
	});
	if (status !== 0) fail(`npm could make no bill of materials: ${stderr}`);
	const { metadata, components, dependencies, ...head } = JSON.parse(stdout);
	// Both would be others in each build.
	delete head.serialNumber;
	delete metadata.timestamp;
	const wanted = shippedLicences();
	/** @type {Component[]} */
	const kept = components.filter((/** @type {Component} */ one) => wanted.has(one['bom-ref']));
	const known = new Set(kept.map((one) => one['bom-ref']));
	const unknown = [...wanted.keys()].filter((ref) => !known.has(ref));
	if (unknown.length > 0) fail(`The lock file lacks what is shipped: ${unknown.join(', ')}.`);
	const { component } = metadata;
	const bom = {
		...head,
		metadata: { ...metadata, component: { ...component, type: 'application', name: 'sparsight' } },
		components: kept.map((one) => ({
			...one,
			// What is bundled is to npm of our development, and optional.
			scope: 'required',
			// Older packages state it in a way that npm does not read, or in a text alone.
			licenses: one.licenses ?? [{ license: { name: wanted.get(one['bom-ref']) } }],
		})),
		dependencies: dependencies
			.filter((/** @type {Edges} */ { ref }) => ref === component['bom-ref'] || wanted.has(ref))
			.map((/** @type {Edges} */ { ref, dependsOn }) => ({
				ref,
				dependsOn: dependsOn.filter((one) => wanted.has(one)),
			})),
	};
	const path = join(root, 'out', 'sbom.cdx.json');
	writeFileSync(path, `${JSON.stringify(bom, null, '\t')}\n`);
	return path;
}

/** Of all that goes into a package of this system, Electron with it: the licence by `name@version`. */
function shippedLicences() {
	const rules = readFileSync(join(root, 'electron-builder.yml'), 'utf8');
	const leftOut = new Set([...rules.matchAll(LEFT_OUT)].flatMap(([, names = '']) => names.split(',')));
	const beside = shipped((name) => leftOut.has(name) || leftOut.has(name.split('/')[0] ?? ''));
	const electron = describe(join(root, 'node_modules', 'electron'));
	return new Map(
		[...beside, ...bundled(), electron].map(({ name, version, licence }) => [`${name}@${version}`, licence]),
	);
}
