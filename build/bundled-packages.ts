import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Plugin } from 'vite';

/**
 * Writes the names of the packages in a bundle to `path`, as a JSON list: their licences must be shipped with it. The
 * names come from the modules that really are in the bundle.
 */
export function bundledPackages(path: string): Plugin {
	return {
		name: 'bundled-packages',
		apply: 'build',
		generateBundle(_options, bundle) {
			const names = new Set<string>();
			for (const output of Object.values(bundle)) {
				const modules = output.type === 'chunk' ? Object.keys(output.modules) : output.originalFileNames;
				for (const module of modules) {
					const name = packageOf(module);
					if (name !== null) names.add(name);
				}
			}
			mkdirSync(dirname(path), { recursive: true });
			writeFileSync(path, `${JSON.stringify([...names].sort(), null, '\t')}\n`);
		},
	};
}

/** `…/node_modules/@scope/name/file.js` belongs to `@scope/name`; null for our own modules. */
function packageOf(module: string): string | null {
	return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(module.replaceAll('\\', '/'))?.[1] ?? null;
}
