import { GraphBuilder } from '../../graph/graph-builder.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { absolutePositions } from '../../vit/block-layers.ts';
import { planTokens, type VitPlan } from '../../vit/plan.ts';
import { attentionSizes } from './attention.ts';
import type { BlockSource } from './block-graphs.ts';
import { noOperations, type OperationCounts } from './counts.ts';
import { EventfulBlock } from './eventful-block.ts';
import { GateMemory } from './gate-memory.ts';
import type { BlockMethod } from './method.ts';
import type { GatePolicy } from './policy.ts';
import { prefixed, type Remembered, rememberedBytes } from './remembered.ts';
import { SharedGraphs } from './shared-graphs.ts';

/** Operations of one frame, as published: of adding positions, and of each block. */
export type FrameCounts = { positions: OperationCounts; blocks: OperationCounts[] };

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
	readonly #plan: VitPlan;
	readonly #memory: GateMemory;
	readonly #shared: SharedGraphs;
	readonly #stream: number;
	/** Address of the absolute positions [tokens, dim]; null where the plan has none. */
	readonly #positions: number | null;

	private constructor(
		plan: VitPlan,
		memory: GateMemory,
		shared: SharedGraphs,
		blocks: readonly EventfulBlock[],
		positions: Float32Array | null,
	) {
		this.#plan = plan;
		this.#memory = memory;
		this.#shared = shared;
		this.#stream = memory.reserve(planTokens(plan) * plan.dim);
		this.#positions = positions && memory.reserve(positions.length);
		this.blocks = blocks;
		memory.make();
		if (this.#positions !== null) memory.array(this.#positions, positions!.length).data.set(positions!);
		for (const block of blocks) block.prepare();
	}

	/** `methods`: one per block. */
	static async load(
		plan: VitPlan,
		weights: WeightLookup,
		runtime: GraphRuntime,
		methods: readonly BlockMethod[],
	): Promise<EventfulBackbone> {
		const sources = plan.blocks.map((block): BlockSource => ({ plan, weights, block }));
		const memory = new GateMemory(scratchSizes(sources, planTokens(plan)));
		const shared = new SharedGraphs(runtime);
		const blocks: EventfulBlock[] = [];
		for (const [i, source] of sources.entries()) {
			blocks.push(await EventfulBlock.load(source, methods[i]!, memory, runtime, shared));
		}
		const layers = new Layers(new GraphBuilder(), weights);
		return new EventfulBackbone(
			plan,
			memory,
			shared,
			blocks,
			plan.absolute && absolutePositions(layers, plan),
		);
	}

	/** Tokens after the last block that ran, [tokens, dim]; holds until the next frame. */
	get tokens(): Float32Array {
		return this.#memory.array(this.#stream, planTokens(this.#plan) * this.#plan.dim).data;
	}

	/** Forgets: the next frame is computed whole. */
	reset(): void {
		this.first = true;
	}

	/**
	 * Runs a frame's tokens [tokens, dim], before absolute positions; `policy` is that of all gates. `after` sees the stream
	 * behind each block.
	 */
	async run(
		tokens: Float32Array,
		policy: GatePolicy,
		after?: (block: number, tokens: Float32Array) => void,
	): Promise<FrameCounts> {
		const stream = this.tokens;
		const counts: FrameCounts = { positions: noOperations(), blocks: [] };
		stream.set(tokens);
		if (this.#positions !== null) {
			this.#memory.kernel.add(this.#stream, this.#positions, this.#stream, stream.length);
			counts.positions.add = stream.length;
		}
		const asked = this.first ? null : policy;
		this.first = false;
		let added = 0;
		for (const [i, block] of this.blocks.entries()) {
			counts.blocks.push(await block.run(this.#stream, added, asked));
			({ added } = block);
			after?.(i, this.#sum(added));
		}
		this.#memory.kernel.add(this.#stream, added, this.#stream, stream.length);
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
		await this.#shared.release();
	}

	#sum(added: number): Float32Array {
		const { packing } = this.#memory;
		const { length } = this.tokens;
		this.#memory.kernel.add(this.#stream, added, packing.at, length);
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
