import { assert } from '../../domain/errors.ts';
import type { SettingsTable } from '../../domain/settings-table.ts';
import type { ReductionMode } from '../mode.ts';
import { StatelessReduction } from '../stateless.ts';

const SETTINGS = {
	keep: {
		kind: 'number',
		default: 0.3,
		min: 0.02,
		max: 1,
		step: 0.01,
		live: true,
		description: 'Share of the tokens, by the scorer’s rank, that go on being updated and may show objects.',
	},
} as const satisfies SettingsTable;
const MODE = { id: 'sparse', settings: SETTINGS };

/**
 * Reduction in space (Sparse DETR, Roh et al., ICLR 2022, section 3): a scorer ranks the tokens early on, only
 * the best `keep` are updated by the remaining blocks; keys and values still come from all of them.
 */
export const sparse: ReductionMode = {
	...MODE,
	title: 'Sparse',
	description:
		'Updates only the tokens that a learned scorer finds important; nothing is remembered between frames. ' +
		'At low keep ratios objects that fill the frame get lost.',
	everything: { keep: 1 },
	needs: 'ranked',
	async open(host, runtime, settings) {
		assert(host.ranked, 'a network without a scorer was refused');
		const network = await host.ranked.load(runtime);
		return new StatelessReduction(MODE, settings, host.grid, {
			run: (pixels, { keep }) => network.run(pixels, keep),
			release: () => network.release(),
		});
	},
};
