import { assert } from '../../domain/errors.ts';
import type { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { AttentionOutput } from './attention-output.ts';
import { type HeadRange, headRanges, upTo } from './attention-sizes.ts';
import { AttentionWeights } from './attention-weights.ts';
import type { BlockAttention, Projected } from './block-attention.ts';
import type { BlockSource } from './block-graphs.ts';
import type { GateMemory } from './gate-memory.ts';
import {
	compileAllWeights,
	compileLogSumExp,
	compileUpdate,
	type ProductKind,
} from './incremental-graphs.ts';
import { LogSumExp } from './log-sum-exp.ts';
import { RememberedProjections, type RowSizes, rowSizes } from './remembered-projections.ts';
import type { Remembered } from './remembered.ts';
import type { SharedGraphs } from './shared-graphs.ts';

type Graphs = { logSumExp: LoadedGraph; update: LoadedGraph; allWeights: LoadedGraph | null };

/** Addresses in the gates' memory; keys [heads, 2 · changed, row], fresh before stale; values [heads, changed, headDim]. */
type Gathered = { keys: number; staleValues: number; freshValues: number };

/**
 * Attention over all tokens whose two products are updated by what changed keys contribute (Eventful Transformers, sections
 * 4.2 and 4.3); incremental-graphs.ts has the equations.
 */
export class IncrementalAttention implements BlockAttention {
	changedKeys: Int32Array = new Int32Array(0);
	readonly output: AttentionOutput;
	readonly #memory: GateMemory;
	readonly #graphs: Graphs;
	readonly #sizes: RowSizes;
	readonly #exact: boolean;
	readonly #projections: RememberedProjections;
	readonly #logSumExp: LogSumExp;
	/** Null where the product is exact. */
	readonly #weights: AttentionWeights | null;

	private constructor(source: BlockSource, memory: GateMemory, graphs: Graphs, kind: ProductKind) {
		this.#memory = memory;
		this.#graphs = graphs;
		this.#sizes = rowSizes(source);
		this.#exact = kind.product === 'exact';
		this.#projections = new RememberedProjections(source, memory);
		this.output = new AttentionOutput(source, this.#sizes, memory);
		this.#logSumExp = new LogSumExp(this.#projections, this.output, memory, graphs.logSumExp, kind);
		this.#weights = kind.product === 'delta' ? new AttentionWeights(this.#sizes, memory) : null;
	}

	static async load(source: BlockSource, memory: GateMemory, shared: SharedGraphs, kind: ProductKind) {
		const { tokens, keys, row, width } = rowSizes(source);
		const sizes = { tokens, keys, row, width, ...kind };
		const isDelta = kind.product === 'delta';
		const graphs = {
			logSumExp: await shared.load('log-sum-exp', sizes, (of) => compileLogSumExp(of, of)),
			update: await shared.load('update', sizes, (of) => compileUpdate(of, of)),
			allWeights: isDelta ? await shared.load('all-weights', sizes, (of) => compileAllWeights(of, of)) : null,
		};
		return new IncrementalAttention(source, memory, graphs, kind);
	}

	prepare(): void {
		this.output.prepare();
		this.#projections.prepare();
	}

	async update(fresh: Projected): Promise<void> {
		if (fresh.count === 0) {
			this.changedKeys = new Int32Array(0);
			return;
		}
		this.#projections.setQueries(fresh);
		const changed = this.#projections.changedKeys(fresh);
		this.changedKeys = changed;
		if (fresh.first || changed.length === this.#sizes.keys) {
			this.#projections.setKeysAndValues(fresh, changed);
			return this.#computeAll();
		}
		if (changed.length === 0) return; // the selected tokens belong to no pooled key
		const gathered = this.#gatherAround(changed, () => this.#projections.setKeysAndValues(fresh, changed));
		const due = this.#logSumExp.due(fresh);
		await this.#logSumExp.recompute(due);
		await this.#updateOutput(changed, gathered, due);
	}

	remembered(): Remembered {
		return {
			...this.#projections.remembered(),
			output: this.output.data,
			...this.#logSumExp.remembered(),
			...(this.#weights && { weights: this.#weights.data }),
		};
	}

	/** Computes log-sum-exps, attention weights and output of all queries from all keys. */
	async #computeAll(): Promise<void> {
		const { tokens, keys, heads: all } = this.#sizes;
		const { allWeights } = this.#graphs;
		this.#logSumExp.reset();
		if (!allWeights) return this.#logSumExp.recompute(upTo(tokens));
		for (const heads of headRanges(all, keys * tokens)) {
			const outputs = await allWeights.run(
				{
					queries: this.#projections.tensor('queries', heads),
					keys: this.#projections.tensor('keys', heads),
					values: this.#projections.tensor('values', heads),
				},
				['correction', 'weights', 'output'],
			);
			this.#logSumExp.correct(upTo(tokens), floats(outputs, 'correction'), heads);
			this.#weights?.replace(floats(outputs, 'weights'), heads);
			this.output.ofHeads(heads).set(floats(outputs, 'output'));
		}
	}

	/** Updates the output of all queries by the `changed` keys; the log-sum-exps of the queries `due` are up to date already. */
	async #updateOutput(changed: Int32Array, gathered: Gathered, due: Int32Array): Promise<void> {
		const { tokens, heads: all } = this.#sizes;
		for (const heads of headRanges(all, 2 * changed.length * tokens)) {
			const unchanged = new Int32Array(tokens).fill(1);
			for (const query of due) unchanged[query] = 0;
			const outputs = await this.#runUpdate(changed, gathered, heads, unchanged);
			// With the exact product, recomputing a log-sum-exp has written the query's output.
			const written = this.#exact ? unchanged.map((is, token) => (is ? token : -1)) : upTo(tokens);
			this.output.scatter(written, heads);
			this.#logSumExp.multiply(outputs, unchanged, heads);
			this.#weights?.remember(changed, heads);
		}
	}

	/**
	 * Runs the update graph for some heads, with the new output in the scratch rows. Recomputes log-sum-exps that would lose
	 * precision and runs it again; clears `unchanged` for those queries.
	 */
	async #runUpdate(
		changed: Int32Array,
		gathered: Gathered,
		heads: HeadRange,
		unchanged: Int32Array,
	): Promise<Record<string, GraphTensor>> {
		const { tokens, width, row } = this.#sizes;
		const { length } = changed;
		const rows = (at: number, count: number, size: number) => {
			const { data } = this.#memory.array(at + 4 * heads.first * count * size, heads.count * count * size);
			return float32(data, [heads.count, count, size]);
		};
		const outputShape = [heads.count, tokens, width];
		for (;;) {
			const feeds: Record<string, GraphTensor> = {
				queries: this.#projections.tensor('queries', heads),
				keys: rows(gathered.keys, 2 * length, row),
				'values.fresh': rows(gathered.freshValues, length, width),
				'values.stale': rows(gathered.staleValues, length, width),
				unchanged: { type: 'int32', data: unchanged, shape: [1, 1, tokens] },
				'output.before': float32(this.output.ofHeads(heads), outputShape),
			};
			const scratch = this.#memory.scratch.rows.data.subarray(0, heads.count * tokens * width);
			const into: Record<string, GraphTensor> = { output: float32(scratch, outputShape) };
			if (this.#weights) {
				const { stale, fresh } = this.#weights.exchange(changed, heads);
				feeds['weights.stale'] = stale;
				into['weights'] = fresh;
			}
			const outputs = await this.#graphs.update.run(feeds, ['growth', 'ratio'], into);
			const imprecise = this.#logSumExp.imprecise(outputs, unchanged, heads);
			if (imprecise.length === 0) return outputs;
			await this.#logSumExp.recompute(imprecise, heads);
			for (const query of imprecise) unchanged[query] = 0;
		}
	}

	/** Copies the `changed` keys and values to the packed scratch array as they are before and after `replace`. */
	#gatherAround(changed: Int32Array, replace: () => void): Gathered {
		const { heads, row, width } = this.#sizes;
		const { at, data } = this.#memory.packed;
		const { length } = changed;
		const [keys, values] = [heads * length * row, heads * length * width];
		assert(2 * (keys + values) <= data.length, 'the packed array holds stale and fresh keys and values');
		const gathered = {
			keys: at,
			staleValues: at + 4 * 2 * keys,
			freshValues: at + 4 * (2 * keys + values),
		};
		const headStride = 2 * length;
		this.#projections.gather('keys', changed, gathered.keys + 4 * length * row, { headStride });
		this.#projections.gather('values', changed, gathered.staleValues);
		replace();
		this.#projections.gather('keys', changed, gathered.keys, { headStride });
		this.#projections.gather('values', changed, gathered.freshValues);
		return gathered;
	}
}
