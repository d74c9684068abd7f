import { changeSettings, resolveSettings } from '../domain/settings-table.ts';
import { allTokens, answerOutputs, answersFrom, FullGraph } from './full-graph.ts';
import type { Reduction, ReductionMode } from './mode.ts';

const PLACE = 'mode dense';

/** Every token of every frame: what all other modes are measured against. */
export const dense: ReductionMode = {
	id: 'dense',
	title: 'Dense',
	description: 'Recomputes every token of every frame. The reference for speed and agreement.',
	settings: {},
	refuses: () => null,
	async open(host, given): Promise<Reduction> {
		const settings = resolveSettings({}, given, PLACE);
		const graph = await FullGraph.load(host, { keepKeysAndValues: false, withScores: false });
		const tokens = allTokens(host);
		return {
			settings,
			denseMacs: graph.macs,
			budgetMacs: null,
			stateBytes: 0,
			change: (changes) => void changeSettings({}, settings, changes, PLACE),
			reset: () => undefined,
			select: () => ({ kind: 'flush', tokens, count: tokens.length }),
			async run(pixels) {
				const outputs = await graph.run(pixels, answerOutputs(host.plan));
				return { ...answersFrom(host.plan, outputs), macs: graph.macs, emitting: null };
			},
			observe: () => undefined,
			saveState: () => ({}),
			restoreState: () => undefined,
			release: () => graph.release(),
		};
	},
};
