import { ClusteredVit } from './enact/clustered-vit.ts';
import { denseMacs, FullGraph } from './full-graph.ts';
import type { Host, NetworkOutput, VitOffer, WholeNetwork } from './host.ts';
import { RankedVit } from './sparse/ranked-vit.ts';

/** What a vision transformer offers, by what its plan has. */
export function hostOfVit<Output extends NetworkOutput>(vit: VitOffer<Output>): Host<Output> {
	const { plan, weights, behind } = vit;
	return {
		name: plan.name,
		grid: plan.grid,
		vit,
		whole: {
			macs: () => denseMacs(plan, weights) + behind.macs(),
			async load(runtime): Promise<WholeNetwork<Output>> {
				const graph = await FullGraph.load(vit, runtime, { keepKeysAndValues: false, withScores: false });
				const after = await behind.load(runtime);
				return {
					async run(pixels) {
						const { output, macs } = await after.run(await graph.answers(pixels));
						return { output, macs: graph.macs + macs };
					},
					async release() {
						await graph.release();
						await after.release();
					},
				};
			},
		},
		ranked: plan.scorer && { load: (runtime) => RankedVit.load(vit, runtime) },
		clustered: plan.clusters ? { load: (runtime) => ClusteredVit.load(vit, runtime) } : null,
	};
}
