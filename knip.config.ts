import type { KnipConfig } from 'knip';

export default {
	// Scripts run these through Vite, by their paths.
	entry: ['e2e/screenshots.ts', 'e2e/page-bench.ts'],
	ignore: ['.svelte-check/**', 'Wrong.svelte'],
	// Fixture makers are modules for several tests: what only tests use is used.
	ignoreExportsUsedInFile: true,
	// What kernels export is called through WebAssembly.
	ignoreIssues: { 'main/**/*.kernel.ts': ['exports'] },
	ignoreBinaries: ['ffprobe', 'mount', 'redis-server', 'umount'],
	// Scripts start these by their names.
	ignoreDependencies: [
		'electron-builder',
		'oxlint',
		'oxlint-tsgolint',
		'svelte-check',
		'@typescript/native-preview',
	],
} satisfies KnipConfig;
