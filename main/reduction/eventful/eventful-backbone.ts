import type { WeightLookup } from '../../graph/layers.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import { tokenTotal, type VitPlan } from '../../vit/plan.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { compileResidual } from '../vit-graphs.ts';
import { attentionSizes } from './attention-sizes.ts';
import type { BlockSource } from './block-graphs.ts';
import { noOperations, type OperationCounts } from './counts.ts';
import { EventfulBlock } from './eventful-block.ts';
import { GateMemory } from './gate-memory.ts';
import type { BlockMethod } from './method.ts';
import type { GatePolicy } from './policy.ts';
import { prefixed, type Remembered, rememberedBytes } from './remembered.ts';
import { SharedGraphs } from './shared-graphs.ts';

/** Operations of one frame, counted as published: in blocks, and between them (positions, residual networks). */
export type FrameCounts = { between: OperationCounts; blocks: OperationCounts[] };

/** Positions [tokens, dim] in the gates' memory. */
type Table = { at: number; data: Float32Array };

/**
 * The blocks of a plan over time, with gates. Copies into and out of the runtime cost 0.1 ms per megabyte, so matrix products
 * run as small ONNX graphs on gathered rows; references, buffers and the loops over them stay in one WebAssembly memory; of
 * the largest state, the attention weights, only changed columns are copied.
 */
export class EventfulBackbone {
	readonly blocks: readonly EventfulBlock[];
	/** Whether the next frame is computed whole. */
	first = true;
	/** The tokens [tokens, dim] after each of the plan's `features`; valid until the next frame. */
	features: readonly Float32Array[] = [];
	readonly #plan: VitPlan;
	readonly #memory: GateMemory;
	readonly #shared: SharedGraphs;
	/** Residual networks behind the blocks' MLPs, computed in full in every frame. */
	readonly #residuals: readonly (LoadedGraph | null)[];
	readonly #stream: number;
	/** Positions added to the stream before block i, or after the last one (entry `blocks.length`). */
	readonly #positions: readonly (Table | null)[];

	private constructor(
		plan: VitPlan,
		memory: GateMemory,
		shared: SharedGraphs,
		parts: {
			blocks: readonly EventfulBlock[];
			residuals: readonly (LoadedGraph | null)[];
			positions: readonly (Float32Array | null)[];
		},
	) {
		this.#plan = plan;
		this.#memory = memory;
		this.#shared = shared;
		this.#residuals = parts.residuals;
		this.#stream = memory.reserve(tokenTotal(plan) * plan.dim);
		this.#positions = parts.positions.map((data) => data && { at: memory.reserve(data.length), data });
		this.blocks = parts.blocks;
		memory.make();
		for (const table of this.#positions)
			if (table) memory.array(table.at, table.data.length).data.set(table.data);
		for (const block of this.blocks) block.prepare();
	}

	/** `methods`: one per block. */
	static async load(
		plan: VitPlan,
		weights: WeightLookup,
		runtime: GraphRuntime,
		methods: readonly BlockMethod[],
	): Promise<EventfulBackbone> {
		const sources = plan.blocks.map((block): BlockSource => ({ plan, weights, block }));
		const memory = new GateMemory(scratchSizes(sources, tokenTotal(plan)));
		const shared = new SharedGraphs(runtime);
		const blocks: EventfulBlock[] = [];
		const residuals: (LoadedGraph | null)[] = [];
		for (const [i, source] of sources.entries()) {
			blocks.push(await EventfulBlock.load(source, methods[i]!, memory, runtime, shared));
			const graph = source.block.residual && compileResidual(plan, weights, i);
			residuals.push(graph && (await LoadedGraph.load(runtime, graph)));
		}
		const tables = [plan.absolute, ...plan.blocks.map(({ positionsAfter }) => positionsAfter)];
		const positions = tables.map((table) => table && table(weights).data);
		return new EventfulBackbone(plan, memory, shared, { blocks, residuals, positions });
	}

	/** The residual stream [tokens, dim]; valid until the next frame. */
	get tokens(): Float32Array {
		return this.#memory.array(this.#stream, tokenTotal(this.#plan) * this.#plan.dim).data;
	}

	/** The next frame is computed whole. */
	reset(): void {
		this.first = true;
	}

	/**
	 * Runs a frame's tokens [tokens, dim], without absolute positions; all gates use `policy`. `after` is called with the stream
	 * after each block, before positions are added to it.
	 */
	async run(
		tokens: Float32Array,
		policy: GatePolicy,
		after?: (block: number, tokens: Float32Array) => void,
	): Promise<FrameCounts> {
		const stream = this.tokens;
		const counts: FrameCounts = { between: noOperations(), blocks: [] };
		stream.set(tokens);
		this.#addPositions(0, counts.between);
		const asked = this.first ? null : policy;
		this.first = false;
		const states = [this.#stateAfter(0)];
		// The next gate adds a block's MLP output to the stream, unless something else needs the sum first.
		let added = 0;
		for (const [i, block] of this.blocks.entries()) {
			counts.blocks.push(await block.run(this.#stream, added, asked));
			({ added } = block);
			const isLast = i === this.blocks.length - 1;
			const stops = this.#plan.features.includes(i + 1) || this.#positions[i + 1];
			if (isLast || stops || this.#residuals[i]) {
				this.#memory.kernel.add({ a: this.#stream, b: added, out: this.#stream, floats: stream.length });
				added = 0;
			}
			await this.#addResidual(i, counts.between);
			after?.(i, added ? this.#sum(added) : stream);
			this.#addPositions(i + 1, counts.between);
			states.push(this.#stateAfter(i + 1));
		}
		this.features = states.filter((state) => state !== null);
		return counts;
	}

	remembered(): Remembered {
		return Object.assign(
			{},
			...this.blocks.map((block, i) => prefixed(`${i}.`, block.remembered())),
		) as Remembered;
	}

	/** Bytes that outlive a frame. */
	get stateBytes(): number {
		return rememberedBytes(this.remembered());
	}

	async release(): Promise<void> {
		for (const block of this.blocks) await block.release();
		for (const residual of this.#residuals) await residual?.release();
		await this.#shared.release();
	}

	#addPositions(block: number, counts: OperationCounts): void {
		const table = this.#positions[block];
		if (!table) return;
		this.#memory.kernel.add({ a: this.#stream, b: table.at, out: this.#stream, floats: table.data.length });
		counts.add += table.data.length;
	}

	async #addResidual(block: number, counts: OperationCounts): Promise<void> {
		const residual = this.#residuals[block];
		if (!residual) return;
		const { tokens } = this;
		const { packed } = this.#memory;
		const shape = [tokenTotal(this.#plan), this.#plan.dim];
		const outputs = await residual.run({ tokens: float32(tokens, shape) }, ['added']);
		packed.data.set(floats(outputs, 'added'));
		this.#memory.kernel.add({ a: this.#stream, b: packed.at, out: this.#stream, floats: tokens.length });
		counts.linear += residual.macs();
		counts.add += tokens.length;
	}

	/** The stream after `blocks` blocks if the plan reads it; a copy where later blocks overwrite it. */
	#stateAfter(blocks: number): Float32Array | null {
		if (!this.#plan.features.includes(blocks)) return null;
		return blocks === this.blocks.length ? this.tokens : this.tokens.slice();
	}

	#sum(added: number): Float32Array {
		const { packed } = this.#memory;
		const { length } = this.tokens;
		this.#memory.kernel.add({ a: this.#stream, b: added, out: packed.at, floats: length });
		return packed.data.subarray(0, length);
	}
}

/** Scratch arrays large enough for every block. */
function scratchSizes(sources: readonly BlockSource[], tokens: number) {
	const sizes = { rows: 0, tokens, indices: tokens, packed: 0, queries: 0, projected: 0 };
	for (const source of sources) {
		const { windows, slots, keys, heads, width, extended, dim } = attentionSizes(source);
		const most = windows * Math.max(slots, keys);
		sizes.rows = Math.max(sizes.rows, most * heads * extended);
		sizes.indices = Math.max(sizes.indices, most);
		const inputs = windows * (slots * heads * extended + keys * heads * (extended + width));
		const staleAndFresh = 2 * windows * keys * heads * (extended + 1 + width);
		sizes.queries = Math.max(sizes.queries, windows === 1 ? slots * heads * (extended + 1) : 0);
		sizes.projected = Math.max(sizes.projected, tokens * (heads * extended + 2 * dim));
		sizes.packed = Math.max(sizes.packed, inputs, staleAndFresh, tokens * dim);
	}
	return sizes;
}
