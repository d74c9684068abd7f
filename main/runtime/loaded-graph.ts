import { type CompiledGraph, encodeGraph } from '../graph/graph-builder.ts';
import { withInt8Attention } from '../graph/int8-attention.ts';
import { withInt8Convolutions } from '../graph/int8-convolution.ts';
import { withInt8Layers } from '../graph/int8-linear.ts';
import { countOperations, type DimValues, type OperationCount } from '../graph/operation-count.ts';
import { withPlainAttention } from '../graph/plain-attention.ts';
import { multipliesBytes } from './byte-products.ts';
import type { GraphFeeds, GraphRuntime, GraphSession, GraphTensor } from './runtime.ts';

/** Loads a graph, runs it and releases it. */
export async function runOnce(
	runtime: GraphRuntime,
	graph: CompiledGraph,
	feeds: GraphFeeds,
	wanted: readonly string[],
	into?: GraphFeeds,
): Promise<Record<string, GraphTensor>> {
	const loaded = await LoadedGraph.load(runtime, graph);
	try {
		return await loaded.run(feeds, wanted, into);
	} finally {
		await loaded.release();
	}
}

/** With large tensors in files, where the runtime has a place for them. */
async function loadSession(runtime: GraphRuntime, graph: CompiledGraph): Promise<GraphSession> {
	const { tensors } = runtime;
	const files = await tensors?.filesOf(graph.constants);
	if (tensors && files && files.size > 0) {
		try {
			return await runtime.load(encodeGraph(graph, files), graph.name, { tensorFolder: tensors.folder });
		} catch {
			// Another program may just have emptied the cache. What else is wrong, loading it whole will tell.
		}
	}
	return runtime.load(encodeGraph(graph), graph.name);
}

/** The graph in the operators that the runtime is to compute it by. */
async function spelled(graph: CompiledGraph, runtime: GraphRuntime): Promise<CompiledGraph> {
	const { attention, precision } = runtime.execution;
	const attended = attention === 'plain' ? withPlainAttention(graph) : graph;
	if (precision !== 'int8') return attended;
	const rounded = withInt8Layers(attended);
	return (await roundsAllProducts(runtime)) ? withInt8Convolutions(withInt8Attention(rounded)) : rounded;
}

/** Whether a runtime is to compute attention and convolutions in whole numbers of eight bits, and not linear layers alone. */
export async function roundsAllProducts(runtime: GraphRuntime): Promise<boolean> {
	return runtime.execution.precision === 'int8' && (await multipliesBytes(runtime));
}

/** A graph at work: its session, what a run costs, and its name. */
export class LoadedGraph {
	readonly name: string;
	readonly #session: GraphSession;
	readonly #operations: OperationCount;

	private constructor(name: string, session: GraphSession, operations: OperationCount) {
		this.name = name;
		this.#session = session;
		this.#operations = operations;
	}

	/** Throws `model-unreadable` where the runtime refuses the graph. */
	static async load(runtime: GraphRuntime, graph: CompiledGraph): Promise<LoadedGraph> {
		return new LoadedGraph(
			graph.name,
			await loadSession(runtime, await spelled(graph, runtime)),
			graph.operations,
		);
	}

	/** Multiply-adds of a run with the given values of its named sizes. */
	macs(sizes: DimValues = {}): number {
		return countOperations(this.#operations, sizes);
	}

	/** As `GraphSession.run`. */
	run(feeds: GraphFeeds, wanted: readonly string[], into?: GraphFeeds): Promise<Record<string, GraphTensor>> {
		return this.#session.run(feeds, wanted, into);
	}

	release(): Promise<void> {
		return this.#session.release();
	}
}
