import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { wasmKernels } from './build/wasm-kernels.ts';

export default defineConfig({
	plugins: [wasmKernels(), svelte({ configFile: false })],
	test: {
		testTimeout: 60_000,
		hookTimeout: 120_000,
		projects: [
			{
				extends: true,
				test: {
					name: 'parts',
					include: [
						'main/**/*.test.ts',
						'bench/**/*.test.ts',
						'scripts/**/*.test.ts',
						'preload/**/*.test.ts',
						'renderer/**/*.test.ts',
						'torture/**/*.test.ts',
					],
					// Sessions of the runtime are native and heavy: two processes are what two cores carry.
					pool: 'forks',
					maxWorkers: 2,
				},
			},
			{
				extends: true,
				test: {
					name: 'journeys',
					include: ['e2e/**/*.test.ts'],
					// Each brings a browser and an analysis: one after another, and after everything else.
					pool: 'forks',
					maxWorkers: 1,
					fileParallelism: false,
					sequence: { groupOrder: 1 },
					hookTimeout: 180_000,
					testTimeout: 120_000,
					// A busy machine takes its time; what does not come at all still fails.
					expect: { poll: { timeout: 15_000 } },
				},
			},
		],
	},
});
