import { elementCount } from '../domain/float-tensor.ts';
import { type CompiledGraph, GraphBuilder, type Value } from '../graph/graph-builder.ts';
import { runOnce } from './loaded-graph.ts';
import type { GraphRuntime, GraphTensor, GraphTensors } from './runtime.ts';
import { float32 } from './tensors.ts';

/** Widths of heads in the networks that are known. */
const HEAD_WIDTHS = [16, 24, 32, 48, 64, 80];
/** Of attention: fused kernels take other ways for few queries, and step over many keys in blocks. */
const [ROWS, KEYS, HEADS] = [70, 300, 2];
/** Differences up to here, as a share of the largest number, are those of another order of sums. */
const TOLERANCE = 1e-3;

/** A small graph of operators that our own graphs use. */
export type Task = { name: string; graph: CompiledGraph; feeds: GraphTensors };

/** Attention with heads of each width, over keys and values head by head and as rows. */
export function attentionTasks(): Task[] {
	return HEAD_WIDTHS.flatMap((width) =>
		[
			{ words: `attention with heads of ${width}`, shape: [1, HEADS, KEYS, width] },
			{ words: `attention over rows with heads of ${width}`, shape: [1, KEYS, HEADS * width] },
		].map(({ words, shape }) =>
			task(words, (graph, input) => {
				const q = input([1, ROWS, HEADS * width]);
				const node = { domain: 'com.microsoft', attributes: { num_heads: HEADS } };
				return [graph.op('MultiHeadAttention', [q, input(shape), input(shape)], { shape: q.shape }, node)];
			}),
		),
	);
}

/** Everything else. */
export function otherTasks(): Task[] {
	return [
		task('a linear layer with its norm', (graph, input) => {
			const x = input([ROWS, 96]);
			const product = graph.op(
				'Gemm',
				[x, input([192, 96]), input([192])],
				{ shape: [ROWS, 192] },
				{ attributes: { transB: 1 } },
			);
			const hidden = graph.op('Gelu', [product], { shape: product.shape });
			return [graph.op('LayerNormalization', [hidden, input([192]), input([192])], { shape: product.shape })];
		}),
		task('a convolution', (graph, input) => {
			const pads = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
			return [
				graph.op(
					'Conv',
					[input([1, 3, 33, 40]), input([24, 3, 3, 3]), input([24])],
					{ shape: [1, 24, 17, 20] },
					{ attributes: pads },
				),
			];
		}),
		task('a scatter of rows', (graph, input) => {
			const places = Array.from({ length: ROWS }, (_, i) => (i * 37) % KEYS);
			const rows = graph.op('Reshape', [graph.integers(places), graph.integers([ROWS, 1])], {
				shape: [ROWS, 1],
			});
			return [graph.op('ScatterND', [input([KEYS, 32]), rows, input([ROWS, 32])], { shape: [KEYS, 32] })];
		}),
		task('the largest of many', (graph, input) => {
			const results = [{ shape: [1, 50] }, { shape: [1, 50], type: 'int64' as const }];
			const [values, places] = graph.ops('TopK', [input([1, KEYS]), graph.integers([50])], results);
			return [values!, graph.cast(places!, 'float32')];
		}),
		task('a picture of twice the size', (graph, input) => {
			const sizes = graph.integers([1, 3, 34, 26]);
			const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
			return [
				graph.op(
					'Resize',
					[input([1, 3, 17, 13]), null, null, sizes],
					{ shape: [1, 3, 34, 26] },
					{ attributes },
				),
			];
		}),
	];
}

/** A matrix product that is large enough to tell a device from the processor: 537 million multiply-adds. */
export function paceTask(): Task {
	return task('a large matrix product', (graph, input) => [
		graph.op('MatMul', [input([1024, 512]), input([512, 1024])], { shape: [1024, 1024] }),
	]);
}

/** The name of the first task that `runtime` solves otherwise than `reference`; null = all agree. Throws what running them throws. */
export async function firstWrong(
	tasks: readonly Task[],
	runtime: GraphRuntime,
	reference: GraphRuntime,
): Promise<string | null> {
	for (const { name, graph, feeds } of tasks) {
		const outputs = graph.outputs.map((output) => output.name);
		const [answer, known] = [
			await runOnce(runtime, graph, feeds, outputs),
			await runOnce(reference, graph, feeds, outputs),
		];
		if (!outputs.every((output) => agree(answer[output]!, known[output]!))) return name;
	}
	return null;
}

function agree(answer: GraphTensor, known: GraphTensor): boolean {
	if (answer.type !== 'float32' || known.type !== 'float32') return false;
	const largest = known.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
	return (
		answer.data.length === known.data.length &&
		known.data.every((value, i) => Math.abs(value - answer.data[i]!) <= TOLERANCE * largest)
	);
}

/** `emit` gives the outputs; what it takes by `input` is filled with numbers that never repeat. */
function task(
	name: string,
	emit: (graph: GraphBuilder, input: (shape: readonly number[]) => Value) => readonly Value[],
): Task {
	const graph = new GraphBuilder();
	const feeds: Record<string, GraphTensor> = {};
	const outputs = emit(graph, (shape) => {
		const index = Object.keys(feeds).length;
		const count = elementCount(shape);
		// The golden ratio spreads them evenly, and no two are the same.
		const numbers = Float32Array.from(
			{ length: count },
			(_, i) => (((i + 1) * 0.6180339887 + index / 7) % 1) - 0.5,
		);
		feeds[`x${index}`] = float32(numbers, shape);
		return graph.input(`x${index}`, 'float32', shape);
	});
	outputs.forEach((output, i) => graph.output(`y${i}`, output));
	return { name, graph: graph.compile(name), feeds };
}
