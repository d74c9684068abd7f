import { assert } from '../domain/errors.ts';
import { tokenCount } from '../domain/tokens.ts';
import { allTokens, float32, FullGraph } from './full-graph.ts';
import type { Reduction, ReductionMode } from './mode.ts';

/** Every token of every frame: what all other modes are measured against. */
export const dense: ReductionMode = {
	id: 'dense',
	title: 'Dense',
	description: 'Recomputes every token of every frame. The reference for speed and agreement.',
	settings: {},
	refuses: () => null,
	async open(host): Promise<Reduction> {
		const graph = await FullGraph.load(host, { keepKeysAndValues: false, withScores: false });
		const tokens = allTokens(host);
		const head = new Float32Array(tokenCount(host.plan.grid) * host.plan.headWidth);
		const headTensor = float32(head, [tokens.length, host.plan.headWidth]);
		return {
			settings: {},
			denseMacs: graph.macs,
			budgetMacs: null,
			stateBytes: 0,
			change: (settings) => assert(Object.keys(settings).length === 0, 'dense has no settings'),
			reset: () => undefined,
			select: () => ({ kind: 'flush', tokens, count: tokens.length }),
			async run(pixels) {
				await graph.run(pixels, { head: headTensor });
				return { head, macs: graph.macs, emitting: null };
			},
			observe: () => undefined,
			saveState: () => ({}),
			restoreState: () => undefined,
			release: () => graph.release(),
		};
	},
};
