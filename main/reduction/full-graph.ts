import { countOperations } from '../graph/operation-count.ts';
import type { WeightLookup } from '../graph/layers.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import { LoadedGraph } from '../runtime/loaded-graph.ts';
import type { GraphRuntime, GraphTensor, GraphTensors } from '../runtime/runtime.ts';
import { float32, floats } from '../runtime/tensors.ts';
import type { VitPlan } from '../vit/plan.ts';
import type { TokenAnswers } from './host.ts';
import { compileFull } from './vit-graphs.ts';

/** The loaded graph of a whole frame: a dense run, and the flush of other modes. */
export class FullGraph {
	readonly macs: number;
	readonly #graph: LoadedGraph;
	readonly #plan: VitPlan;

	private constructor(graph: LoadedGraph, plan: VitPlan) {
		this.macs = graph.macs();
		this.#graph = graph;
		this.#plan = plan;
	}

	static async load(
		{ plan, weights }: { plan: VitPlan; weights: WeightLookup },
		runtime: GraphRuntime,
		options: { keepKeysAndValues: boolean; withScores: boolean },
	): Promise<FullGraph> {
		return new FullGraph(await LoadedGraph.load(runtime, compileFull(plan, weights, options)), plan);
	}

	/** Runs the frame and gives the outputs that `wanted` names. */
	run(pixels: FramePixels, wanted: readonly string[]): Promise<Record<string, GraphTensor>> {
		return this.#graph.run({ picture: pictureTensor(this.#plan, pixels) }, wanted);
	}

	/** Runs the frame and gives what its tokens answer. */
	async answers(pixels: FramePixels): Promise<TokenAnswers> {
		return answersFrom(this.#plan, await this.run(pixels, answerOutputs(this.#plan)));
	}

	release(): Promise<void> {
		return this.#graph.release();
	}
}

/** Names of the outputs that answer, of a plan's graphs. */
export function answerOutputs({ answers }: VitPlan): string[] {
	return [...(answers.grid ? ['head'] : []), ...(answers.extra ? ['extra'] : [])];
}

/** A plan's answers, from the outputs of a graph over all tokens. */
export function answersFrom({ answers }: VitPlan, outputs: GraphTensors): TokenAnswers {
	return {
		grid: answers.grid ? floats(outputs, 'head') : new Float32Array(0),
		extra: answers.extra ? floats(outputs, 'extra') : new Float32Array(0),
		emitting: null,
	};
}

/** Multiply-adds of a dense frame: the whole graph without what only other modes need. */
export function denseMacs(plan: VitPlan, weights: WeightLookup): number {
	const graph = compileFull(plan, weights, { keepKeysAndValues: false, withScores: false });
	return countOperations(graph.operations, {});
}

/** The present frame as an input of a plan's graphs: [1, 3, height, width]. */
export function pictureTensor({ grid }: VitPlan, pixels: FramePixels): GraphTensor {
	return float32(pixels.planar(), [1, 3, grid.rows * grid.stride, grid.cols * grid.stride]);
}
