import { GraphBuilder } from '../../graph/graph-builder.ts';
import { Layers } from '../../graph/layers.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import { runOnce } from '../../runtime/loaded-graph.ts';
import { oncePerRuntime } from '../../runtime/once-per-runtime.ts';
import { float32, floats } from '../../runtime/tensors.ts';

/**
 * Whether a runtime takes inputs where they lie and writes outputs into the caller's memory at the moment when it computes them,
 * so that a node that runs later reads them there as part of an input. Tried out, once for each runtime.
 */
export const writesDuringRun = oncePerRuntime(tryOut);

/** Two rows: the second one is an output, written over the last row of a memory that is then added to the first one. */
async function tryOut(runtime: GraphRuntime): Promise<boolean> {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, () => {
		throw new Error('Assertion failed: a graph without weights');
	});
	const memory = graph.input('memory', 'float32', [2, 2]);
	const [first, second] = layers.split(graph.input('rows', 'float32', [2, 2]), [1, 1], 0);
	graph.output('fresh', second!);
	graph.output('sum', { ...layers.add(first!, memory), shape: [2, 2] });
	const data = Float32Array.of(10, 20, 30, 40);
	const outputs = await runOnce(
		runtime,
		graph.compile('writes-during-run'),
		{ memory: float32(data, [2, 2]), rows: float32(Float32Array.of(1, 2, 5, 6), [2, 2]) },
		['sum'],
		{ fresh: float32(data.subarray(2), [1, 2]) },
	);
	const sum = floats(outputs, 'sum');
	return [11, 22, 6, 8].every((expected, i) => sum[i] === expected);
}
