import { assert } from '../domain/errors.ts';
import { countOperations } from '../graph/operation-count.ts';
import type { WeightLookup } from '../graph/layers.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import type { GraphRuntime, GraphSession, GraphTensor } from '../runtime/runtime.ts';
import type { VitPlan } from '../vit/plan.ts';
import type { TokenAnswers } from './host.ts';
import { compileFull } from './vit-graphs.ts';

/** The graph of a whole frame, loaded: what a dense run is, and what other modes flush with. */
export class FullGraph {
	readonly macs: number;
	readonly #session: GraphSession;
	readonly #plan: VitPlan;

	private constructor(session: GraphSession, macs: number, plan: VitPlan) {
		this.#session = session;
		this.macs = macs;
		this.#plan = plan;
	}

	static async load(
		{ plan, weights }: { plan: VitPlan; weights: WeightLookup },
		runtime: GraphRuntime,
		options: { keepKeysAndValues: boolean; withScores: boolean },
	): Promise<FullGraph> {
		const graph = compileFull(plan, weights, options);
		const session = await runtime.load(graph.bytes, graph.name);
		return new FullGraph(session, countOperations(graph.operations, {}), plan);
	}

	/** Runs the frame and gives the outputs that `wanted` names. */
	run(pixels: FramePixels, wanted: readonly string[]): Promise<Record<string, GraphTensor>> {
		return this.#session.run({ picture: pictureTensor(this.#plan, pixels) }, wanted);
	}

	/** Runs the frame and gives what its tokens answer. */
	async answers(pixels: FramePixels): Promise<TokenAnswers> {
		return answersFrom(this.#plan, await this.run(pixels, answerOutputs(this.#plan)));
	}

	release(): Promise<void> {
		return this.#session.release();
	}
}

/** Names of the outputs that answer, of a plan's graphs. */
export function answerOutputs({ answers }: VitPlan): string[] {
	return [...(answers.grid ? ['head'] : []), ...(answers.extra ? ['extra'] : [])];
}

/** A plan's answers among the outputs of a graph that gives those of all tokens. */
export function answersFrom(
	{ answers }: VitPlan,
	outputs: Readonly<Record<string, GraphTensor>>,
): TokenAnswers {
	return {
		grid: answers.grid ? numbers(outputs, 'head') : new Float32Array(0),
		extra: answers.extra ? numbers(outputs, 'extra') : new Float32Array(0),
		emitting: null,
	};
}

/** Multiply-adds of a dense frame: the whole graph without what only other modes need. */
export function denseMacs(plan: VitPlan, weights: WeightLookup): number {
	const graph = compileFull(plan, weights, { keepKeysAndValues: false, withScores: false });
	return countOperations(graph.operations, {});
}

/** The frame at hand as a plan's graphs take it: [1, 3, height, width]. */
export function pictureTensor({ grid }: VitPlan, pixels: FramePixels): GraphTensor {
	return float32(pixels.planar(), [1, 3, grid.rows * grid.stride, grid.cols * grid.stride]);
}

/** A float32 tensor over `data`, whose length the shape must fit. */
export function float32(data: Float32Array, shape: readonly number[]): GraphTensor {
	assert(
		data.length === shape.reduce((size, dim) => size * dim, 1),
		`a tensor of shape [${shape.join(', ')}] does not hold ${data.length} numbers`,
	);
	return { type: 'float32', data, shape };
}

/** The numbers of a float32 output. */
export function numbers(outputs: Readonly<Record<string, GraphTensor>>, name: string): Float32Array {
	const tensor = outputs[name];
	assert(tensor?.type === 'float32', `the graph gives ${name} as float32`);
	return tensor.data;
}
