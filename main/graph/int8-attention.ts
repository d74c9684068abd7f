import type { CompiledGraph, GraphBuilder, Value } from './graph-builder.ts';
import { LARGEST } from './int8-linear.ts';
import {
	attendInInt8,
	centred,
	largestOf,
	neverZero,
	type Rounded,
	roundedToInt8,
	sharesOfLargest,
} from './int8-products.ts';
import { type FusedAttention, rewriteAttention } from './rewrite-attention.ts';

/** Attention over fewer keys, or of fewer queries, stays as it is: what rounding takes would not come back. */
const LEAST_ROWS = 512;
/**
 * Logits that are held at a time, about. With more they would leave the processor's caches between one operator and the next; fewer make
 * more steps, each of which waits for all threads.
 */
const CHUNK_LOGITS = 2_000_000;
/** Queries that are answered at a time are a multiple of this: of other numbers, products took up to three times as long. */
const CHUNK_QUERIES = 8;

/**
 * The graph with its large attention in whole numbers of eight bits: q · kᵀ with a scale for each key, and for the queries of each head,
 * probabilities with a scale for each query, values with one for each column. Keys and values are rounded without their means over all
 * tokens: those of keys change no probability, and those of values are added to the answer, so that what small probabilities lose
 * when they become 0 is little. Attention whose keys are wider than its values stays: what they carry beside, such as relative positions,
 * is of another size. Multiply-adds are counted as before. The same graph where no attention is large enough.
 */
export function withInt8Attention(graph: CompiledGraph): CompiledGraph {
	return rewriteAttention(graph, rounded);
}

/** Of attention: sizes that are known, and how its products are scaled. */
type Extent = { heads: number; queries: number; keys: number; scale: number };

/** Of one picture, -> [1, n, heads · width]. Null for other forms of attention, and sizes that are small or vary. */
function rounded(
	{ heads, queries, keys, values, bias, scale }: FusedAttention,
	builder: GraphBuilder,
): Value | null {
	const [pictures, n] = queries.shape;
	const m = keys.shape.at(-2);
	if (bias || pictures !== 1 || typeof n !== 'number' || typeof m !== 'number') return null;
	if (Math.min(n, m) < LEAST_ROWS || headWidth(keys, heads) !== headWidth(values, heads)) return null;
	const attention = new Int8Attention(builder, { heads, queries: n, keys: m, scale });
	const q = sharesOfLargest(builder, attention.byHead(queries));
	const k = attention.roundedKeys(attention.byHead(keys), q.sizes);
	const v = attention.roundedValues(attention.byHead(values));
	const answers = attention.chunks(q.x).map((chunk) => attendInInt8(builder, chunk, k, v));
	return attention.asRows(answers, v.mean);
}

/** Of rows [.., heads · width], or [.., heads, m, width]. */
function headWidth({ shape }: Value, heads: number): number {
	const width = shape.at(-1) as number;
	return shape.length === 4 ? width : width / heads;
}

/** The steps of one attention; values are [heads, rows, width] unless something else is said. */
class Int8Attention {
	readonly #graph: GraphBuilder;
	readonly #extent: Extent;

	constructor(graph: GraphBuilder, extent: Extent) {
		this.#graph = graph;
		this.#extent = extent;
	}

	/** Rows [1, n, heads · width], or [1, heads, n, width]. */
	byHead(x: Value): Value {
		const { heads } = this.#extent;
		if (x.shape.length === 4) return this.#reshape(x, x.shape.slice(1) as number[]);
		const [, n, all] = x.shape as [number, number, number];
		return this.#transpose(this.#reshape(x, [n, heads, all / heads]), [1, 0, 2]);
	}

	/** As many queries at a time as there is room for their logits. */
	chunks(queries: Value): Value[] {
		const { heads, queries: n, keys } = this.#extent;
		const share = Math.ceil(n / Math.ceil((heads * n * keys) / CHUNK_LOGITS));
		const most = CHUNK_QUERIES * Math.ceil(share / CHUNK_QUERIES);
		if (most >= n) return [queries];
		const sizes = Array.from({ length: Math.ceil(n / most) }, (_, i) => Math.min(most, n - i * most));
		return this.#graph.ops(
			'Split',
			[queries, this.#graph.integers(sizes)],
			sizes.map((size) => ({ shape: queries.shape.with(1, size) })),
			{ attributes: { axis: 1 } },
		);
	}

	/** Whole numbers [heads, width, keys], and what their products with queries as shares of `sizes` are scaled by, [heads, 1, keys]. */
	roundedKeys(keys: Value, sizes: Value): Rounded {
		const { heads, keys: m, scale } = this.#extent;
		const { numbers, scales } = this.#round(centred(this.#graph, keys).x, 2); // scales [heads, m, 1]
		const scaled = this.#graph.op('Mul', [sizes, this.#graph.floats([scale])], { shape: sizes.shape });
		const shape = [heads, 1, m];
		return {
			numbers: this.#transpose(numbers, [0, 2, 1]),
			scales: this.#graph.op('Mul', [this.#reshape(scales, shape), scaled], { shape }),
		};
	}

	/** Whole numbers, their scales [heads, 1, width], and the mean [heads, 1, width] that was taken out before. */
	roundedValues(values: Value): Rounded & { mean: Value } {
		const { x, mean } = centred(this.#graph, values);
		return { ...this.#round(x, 1), mean };
	}

	/** [1, queries, heads · width] */
	asRows(answers: readonly Value[], mean: Value): Value {
		const { heads, queries: n } = this.#extent;
		const width = mean.shape[2] as number;
		const shape = [heads, n, width];
		const all =
			answers.length === 1
				? answers[0]!
				: this.#graph.op('Concat', answers, { shape }, { attributes: { axis: 1 } });
		const whole = this.#graph.op('Add', [all, mean], { shape });
		return this.#reshape(this.#transpose(whole, [1, 0, 2]), [1, n, heads * width]);
	}

	/** x in whole numbers, and what 1 stands for along `axis`, which the scales keep with length 1. */
	#round(x: Value, axis: number): Rounded {
		const graph = this.#graph;
		const largest = neverZero(graph, largestOf(graph, x, axis));
		const scales = graph.op('Mul', [largest, graph.floats([1 / LARGEST])], { shape: largest.shape });
		const numbers = roundedToInt8(graph, graph.op('Div', [x, scales], { shape: x.shape }));
		return { numbers, scales };
	}

	#reshape(x: Value, shape: readonly number[]): Value {
		return this.#graph.op('Reshape', [x, this.#graph.integers(shape)], { shape });
	}

	#transpose(x: Value, axes: readonly number[]): Value {
		const shape = axes.map((axis) => x.shape[axis]!);
		return this.#graph.op('Transpose', [x], { shape }, { attributes: { perm: axes } });
	}
}
