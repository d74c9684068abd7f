import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime, GraphTensor } from '../../runtime/runtime.ts';
import { extraTotal, tokenTotal, type VitPlan } from '../../vit/plan.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { compileFull } from '../vit-graphs.ts';
import { blockMemory, distinctLayouts, keyPositions, paddingRows, placeInWindow } from './memory-layout.ts';
import { ROWS } from './partial-attention.ts';
import { compilePartial, SELECTED } from './partial-graph.ts';
import { Slots } from './slots.ts';
import type { TokenStore } from './token-store.ts';
import { WindowIndices } from './window-indices.ts';
import { writesDuringRun } from './writes-during-run.ts';

/** Keys or values of a block: [heads, padding + tokens, width]. */
type Table = {
	name: string;
	data: Float32Array;
	padding: number;
	rows: number;
	width: number;
	/** What follows every token's `headDim` numbers, [tokens, positions' width]; null where nothing does. */
	positions: Float32Array | null;
	inPlace: boolean;
	/** What graphs read. */
	tensor: GraphTensor;
};

/**
 * Keys and values in memory that graphs read and write where it lies. Where a runtime can't write outputs while it runs, they
 * are written after the run, and the graph makes copies of its own.
 */
export class StoreInPlace implements TokenStore {
	readonly answers: { grid: Float32Array; extra: Float32Array };
	readonly scores: Float32Array | null;
	readonly flushMacs: number;
	readonly #plan: VitPlan;
	readonly #full: LoadedGraph;
	readonly #partial: LoadedGraph;
	readonly #tables: readonly Table[];
	/** By name, what residuals read of all tokens: [tokens, dim]. */
	readonly #residuals: ReadonlyMap<string, Float32Array>;
	readonly #slots: Slots;
	readonly #extraTokens: Int32Array;
	readonly #windows: readonly WindowIndices[];

	static async load(plan: VitPlan, weights: WeightLookup, runtime: GraphRuntime): Promise<StoreInPlace> {
		if (await writesDuringRun(runtime)) {
			const store = await StoreInPlace.#load(plan, weights, runtime, { inPlace: true });
			if (await store.#readsWhatItWrote()) return store;
			await store.release();
		}
		return StoreInPlace.#load(plan, weights, runtime, { inPlace: false });
	}

	static async #load(
		plan: VitPlan,
		weights: WeightLookup,
		runtime: GraphRuntime,
		{ inPlace }: { inPlace: boolean },
	): Promise<StoreInPlace> {
		const full = compileFull(plan, weights, { keepKeysAndValues: true, withScores: plan.scorer !== null });
		const partial = compilePartial(plan, weights, { inPlace });
		return new StoreInPlace(plan, createTables(plan, weights, inPlace), {
			full: await LoadedGraph.load(runtime, full),
			partial: await LoadedGraph.load(runtime, partial),
		});
	}

	private constructor(
		plan: VitPlan,
		tables: readonly Table[],
		graphs: { full: LoadedGraph; partial: LoadedGraph },
	) {
		const [gridTokens, tokens, extra] = [tokenCount(plan.grid), tokenTotal(plan), extraTotal(plan)];
		this.answers = {
			grid: new Float32Array(gridTokens * (plan.answers.grid?.width ?? 0)),
			extra: new Float32Array(extra * (plan.answers.extra?.width ?? 0)),
		};
		this.scores = plan.scorer && new Float32Array(gridTokens);
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
		this.#extraTokens = Int32Array.from({ length: extra }, (_, i) =>
			i < plan.extra.before ? i : gridTokens + i,
		);
		this.#slots = new Slots(tokens, this.#extraTokens);
		this.#windows = distinctLayouts(plan).layouts.map((layout) => new WindowIndices(layout, plan.heads));
	}

	macs(count: number): number {
		return this.#partial.macs({ [SELECTED]: count, [ROWS]: count + this.#extraTokens.length });
	}

	async flush(picture: Float32Array): Promise<void> {
		const { grid, extra } = this.#plan;
		const outputs = await this.#full.run(
			{ picture: float32(picture, [1, 3, grid.rows * grid.stride, grid.cols * grid.stride]) },
			[...this.#answerNames(), ...this.#tables.map(({ name }) => name), ...this.#residuals.keys()],
		);
		this.#slots.reset();
		for (const table of this.#tables) this.#fill(table, floats(outputs, table.name));
		for (const [name, data] of this.#residuals) data.set(floats(outputs, name));
		if (this.#plan.answers.grid) this.answers.grid.set(floats(outputs, 'head'));
		if (this.#plan.answers.extra) this.answers.extra.set(floats(outputs, 'extra'));
		const first = extra.before;
		this.scores?.set(floats(outputs, 'scores').subarray(first, first + tokenCount(grid)));
	}

	async update(tokens: Int32Array, count: number, windows: Float32Array): Promise<void> {
		const { windowSize } = this.#plan.grid;
		const computed = this.#computed(tokens, count);
		const rows = computed.length;
		const { from, to } = this.#slots.arrange(computed, count);
		for (const table of this.#tables) moveRows(table, this.#plan.heads, from, to);
		const outputs = await this.#partial.run(
			{
				windows: float32(windows, [count, 3, windowSize, windowSize]),
				tokens: { type: 'int64', data: BigInt64Array.from(computed, BigInt), shape: [rows] },
				...Object.fromEntries(this.#tables.map(({ name, tensor }) => [name, tensor])),
				...this.#residualTensors(),
				...this.#windowTensors(computed),
			},
			[
				...this.#answerNames(),
				...this.#tables.filter(({ inPlace }) => !inPlace).map(({ name }) => `${name}.fresh`),
				...[...this.#residuals.keys()].map((name) => `${name}.fresh`),
			],
			this.#lastRows(rows),
		);
		for (const table of this.#tables) {
			if (!table.inPlace) this.#putLast(table, floats(outputs, `${table.name}.fresh`), rows);
		}
		for (const [name, data] of this.#residuals) {
			putRows(data, this.#plan.dim, floats(outputs, `${name}.fresh`), computed);
		}
		this.#putAnswers(outputs, tokens.subarray(0, count));
	}

	saveState(): Promise<NamedArrays> {
		const arrays = Object.entries(this.#remembered()).map(([name, data]) => [`store.${name}`, data.slice()]);
		return Promise.resolve({
			...(Object.fromEntries(arrays) as NamedArrays),
			'store.tokenAt': this.#slots.tokenAt.slice(),
		});
	}

	restoreState(state: NamedArrays): void {
		for (const [name, data] of Object.entries(this.#remembered())) {
			const saved = state[`store.${name}`];
			assert(saved instanceof Float32Array && saved.length === data.length, `a snapshot holds store.${name}`);
			data.set(saved);
		}
		const tokenAt = state['store.tokenAt'];
		assert(
			tokenAt instanceof Int32Array && tokenAt.length === tokenTotal(this.#plan),
			'a snapshot holds store.tokenAt',
		);
		this.#slots.settle(tokenAt);
	}

	async release(): Promise<void> {
		await this.#full.release();
		await this.#partial.release();
	}

	/**
	 * Whether the loaded graph, whose nodes a runtime may have put in another order, writes fresh rows before it reads them:
	 * what was there is not a number, and would make everything so.
	 */
	async #readsWhatItWrote(): Promise<boolean> {
		const { grid } = this.#plan;
		const last = Int32Array.of(tokenCount(grid) - 1); // stands before the extra tokens already, so that no row moves
		const rows = last.length + this.#extraTokens.length;
		for (const { data } of Object.values(this.#lastRows(rows))) (data as Float32Array).fill(NaN);
		await this.update(last, 1, new Float32Array(3 * grid.windowSize ** 2));
		const { grid: ofGrid, extra } = this.answers;
		return ![ofGrid, extra].some((answers) => answers.some(Number.isNaN));
	}

	/** Everything that later frames depend on, but for the slots. */
	#remembered(): Record<string, Float32Array> {
		return {
			...Object.fromEntries(this.#tables.map(({ name, data }) => [name, data])),
			...Object.fromEntries(this.#residuals),
			'answers.grid': this.answers.grid,
			'answers.extra': this.answers.extra,
			...(this.scores && { scores: this.scores }),
		};
	}

	#answerNames(): string[] {
		const { answers, scorer } = this.#plan;
		return [
			...(answers.grid ? ['head'] : []),
			...(answers.extra ? ['extra'] : []),
			...(scorer ? ['scores'] : []),
		];
	}

	/** The selected tokens and all extra ones, as the plan counts them. */
	#computed(tokens: Int32Array, count: number): Int32Array {
		const computed = new Int32Array(count + this.#extraTokens.length);
		for (let i = 0; i < count; i++) computed[i] = this.#plan.extra.before + tokens[i]!;
		computed.set(this.#extraTokens, count);
		return computed;
	}

	#residualTensors(): Record<string, GraphTensor> {
		const shape = [tokenTotal(this.#plan), this.#plan.dim];
		const tensors = [...this.#residuals].map(([name, data]) => [name, float32(data, shape)] as const);
		return Object.fromEntries(tensors);
	}

	#windowTensors(computed: Int32Array): Record<string, GraphTensor> {
		const tensors: Record<string, GraphTensor> = {};
		this.#windows.forEach((indices, layout) => {
			for (const [name, tensor] of Object.entries(indices.of(computed, this.#slots.slotOf))) {
				tensors[`windows.${layout}.${name}`] = tensor;
			}
		});
		return tensors;
	}

	/** Per table that is written in place and head the last `count` rows, for a graph to write to. */
	#lastRows(count: number): Record<string, GraphTensor> {
		const tensors: Record<string, GraphTensor> = {};
		for (const { name, data, rows, width, inPlace } of this.#tables) {
			if (!inPlace) continue;
			for (let head = 0; head < this.#plan.heads; head++) {
				const end = (head + 1) * rows * width;
				const last = data.subarray(end - count * width, end);
				tensors[`${name}.${head}`] = float32(last, [1, count, width]);
			}
		}
		return tensors;
	}

	/** Fresh rows [heads, count, width] become the last ones of each head. */
	#putLast({ data, rows, width }: Table, fresh: Float32Array, count: number): void {
		for (let head = 0; head < this.#plan.heads; head++) {
			const own = fresh.subarray(head * count * width, (head + 1) * count * width);
			data.set(own, ((head + 1) * rows - count) * width);
		}
	}

	/** All tokens' numbers [heads, tokens, headDim], in the plan's order, become the table's rows. */
	#fill({ data, padding, rows, width, positions }: Table, fresh: Float32Array): void {
		const { tokenAt } = this.#slots;
		const tokens = tokenAt.length;
		const own = fresh.length / (this.#plan.heads * tokens);
		for (let head = 0; head < this.#plan.heads; head++) {
			for (let slot = 0; slot < tokens; slot++) {
				const token = tokenAt[slot]!;
				const [source, target] = [(head * tokens + token) * own, (head * rows + padding + slot) * width];
				data.set(fresh.subarray(source, source + own), target);
				if (!positions) continue;
				data.set(positions.subarray(token * (width - own), (token + 1) * (width - own)), target + own);
			}
		}
	}

	#putAnswers(outputs: Readonly<Record<string, GraphTensor>>, tokens: Int32Array): void {
		const { grid, extra } = this.#plan.answers;
		if (grid) putRows(this.answers.grid, grid.width, floats(outputs, 'head'), tokens);
		if (extra) this.answers.extra.set(floats(outputs, 'extra'));
		if (this.scores) putRows(this.scores, 1, floats(outputs, 'scores'), tokens);
	}
}

function createTables(plan: VitPlan, weights: WeightLookup, inPlace: boolean): Table[] {
	return plan.blocks.flatMap((block, i) => {
		const { padding, rows, keyWidth, valueWidth } = blockMemory(plan, block);
		const ofPadding = paddingRows(plan, weights, block);
		const table = (of: 'keys' | 'values', width: number, positions: Float32Array | null): Table => {
			const data = new Float32Array(plan.heads * rows * width);
			for (let head = 0; head < plan.heads; head++) {
				const own = ofPadding[of].subarray(head * padding * width, (head + 1) * padding * width);
				data.set(own, head * rows * width);
			}
			const shape = block.window ? [plan.heads * rows, width] : [plan.heads, 1, rows, width];
			const tensor = float32(data, shape);
			const name = `${of}.${i}`;
			return { name, data, padding, rows, width, positions, inPlace: inPlace && !block.window, tensor };
		};
		const positions = block.relative ? positionsOfTokens(plan, block) : null;
		return [table('keys', keyWidth, positions), table('values', valueWidth, null)];
	});
}

/** What follows each token's key: [tokens, key rows + key cols]. */
function positionsOfTokens(plan: VitPlan, block: VitPlan['blocks'][number]): Float32Array {
	const { keyWidth, valueWidth } = blockMemory(plan, block);
	const width = keyWidth - valueWidth;
	const positions = keyPositions(plan, block);
	const out = new Float32Array(tokenTotal(plan) * width);
	placeInWindow(plan, block).forEach((place, token) =>
		out.set(positions.subarray(place * width, (place + 1) * width), token * width),
	);
	return out;
}

/**
 * Copies each head's row of slot `from[i]` over that of slot `to[i]`. Rows of a head are short: two numbers at a time, in a loop
 * of one's own, they are copied in two thirds of the time that `copyWithin` takes for them.
 */
function moveRows(
	{ data, padding, rows, width }: Table,
	heads: number,
	from: Int32Array,
	to: Int32Array,
): void {
	const even = width % 2 === 0;
	const numbers = even ? new Float64Array(data.buffer, data.byteOffset, data.length / 2) : data;
	const step = even ? width / 2 : width;
	for (let head = 0; head < heads; head++) {
		const first = head * rows + padding;
		for (let i = 0; i < from.length; i++) {
			const source = (first + from[i]!) * step;
			const target = (first + to[i]!) * step;
			for (let j = 0; j < step; j++) numbers[target + j] = numbers[source + j]!;
		}
	}
}

/** Row i of `fresh` becomes row `places[i]` of `rows`. */
function putRows(rows: Float32Array, width: number, fresh: Float32Array, places: Int32Array): void {
	for (let i = 0; i < places.length; i++) {
		rows.set(fresh.subarray(i * width, (i + 1) * width), places[i]! * width);
	}
}
