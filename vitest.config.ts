import { defineConfig } from 'vitest/config';
import { wasmKernels } from './build/wasm-kernels.ts';

export default defineConfig({
	plugins: [wasmKernels()],
	test: {
		include: ['main/**/*.test.ts', 'preload/**/*.test.ts', 'renderer/**/*.test.ts'],
		// Sessions of the runtime are native and heavy: two processes are what two cores carry.
		pool: 'forks',
		maxWorkers: 2,
		testTimeout: 60_000,
		hookTimeout: 120_000,
	},
});
