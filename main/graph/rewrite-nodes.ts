import {
	type CompiledGraph,
	GraphBuilder,
	type GraphNode,
	type Tensor,
	type Value,
} from './graph-builder.ts';

/** What comes instead of a node: `answer` stands for the value called `output`, and `needless` nodes go too. */
export type Instead = { answer: Value; output: string; needless?: readonly GraphNode[] };

/**
 * The graph with nodes as `emit` gives them in operators of `builder`, which has a prefix of its own for their names; null leaves one as
 * it is. Multiply-adds are counted as before. The same graph where all of it stays.
 */
export function rewriteNodes(
	graph: CompiledGraph,
	emit: (node: GraphNode, builder: GraphBuilder) => Instead | null,
): CompiledGraph {
	const constants = new Map(graph.constants);
	const replaced = new Map<GraphNode, readonly GraphNode[]>();
	let { opset } = graph;
	for (const node of graph.nodes) {
		const builder = new GraphBuilder(`${node.name}/`);
		const instead = emit(node, builder);
		if (!instead) continue;
		const { answer, output, needless = [] } = instead;
		const parts = builder.compile(node.name);
		opset = Math.max(opset, parts.opset);
		for (const [name, tensor] of parts.constants) constants.set(name, tensor);
		const renamed = (name: string) => (name === answer.name ? output : name);
		for (const other of needless) replaced.set(other, []);
		replaced.set(
			node,
			parts.nodes.map((part) => ({ ...part, output: part.output.map(renamed) })),
		);
	}
	if (replaced.size === 0) return graph;
	const nodes = graph.nodes.flatMap((node) => replaced.get(node) ?? [node]);
	return { ...graph, opset, nodes, constants: readBy(nodes, constants) };
}

/** The constants that nodes read. */
export function readBy(
	nodes: readonly GraphNode[],
	constants: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Tensor> {
	const read = new Set(nodes.flatMap(({ input }) => input));
	return new Map([...constants].filter(([name]) => read.has(name)));
}
