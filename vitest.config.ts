import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { wasmKernels } from './build/wasm-kernels.ts';

const PLACES = ['main', 'bench', 'scripts', 'preload', 'renderer', 'torture'].map(
	(place) => `${place}/**/*.test.ts`,
);

/** Tests that put others in the place of modules, or that mostly wait for processes: each file has a process of its own. */
const APART = [
	'main/{analysis,application,batch,cli,desktop,web-host}/**/*.test.ts',
	'main/video/seek.test.ts',
	'torture/**/*.test.ts',
];

/** Sessions of the runtime are native and heavy: two processes are what two cores carry. */
const TWO_AT_A_TIME = { pool: 'forks', maxWorkers: 2 } as const;

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
					include: PLACES,
					exclude: APART,
					...TWO_AT_A_TIME,
					// Most files take longer to load what they test than to test it.
					isolate: false,
				},
			},
			{
				extends: true,
				test: { name: 'apart', include: APART, ...TWO_AT_A_TIME },
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
