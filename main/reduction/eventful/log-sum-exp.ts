import type { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import type { AttentionOutput } from './attention-output.ts';
import { type HeadRange, headRanges } from './attention-sizes.ts';
import type { Projected } from './block-attention.ts';
import type { GateMemory } from './gate-memory.ts';
import type { ProductKind } from './incremental-graphs.ts';
import type { RememberedProjections } from './remembered-projections.ts';
import type { Remembered } from './remembered.ts';

/** A sum that has shrunk to less than this part of its largest value has lost digits and is recomputed. */
const SMALLEST_RATIO = 1 / 8;
/** A sum that grows by more is near the end of what single precision holds. */
const LARGEST_GROWTH = 1e30;
/** Every sum is recomputed within so many frames, a few in each, so that rounding errors don't accumulate. */
const RECOMPUTATION_FRAMES = 256;

type Outputs = Readonly<Record<string, GraphTensor>>;

/**
 * The log-sum-exp z_i = log Σ_j exp(l_ij) of every query, the normalizer of its softmax, stored as −z_i in the last column of
 * the remembered queries. An update of some keys multiplies the sum by a ratio; every subtraction on the way costs
 * precision, so a sum that shrinks too far is recomputed from all keys.
 */
export class LogSumExp {
	/** [heads, tokens]: at least the largest value of a query's sum since it was recomputed, divided by its present value. */
	readonly #shrinkage: Float32Array;
	/** The query that is recomputed next in turn. */
	readonly #next = new Int32Array(1);
	readonly #projections: RememberedProjections;
	readonly #output: AttentionOutput;
	readonly #memory: GateMemory;
	readonly #graph: LoadedGraph;
	readonly #exact: boolean;

	/** `graph`: of `compileLogSumExp`. With product `exact`, recomputing a sum recomputes the query's `output` too. */
	constructor(
		projections: RememberedProjections,
		output: AttentionOutput,
		memory: GateMemory,
		graph: LoadedGraph,
		{ product }: ProductKind,
	) {
		this.#projections = projections;
		this.#output = output;
		this.#memory = memory;
		this.#graph = graph;
		this.#exact = product === 'exact';
		const { heads, tokens } = projections.sizes;
		this.#shrinkage = new Float32Array(heads * tokens);
	}

	remembered(): Remembered {
		return { shrinkage: this.#shrinkage, nextRecomputed: this.#next };
	}

	/** Sets all to 0. */
	reset(): void {
		const { heads, tokens, row, extended } = this.#projections.sizes;
		const rows = this.#projections.array('queries');
		for (let i = 0; i < heads * tokens; i++) rows[i * row + extended] = 0;
		this.#next[0] = 0;
	}

	/** The queries to be recomputed in this frame: those that changed, and some of the others in turn. */
	due({ indices, count }: Projected): Int32Array {
		const { tokens } = this.#projections.sizes;
		const due = new Set(indices.subarray(0, count));
		for (let i = 0; i < Math.ceil(tokens / RECOMPUTATION_FRAMES); i++) {
			due.add(this.#next[0]!);
			this.#next[0] = (this.#next[0]! + 1) % tokens;
		}
		return Int32Array.from(due);
	}

	/** Recomputes queries from all keys, in some heads or in all. */
	async recompute(queries: Int32Array, within?: HeadRange): Promise<void> {
		const { row, keys, width, heads: all } = this.#projections.sizes;
		const { length } = queries;
		const { at } = this.#memory.queries;
		for (const heads of within ? [within] : headRanges(all, length * keys)) {
			this.#projections.gather('queries', queries, at, { heads });
			const rows = this.#memory.array(at, heads.count * length * row).data;
			const attended = this.#memory.scratch.rows.data.subarray(0, heads.count * length * width);
			const outputs = await this.#graph.run(
				{
					queries: float32(rows, [heads.count, length, row]),
					keys: this.#projections.tensor('keys', heads),
					...(this.#exact ? { values: this.#projections.tensor('values', heads) } : {}),
				},
				['correction'],
				this.#exact ? { output: float32(attended, [heads.count, length, width]) } : {},
			);
			this.correct(queries, floats(outputs, 'correction'), heads);
			if (this.#exact) this.#output.scatter(queries, heads);
		}
	}

	/** Adds `correction` [heads, queries] to queries, whose sums are accurate afterwards. */
	correct(queries: Int32Array, correction: Float32Array, { first, count }: HeadRange): void {
		const { tokens, extended, row } = this.#projections.sizes;
		const rows = this.#projections.array('queries');
		for (let head = 0; head < count; head++) {
			for (let i = 0; i < queries.length; i++) {
				const query = (first + head) * tokens + queries[i]!;
				rows[query * row + extended]! -= correction[head * queries.length + i]!;
				this.#shrinkage[query] = 1;
			}
		}
	}

	/**
	 * The `unchanged` queries (1 of each token that is one) whose sums would lose too much precision by an update; `outputs`:
	 * `growth` and `ratio` of `compileUpdate`.
	 */
	imprecise(outputs: Outputs, unchanged: Int32Array, { first }: HeadRange): Int32Array {
		const { tokens } = this.#projections.sizes;
		const [growth, ratio] = [floats(outputs, 'growth'), floats(outputs, 'ratio')];
		const imprecise = new Set<number>();
		for (let i = 0; i < ratio.length; i++) {
			const largest = Math.max(this.#shrinkage[first * tokens + i]!, growth[i]!);
			// False for NaN too.
			const isPrecise = ratio[i]! >= SMALLEST_RATIO * largest && largest < LARGEST_GROWTH;
			if (unchanged[i % tokens] === 1 && !isPrecise) imprecise.add(i % tokens);
		}
		return Int32Array.from(imprecise);
	}

	/** Multiplies the sums of `unchanged` queries by the `ratio` of an update. */
	multiply(outputs: Outputs, unchanged: Int32Array, { first }: HeadRange): void {
		const { tokens, extended, row } = this.#projections.sizes;
		const [growth, ratio] = [floats(outputs, 'growth'), floats(outputs, 'ratio')];
		const rows = this.#projections.array('queries');
		for (let i = 0; i < ratio.length; i++) {
			if (unchanged[i % tokens] === 0) continue;
			const query = first * tokens + i;
			rows[query * row + extended]! -= Math.log(ratio[i]!);
			this.#shrinkage[query] = Math.max(this.#shrinkage[query]!, growth[i]!) / ratio[i]!;
		}
	}
}
