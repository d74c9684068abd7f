import { resolve } from 'node:path';
import { defineConfig } from 'electron-vite';
import { wasmKernels } from './build/wasm-kernels.ts';

const entry = (path: string) => resolve(import.meta.dirname, path);

export default defineConfig({
	main: {
		plugins: [wasmKernels()],
		build: {
			outDir: 'out/main',
			rollupOptions: {
				input: {
					cli: entry('main/cli/index.ts'),
					worker: entry('main/analysis/worker.ts'),
					bench: entry('bench/index.ts'),
				},
				output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
			},
		},
	},
});
