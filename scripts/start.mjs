// npm start: the desktop application, or, where Electron has no binary for this machine, the same in a browser.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild, ensureFfmpeg, ensurePackages, exitCodeOf, root, runWebHost } from './prepare.mjs';

ensurePackages();
ensureFfmpeg();
ensureBuild();
const words = process.argv.slice(2);
const electron = findElectron();
if (electron !== null && hasDisplay()) {
	process.exit(await exitCodeOf(spawn(electron, [root, ...words], { stdio: 'inherit' })));
}
console.error(
	electron === null
		? 'Electron is not here ("npx install-electron" fetches it): the application opens in the browser instead.'
		: 'There is no display here: the application is served to a browser instead.',
);
process.exit(await runWebHost(hasDisplay() ? ['--open', ...words] : words));

/** Electron's binary, which is not part of its package; null if it was not downloaded, or the shell is not built. */
function findElectron() {
	if (!existsSync(join(root, 'out', 'main', 'index.js'))) return null;
	const folder = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(root, 'node_modules', 'electron', 'dist');
	const named = join(root, 'node_modules', 'electron', 'path.txt');
	if (!existsSync(named)) return null;
	const binary = join(folder, readFileSync(named, 'utf8').trim());
	return existsSync(binary) ? binary : null;
}

function hasDisplay() {
	if (process.platform !== 'linux') return true;
	return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}
