import { isDeepStrictEqual } from 'node:util';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { LoadedGraph, roundsAllProducts } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime, GraphTensor, GraphTensors } from '../../runtime/runtime.ts';
import { tokenTotal, type VitPlan } from '../../vit/plan.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { compileFull } from '../vit-graphs.ts';
import { KeyValueTables } from './key-value-tables.ts';
import { asMemory } from './memory-from-graph.ts';
import { ROWS } from './memory-layout.ts';
import type { MemoryTables } from './memory-tables.ts';
import { compilePartial, SELECTED } from './partial-graph.ts';
import { asRounded, roundableBlocks } from './rounded-attention.ts';
import { RoundedTables } from './rounded-tables.ts';
import { putRows } from './remembered-answers.ts';
import { savedArray, TokenPlaces } from './token-places.ts';
import type { TokenStore } from './token-store.ts';
import { writesDuringRun } from './writes-during-run.ts';

/** Of a frame: each finds out how much room the blocks behind the first need, whose numbers depend on those before. */
const MOST_RUNS = 4;

/**
 * Keys and values in memory that graphs read and write where it lies. Where a runtime can't write outputs while it runs, they
 * are written after the run, and the graph makes copies of its own.
 */
export class StoreInPlace implements TokenStore {
	readonly flushMacs: number;
	readonly #plan: VitPlan;
	readonly #places: TokenPlaces;
	readonly #full: LoadedGraph;
	readonly #partial: LoadedGraph;
	readonly #tables: readonly MemoryTables[];
	/** By name, what residuals read of all tokens: [tokens, dim]. */
	readonly #residuals: ReadonlyMap<string, Float32Array>;

	static async load(plan: VitPlan, weights: WeightLookup, runtime: GraphRuntime): Promise<StoreInPlace> {
		if (await writesDuringRun(runtime)) {
			const rounded = (await roundsAllProducts(runtime)) ? roundableBlocks(plan) : [];
			const store = await StoreInPlace.#load(plan, weights, runtime, { inPlace: true, rounded });
			if (await store.#readsWhatItWrote()) return store;
			await store.release();
		}
		return StoreInPlace.#load(plan, weights, runtime, { inPlace: false, rounded: [] });
	}

	/** `rounded`: the blocks that remember in whole numbers of eight bits. */
	static async #load(
		plan: VitPlan,
		weights: WeightLookup,
		runtime: GraphRuntime,
		{ inPlace, rounded }: { inPlace: boolean; rounded: readonly number[] },
	): Promise<StoreInPlace> {
		const full = compileFull(plan, weights, {
			keepKeysAndValues: true,
			withScores: plan.scorer !== null,
			asKept(layers, i, of, all) {
				if (!rounded.includes(i)) return all;
				const rows = asMemory(plan, weights, layers, plan.blocks[i]!, of, all);
				return asRounded(layers, `${of}.${i}`, of, rows);
			},
		});
		const writes = inPlace ? 'during-run' : 'after-run';
		const partial = compilePartial(plan, weights, { writes, rounded });
		const others = [...plan.blocks.keys()].filter((i) => !rounded.includes(i));
		const tables = [
			new KeyValueTables(plan, weights, { blocks: others, inPlace }),
			new RoundedTables(plan, rounded),
		];
		return new StoreInPlace(plan, tables, {
			full: await LoadedGraph.load(runtime, full),
			partial: await LoadedGraph.load(runtime, partial),
		});
	}

	private constructor(
		plan: VitPlan,
		tables: readonly MemoryTables[],
		graphs: { full: LoadedGraph; partial: LoadedGraph },
	) {
		const tokens = tokenTotal(plan);
		this.#places = new TokenPlaces(plan);
		this.flushMacs = graphs.full.macs();
		this.#plan = plan;
		this.#full = graphs.full;
		this.#partial = graphs.partial;
		this.#tables = tables;
		this.#residuals = new Map(
			plan.blocks.flatMap(({ residual }, i) =>
				residual ? [[`residual.${i}`, new Float32Array(tokens * plan.dim)] as const] : [],
			),
		);
	}

	get answers() {
		return this.#places.remembered.answers;
	}

	get scores() {
		return this.#places.remembered.scores;
	}

	macs(count: number): number {
		return this.#partial.macs({ [SELECTED]: count, [ROWS]: count + this.#places.extraTokens.length });
	}

	async flush(picture: Float32Array): Promise<void> {
		const { grid } = this.#plan;
		const outputs = await this.#full.run(
			{ picture: float32(picture, [1, 3, grid.rows * grid.stride, grid.cols * grid.stride]) },
			[
				...this.#places.remembered.names,
				...this.#tables.flatMap(({ wholeNames }) => wholeNames),
				...this.#residuals.keys(),
			],
			merged(this.#tables.map(({ whole }) => whole)),
		);
		this.#places.reset();
		for (const tables of this.#tables) tables.fill(outputs, this.#places.rows.tokenAt);
		for (const [name, data] of this.#residuals) data.set(floats(outputs, name));
		this.#places.remembered.putAll(outputs);
	}

	async update(tokens: Int32Array, count: number, windows: Float32Array): Promise<number> {
		const { windowSize } = this.#plan.grid;
		const computed = this.#places.computed(tokens, count);
		const rows = computed.length;
		const { from, to } = this.#places.rows.arrange(computed, count);
		for (const tables of this.#tables) tables.move(from, to);
		const feeds = {
			windows: float32(windows, [count, 3, windowSize, windowSize]),
			tokens: { type: 'int64', data: BigInt64Array.from(computed, BigInt), shape: [rows] } as const,
			...merged(this.#tables.map(({ tensors }) => tensors)),
			...this.#residualTensors(),
			...this.#places.positions.tensors,
			...this.#places.windowTensors(computed, rows),
		};
		const wanted = [
			...this.#places.remembered.names,
			...this.#tables.flatMap(({ freshNames }) => freshNames),
			...[...this.#residuals.keys()].map((name) => `${name}.fresh`),
		];
		const into = merged(this.#tables.map((tables) => tables.fresh(rows)));
		let outputs: GraphTensors;
		let runs = 0;
		let isFair: boolean;
		do {
			outputs = await this.#partial.run(feeds, wanted, into);
			isFair = this.#tables.map((tables) => tables.put(outputs, rows)).every(Boolean);
		} while (++runs < MOST_RUNS && !isFair);
		for (const [name, data] of this.#residuals) {
			putRows(data, this.#plan.dim, floats(outputs, `${name}.fresh`), computed);
		}
		this.#places.remembered.put(outputs, tokens.subarray(0, count));
		return runs * this.macs(count);
	}

	roll(rows: number, cols: number): void {
		this.#places.roll(rows, cols);
	}

	saveState(): Promise<NamedArrays> {
		const state: NamedArrays = this.#places.saveState();
		for (const tables of this.#tables) Object.assign(state, tables.saveState());
		for (const [name, data] of this.#residuals) state[`store.${name}`] = data.slice();
		return Promise.resolve(state);
	}

	restoreState(state: NamedArrays): void {
		for (const tables of this.#tables) tables.restoreState(state);
		for (const [name, data] of this.#residuals) data.set(savedArray(state, name, data.length));
		this.#places.restoreState(state);
	}

	async release(): Promise<void> {
		await this.#full.release();
		await this.#partial.release();
	}

	/**
	 * Whether the loaded graph, whose nodes a runtime may have put in another order, writes fresh rows before it reads them: then
	 * its answers do not depend on what was there.
	 */
	async #readsWhatItWrote(): Promise<boolean> {
		const some = await this.#answersAfter(100);
		const others = await this.#answersAfter(-100);
		return isDeepStrictEqual(some, others);
	}

	/** What is answered of the last token of an empty picture where the rows that are to be written were full of a number before. */
	async #answersAfter(leftOver: number): Promise<Float32Array[]> {
		const { grid } = this.#plan;
		const last = Int32Array.of(tokenCount(grid) - 1); // stands before the extra tokens already, so that no row moves
		const rows = last.length + this.#places.extraTokens.length;
		const written = Object.values(merged(this.#tables.map((tables) => tables.fresh(rows))));
		for (const { data } of written) (data as Float32Array | Int8Array).fill(leftOver);
		await this.update(last, 1, new Float32Array(3 * grid.windowSize ** 2));
		return [this.answers.grid.slice(), this.answers.extra.slice()];
	}

	#residualTensors(): Record<string, GraphTensor> {
		const shape = [tokenTotal(this.#plan), this.#plan.dim];
		const tensors = [...this.#residuals].map(([name, data]) => [name, float32(data, shape)] as const);
		return Object.fromEntries(tensors);
	}
}

function merged(tensors: readonly GraphTensors[]): GraphTensors {
	return Object.assign({}, ...tensors) as GraphTensors;
}
