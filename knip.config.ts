import type { KnipConfig } from 'knip';

export default {
	// Scripts run these through Vite, by their paths.
	entry: ['e2e/screenshots.ts', 'e2e/page-bench.ts'],
	// Fixture makers are modules for several tests: what only tests use is used.
	ignoreExportsUsedInFile: true,
	ignoreBinaries: ['ffprobe'],
	// What they export is called from WebAssembly's other side.
	ignore: ['**/*.kernel.ts'],
	ignoreDependencies: [
		// Of the desktop application, which is being built on top of this.
		'electron-builder',
		'svelte-check',
	],
} satisfies KnipConfig;
