import { assert } from '../../domain/errors.ts';
import { tokenCount } from '../../domain/tokens.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import type { FramePixels } from '../../pixels/frame-pixels.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { DeviceTensor, GraphRuntime, GraphTensor } from '../../runtime/runtime.ts';
import { floats, int64, integers } from '../../runtime/tensors.ts';
import type { VitPlan } from '../../vit/plan.ts';
import { pictureTensor } from '../full-graph.ts';
import { compileRanked, compileRanking, compileSparse, KEPT, LEFT_OUT } from './sparse-graph.ts';

/** What the best tokens of a frame answer. */
export type RankedFrame = {
	/** Best first. */
	kept: Int32Array;
	/** [kept, width] */
	head: Float32Array;
	/** What the scorer says of all tokens. */
	scores: Float32Array;
	macs: number;
};

/** The loaded graphs of a sparse transformer. */
export interface RankedGraphs {
	/** Keeps the `count` best tokens. */
	run(pixels: FramePixels, count: number): Promise<RankedFrame>;
	release(): Promise<void>;
}

/** By what a plan's weights have, the graph for few tokens and the one for more. */
type ByCount = { usual: LoadedGraph; few: { graph: LoadedGraph; upTo: number } | null };

export async function loadRankedGraphs(
	plan: VitPlan,
	weights: WeightLookup,
	runtime: GraphRuntime,
): Promise<RankedGraphs> {
	const { device } = runtime;
	if (!device) {
		const load = (own: boolean) => LoadedGraph.load(runtime, compileSparse(plan, weights, { own }));
		return new OneGraph(plan, await loadByCount(plan, load));
	}
	const load = (own: boolean) => LoadedGraph.load(runtime, compileRanked(plan, weights, { own }));
	const ranking = await LoadedGraph.load(runtime, compileRanking(plan, weights));
	const shape = [tokenCount(plan.grid), plan.dim];
	const tokens = await device.upload(new Float32Array(shape[0]! * shape[1]!), shape);
	return new TwoGraphs(plan, ranking, await loadByCount(plan, load), tokens);
}

async function loadByCount(plan: VitPlan, load: (own: boolean) => Promise<LoadedGraph>): Promise<ByCount> {
	const own = plan.scorer?.own;
	const few = own ? { graph: await load(true), upTo: own.upTo } : null;
	return { usual: await load(false), few };
}

/** Whether `count` of the tokens are few enough for the scorer's own blocks. */
function areFew({ grid }: VitPlan, few: ByCount['few'], count: number): few is NonNullable<ByCount['few']> {
	const tokens = tokenCount(grid);
	return few !== null && count < tokens && count <= Math.ceil(few.upTo * tokens);
}

async function releaseByCount({ usual, few }: ByCount): Promise<void> {
	await usual.release();
	await few?.graph.release();
}

/** Ranks and answers in one run. */
class OneGraph implements RankedGraphs {
	readonly #plan: VitPlan;
	readonly #graphs: ByCount;

	constructor(plan: VitPlan, graphs: ByCount) {
		this.#plan = plan;
		this.#graphs = graphs;
	}

	async run(pixels: FramePixels, count: number): Promise<RankedFrame> {
		const { usual, few } = this.#graphs;
		const graph = areFew(this.#plan, few, count) ? few.graph : usual;
		const feeds = { picture: pictureTensor(this.#plan, pixels), keep: int64(count) };
		const outputs = await graph.run(feeds, ['head', 'kept', 'scores']);
		const kept = integers(outputs, 'kept');
		assert(kept.length === count, `the sparse graph keeps ${count} tokens`);
		return {
			kept,
			head: floats(outputs, 'head'),
			scores: floats(outputs, 'scores'),
			macs: graph.macs({ [KEPT]: count, [LEFT_OUT]: tokenCount(this.#plan.grid) - count }),
		};
	}

	release(): Promise<void> {
		return releaseByCount(this.#graphs);
	}
}

/** Ranks on the device, sorts here, and answers on the device, where the tokens have stayed. */
class TwoGraphs implements RankedGraphs {
	readonly #plan: VitPlan;
	readonly #ranking: LoadedGraph;
	readonly #graphs: ByCount;
	readonly #tokens: DeviceTensor;

	constructor(plan: VitPlan, ranking: LoadedGraph, graphs: ByCount, tokens: DeviceTensor) {
		this.#plan = plan;
		this.#ranking = ranking;
		this.#graphs = graphs;
		this.#tokens = tokens;
	}

	async run(pixels: FramePixels, count: number): Promise<RankedFrame> {
		const picture = pictureTensor(this.#plan, pixels);
		const ranked = await this.#ranking.run({ picture }, ['scores'], { tokens: this.#tokens });
		const scores = floats(ranked, 'scores');
		// As the runtime's TopK orders them: of equal ones the first first.
		const order = Int32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
		const [kept, leftOut] = [order.slice(0, count), order.subarray(count)];
		const { usual, few } = this.#graphs;
		const own = areFew(this.#plan, few, count);
		const graph = own ? few.graph : usual;
		const feeds = {
			tokens: this.#tokens,
			...someTokens(KEPT, kept),
			...(own ? someTokens(LEFT_OUT, leftOut) : { [`${KEPT}.places`]: numbers(kept, [count, 1]) }),
		};
		const outputs = await graph.run(feeds, ['head']);
		const macs = this.#ranking.macs() + graph.macs({ [KEPT]: count, [LEFT_OUT]: scores.length - count });
		return { kept, head: floats(outputs, 'head'), scores, macs };
	}

	async release(): Promise<void> {
		this.#tokens.dispose();
		await this.#ranking.release();
		await releaseByCount(this.#graphs);
	}
}

function someTokens(name: string, tokens: Int32Array): Record<string, GraphTensor> {
	return {
		[name]: numbers(tokens, [tokens.length]),
		[`${name}.positions`]: numbers(tokens, [1, tokens.length]),
	};
}

function numbers(tokens: Int32Array, shape: readonly number[]): GraphTensor {
	return { type: 'int64', data: BigInt64Array.from(tokens, BigInt), shape };
}
