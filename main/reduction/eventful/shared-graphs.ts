import type { CompiledGraph } from '../../graph/graph-builder.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';

/**
 * Graphs without weights, one for all blocks of the same sizes: buffers for intermediate results are then allocated once and
 * still in the processor's caches when the next block runs.
 */
export class SharedGraphs {
	readonly #runtime: GraphRuntime;
	readonly #graphs = new Map<string, Promise<LoadedGraph>>();

	constructor(runtime: GraphRuntime) {
		this.#runtime = runtime;
	}

	/** The graph that `compile` makes from `sizes`, loaded once per name and sizes. */
	load<Sizes extends object>(
		name: string,
		sizes: Sizes,
		compile: (sizes: Sizes) => CompiledGraph,
	): Promise<LoadedGraph> {
		const key = `${name} ${JSON.stringify(sizes)}`;
		const graph = this.#graphs.get(key) ?? LoadedGraph.load(this.#runtime, compile(sizes));
		this.#graphs.set(key, graph);
		return graph;
	}

	async release(): Promise<void> {
		for (const graph of this.#graphs.values()) await (await graph).release();
	}
}
