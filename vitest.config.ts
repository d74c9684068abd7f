import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { wasmKernels } from './build/wasm-kernels.ts';

const PLACES = ['main', 'bench', 'scripts', 'preload', 'renderer', 'torture'].map(
	(place) => `${place}/**/*.test.ts`,
);

/** Rooms that only compute: loading what these tests test takes longer than testing it, and nothing native is left behind. */
const PURE = [
	'main/{counting,domain,evaluation,tracking,weights}/**/*.test.ts',
	'preload/**/*.test.ts',
	'renderer/{charts,controls,i18n,lists,state,tracks}/**/*.test.ts',
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
				test: { name: 'parts', include: PLACES, exclude: PURE, ...TWO_AT_A_TIME },
			},
			{
				extends: true,
				// These files share their processes.
				test: { name: 'pure', include: PURE, isolate: false, ...TWO_AT_A_TIME },
			},
			{
				extends: true,
				test: {
					name: 'journeys',
					include: ['e2e/**/*.test.ts'],
					// Each brings a browser and an analysis, and waits for both: two at a time, after everything else.
					...TWO_AT_A_TIME,
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
