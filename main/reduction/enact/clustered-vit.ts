import { tokenCount } from '../../domain/tokens.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import { answerOutputs, answersFrom, pictureTensor } from '../full-graph.ts';
import type { Behind, ClusteredNetwork, NetworkOutput, NetworkRun, VitOffer } from '../host.ts';
import { clusterOutputs, forcedLength, readClusters } from './cluster-outputs.ts';
import { blockClusters, compileClustered } from './enact-graph.ts';

/** A vision transformer whose tokens attend to clusters of keys and values; all of them are updated. */
export class ClusteredVit<Output extends NetworkOutput> implements ClusteredNetwork<Output> {
	readonly #vit: VitOffer<Output>;
	readonly #graph: LoadedGraph;
	readonly #behind: Behind<Output>;
	readonly #blocks: readonly string[];

	private constructor(vit: VitOffer<Output>, graph: LoadedGraph, behind: Behind<Output>) {
		this.#vit = vit;
		this.#graph = graph;
		this.#behind = behind;
		this.#blocks = vit.plan.blocks.map((_, i) => blockClusters(i));
	}

	static async load<Output extends NetworkOutput>(
		vit: VitOffer<Output>,
		runtime: GraphRuntime,
	): Promise<ClusteredVit<Output>> {
		const graph = await LoadedGraph.load(runtime, compileClustered(vit.plan, vit.weights));
		return new ClusteredVit(vit, graph, await vit.behind.load(runtime));
	}

	async run(pixels: FramePixels, clusterLength: number): Promise<NetworkRun<Output>> {
		const { plan } = this.#vit;
		const outputs = await this.#graph.run(
			{ picture: pictureTensor(plan, pixels), length: forcedLength(clusterLength) },
			[...answerOutputs(plan), ...clusterOutputs(this.#blocks)],
		);
		const { dims, map } = readClusters(outputs, this.#blocks, tokenCount(plan.grid));
		const { output, macs } = await this.#behind.run(answersFrom(plan, outputs));
		return { output, macs: macs + this.#graph.macs(dims), maps: [map] };
	}

	async release(): Promise<void> {
		await this.#graph.release();
		await this.#behind.release();
	}
}
