import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder that this program was installed to: where `models/` and `assets/` lie, whether the code runs from
 * its sources, from the build or from a packaged application.
 */
export function installationFolder(): string {
	for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
		if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'models'))) return folder;
		if (folder === dirname(folder)) throw new Error(`No installation around ${import.meta.dirname}.`);
	}
}
