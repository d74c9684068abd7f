import type { KnipConfig } from 'knip';

export default {
	// Fixture makers are modules for several tests: what only tests use is used.
	ignoreExportsUsedInFile: true,
	ignoreDependencies: [
		// Of the desktop application, which is being built on top of this.
		'electron',
		'electron-builder',
		'playwright-core',
		'svelte-check',
	],
} satisfies KnipConfig;
