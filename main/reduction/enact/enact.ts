import { assert } from '../../domain/errors.ts';
import type { SettingsTable } from '../../domain/settings-table.ts';
import type { ReductionMode } from '../mode.ts';
import { StatelessReduction } from '../stateless.ts';

const SETTINGS = {
	clusterLength: {
		kind: 'integer',
		default: 0,
		min: 0,
		max: 64,
		unit: 'tokens',
		live: true,
		description:
			'Tokens per cluster of keys and values. 0 = as long as the picture asks for, anew in every block of every frame; 1 = nothing is clustered.',
	},
} as const satisfies SettingsTable;
const MODE = { id: 'enact', settings: SETTINGS };

/**
 * Reduction in space (ENACT, Savathrakis and Argyros): tokens attend to clusters of keys and values instead of to each of them;
 * the length of clusters depends on the frame.
 */
export const enact: ReductionMode = {
	...MODE,
	title: 'Clustered attention',
	description:
		'Tokens attend to clusters of keys and values, whose length follows from every frame; all tokens are updated. ' +
		'Lookout was only briefly trained for it and loses some accuracy.',
	everything: { clusterLength: 1 },
	needs: 'clustered',
	async open(host, runtime, settings) {
		assert(host.clustered, 'a network that can’t cluster was refused');
		const network = await host.clustered.load(runtime);
		return new StatelessReduction(MODE, settings, host.grid, {
			run: (pixels, { clusterLength }) => network.run(pixels, clusterLength),
			release: () => network.release(),
		});
	},
};
