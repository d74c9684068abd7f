import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';
import { bundledPackages } from './build/bundled-packages.ts';
import { wasmKernels } from './build/wasm-kernels.ts';

const entries = {
	index: 'main/desktop/index.ts',
	cli: 'main/cli/index.ts',
	worker: 'main/analysis/worker.ts',
	'export-worker': 'main/export/worker.ts',
	'probe-worker': 'main/probing/worker.ts',
	'frame-thread': 'main/video/frame-thread.ts',
	'provider-probe': 'main/execution/provider-probe.ts',
	'web-host': 'main/web-host/index.ts',
	bench: 'bench/index.ts',
	'bench-device': 'bench/device.ts',
	'bench-opening': 'bench/opening-process.ts',
	torture: 'torture/index.ts',
	'torture-mutations': 'torture/mutation-process.ts',
};

/**
 * Packages that become part of the program. Of the first two, files are imported as text (`?raw`) or data; the others are
 * made of so many modules that finding these takes longer at every start than running them.
 */
const bundled = ['uplot', '@fontsource/ibm-plex-sans', 'apache-arrow', 'zod', '@msgpack/msgpack'];

/** No remarks on where a module lay: builds in two folders are the same, byte for byte (`npm run check:reproducible`). */
const BARE = { attachDebugInfo: 'none' } as const;

export default defineConfig({
	main: {
		plugins: [wasmKernels(), bundledPackages('out/bundled/main.json')],
		build: {
			outDir: 'out/main',
			// The oldest Node that is supported, not the one inside Electron: the command line runs on it.
			target: 'node20.19',
			// The last is for development: `npm run torture` opens a page with it.
			externalizeDeps: { exclude: bundled, include: ['playwright-core'] },
			rollupOptions: {
				input: Object.fromEntries(
					Object.entries(entries)
						.map(([name, path]) => [name, resolve(import.meta.dirname, path)] as const)
						.filter(([, path]) => existsSync(path)),
				),
				experimental: BARE,
				output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
			},
		},
	},
	preload: {
		plugins: [bundledPackages('out/bundled/preload.json')],
		build: {
			outDir: 'out/preload',
			// A sandboxed preload is one file, in the one module system that it can load.
			externalizeDeps: false,
			rollupOptions: {
				input: { index: resolve(import.meta.dirname, 'preload/index.ts') },
				experimental: BARE,
				output: { format: 'cjs', entryFileNames: '[name].cjs' },
			},
		},
	},
	renderer: {
		root: 'renderer',
		// Served from wherever the host puts it: a folder, a protocol of its own, a web server.
		base: './',
		plugins: [svelte({ configFile: false }), bundledPackages('out/bundled/renderer.json')],
		build: {
			outDir: resolve(import.meta.dirname, 'out/renderer'),
			minify: true,
			rollupOptions: { input: resolve(import.meta.dirname, 'renderer/index.html'), experimental: BARE },
			// Both would need inline scripts or styles, which the page's policy forbids.
			modulePreload: { polyfill: false },
			assetsInlineLimit: 0,
		},
	},
});
