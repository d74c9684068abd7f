import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What lies beside `models/`: the project itself, or the archive of a packaged application. */
const BESIDE = ['package.json', 'app.asar'];

/**
 * The folder that this program was installed to: where `models/` and `assets/` lie, whether the code runs from its
 * sources, from the build, or from inside or beside the archive of a packaged application. `start` is where the
 * search begins, upwards.
 */
export function installationFolder(start: string = import.meta.dirname): string {
	for (let folder = start; ; folder = dirname(folder)) {
		const isInstallation = BESIDE.some((name) => existsSync(join(folder, name)));
		if (isInstallation && existsSync(join(folder, 'models'))) return folder;
		if (folder === dirname(folder)) throw new Error(`No installation around ${start}.`);
	}
}
