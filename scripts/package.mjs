// npm run package: makes the desktop packages of this system in dist/. Words after `--` go to electron-builder, which
// downloads Electron and the tools of the formats it makes.
import { fileURLToPath } from 'node:url';
import { makeIcons } from './make-icons.mjs';
import { makeLicences } from './make-licences.mjs';
import { makeSbom } from './make-sbom.mjs';
import { ensureBuild, ensurePackages, runPackage } from './prepare.mjs';

/**
 * Builds what goes into a package and packs it; returns electron-builder's exit code.
 * @param {readonly string[]} words
 */
export async function makePackage(words) {
	ensurePackages();
	ensureBuild();
	await makeIcons();
	makeLicences();
	makeSbom();
	return runPackage('electron-builder', ['--publish', 'never', ...words]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	process.exit(await makePackage(process.argv.slice(2)));
}
