import type { ReductionMode } from './mode.ts';
import { StatelessReduction } from './stateless.ts';

const MODE = { id: 'dense', settings: {} };

/** Every token of every frame: what all other modes are measured against. */
export const dense: ReductionMode = {
	...MODE,
	title: 'Dense',
	description: 'Recomputes every token of every frame. The reference for speed and agreement.',
	everything: {},
	needs: 'whole',
	async open(host, runtime, settings) {
		return new StatelessReduction(MODE, settings, host.grid, await host.whole.load(runtime));
	},
};
