import type { CompiledGraph } from '../../graph/graph-builder.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';

/**
 * Graphs that have no weights of their own, one for all blocks of the same sizes: what a run needs for its
 * intermediate results is then fetched once, and is warm in the caches when the next block comes.
 */
export class SharedGraphs {
	readonly #runtime: GraphRuntime;
	readonly #graphs = new Map<string, Promise<LoadedGraph>>();

	constructor(runtime: GraphRuntime) {
		this.#runtime = runtime;
	}

	/** The graph that `compile` makes of `sizes`; its name and sizes tell it from others. */
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
