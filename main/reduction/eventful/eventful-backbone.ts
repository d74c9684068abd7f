import type { WeightLookup } from '../../graph/layers.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import { tokenTotal, type VitPlan } from '../../vit/plan.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { compileResidual } from '../vit-graphs.ts';
import { attentionSizes } from './attention.ts';
import type { BlockSource } from './block-graphs.ts';
import { noOperations, type OperationCounts } from './counts.ts';
import { EventfulBlock } from './eventful-block.ts';
import { GateMemory } from './gate-memory.ts';
import type { BlockMethod } from './method.ts';
import type { GatePolicy } from './policy.ts';
import { prefixed, type Remembered, rememberedBytes } from './remembered.ts';
import { SharedGraphs } from './shared-graphs.ts';

/** Operations of one frame, as published: of each block, and between them (positions, and residuals behind the MLPs). */
export type FrameCounts = { between: OperationCounts; blocks: OperationCounts[] };

/** Positions [tokens, dim] in the gates' memory. */
type Table = { at: number; data: Float32Array };

/**
 * The blocks of a plan over time, with gates. Where the work runs was decided by what crossing into the runtime costs
 * (0.1 ms a megabyte, each way): matrices run as small ONNX graphs on gathered rows; references, buffers and
 * the loops over them stay in one WebAssembly memory; the largest state, the shares of attention, is handed over by
 * selected columns only.
 */
export class EventfulBackbone {
	readonly blocks: readonly EventfulBlock[];
	/** Whether the next frame is computed whole. */
	first = true;
	/** The states of tokens that the plan reads, [tokens, dim] each; they hold until the next frame. */
	features: readonly Float32Array[] = [];
	readonly #plan: VitPlan;
	readonly #memory: GateMemory;
	readonly #shared: SharedGraphs;
	/** What a block adds behind its MLP, whole in every frame. */
	readonly #residuals: readonly (LoadedGraph | null)[];
	readonly #stream: number;
	/** What is added to the stream before block i; behind the last one: entry `blocks.length`. */
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
		const positions = tables.map((table) => table && table(weights));
		return new EventfulBackbone(plan, memory, shared, { blocks, residuals, positions });
	}

	/** Tokens after the last block that ran, [tokens, dim]; holds until the next frame. */
	get tokens(): Float32Array {
		return this.#memory.array(this.#stream, tokenTotal(this.#plan) * this.#plan.dim).data;
	}

	/** Forgets: the next frame is computed whole. */
	reset(): void {
		this.first = true;
	}

	/**
	 * Runs a frame's tokens [tokens, dim], before absolute positions; `policy` is that of all gates. `after` sees the stream
	 * behind each block, without the positions that follow it.
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
		// The last block's addition waits for the next gate to take it in, unless something else needs the sum.
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
		return Object.assign({}, ...this.blocks.map((block, i) => prefixed(`${i}.`, block.remembered())));
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
		const { tokens, packing } = { tokens: this.tokens, packing: this.#memory.packing };
		const shape = [tokenTotal(this.#plan), this.#plan.dim];
		const outputs = await residual.run({ tokens: float32(tokens, shape) }, ['added']);
		packing.data.set(floats(outputs, 'added'));
		this.#memory.kernel.add({ a: this.#stream, b: packing.at, out: this.#stream, floats: tokens.length });
		counts.linear += residual.macs();
		counts.add += tokens.length;
	}

	/** The stream after so many blocks, where the plan reads it; a copy unless nothing follows. */
	#stateAfter(blocks: number): Float32Array | null {
		if (!this.#plan.features.includes(blocks)) return null;
		return blocks === this.blocks.length ? this.tokens : this.tokens.slice();
	}

	#sum(added: number): Float32Array {
		const { packing } = this.#memory;
		const { length } = this.tokens;
		this.#memory.kernel.add({ a: this.#stream, b: added, out: packing.at, floats: length });
		return packing.data.subarray(0, length);
	}
}

/** Room that is enough for every block. */
function scratchSizes(sources: readonly BlockSource[], tokens: number) {
	const sizes = { rows: 0, tokens, indices: tokens, packing: 0, renewing: 0, projected: 0 };
	for (const source of sources) {
		const { windows, places, keys, heads, width, extended, dim } = attentionSizes(source);
		const most = windows * Math.max(places, keys);
		sizes.rows = Math.max(sizes.rows, most * heads * extended);
		sizes.indices = Math.max(sizes.indices, most);
		const apart = windows * (places * heads * extended + keys * heads * (extended + width));
		const twice = 2 * windows * keys * heads * (extended + 1 + width);
		sizes.renewing = Math.max(sizes.renewing, windows === 1 ? places * heads * (extended + 1) : 0);
		sizes.projected = Math.max(sizes.projected, tokens * (heads * extended + 2 * dim));
		sizes.packing = Math.max(sizes.packing, apart, twice, tokens * dim);
	}
	return sizes;
}
