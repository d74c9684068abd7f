import { assert } from '../domain/errors.ts';
import { tokenCount } from '../domain/tokens.ts';
import type { GraphSession, GraphTensor } from '../runtime/runtime.ts';
import { countOperations } from '../graph/operation-count.ts';
import type { VitPlan } from '../vit/plan.ts';
import type { FramePixels, RunOutcome, VitHost } from './mode.ts';
import { compileFull } from './vit-graphs.ts';

/** The graph of a whole frame, loaded: what a dense run is, and what other modes flush with. */
export class FullGraph {
	readonly macs: number;
	readonly #session: GraphSession;
	readonly #pictureShape: readonly number[];

	private constructor(session: GraphSession, macs: number, pictureShape: readonly number[]) {
		this.#session = session;
		this.macs = macs;
		this.#pictureShape = pictureShape;
	}

	static async load(
		host: VitHost,
		options: { keepKeysAndValues: boolean; withScores: boolean },
	): Promise<FullGraph> {
		const { rows, cols, stride } = host.plan.grid;
		const graph = compileFull(host.plan, host.weights, options);
		const session = await host.runtime.load(graph.bytes, graph.name);
		return new FullGraph(session, countOperations(graph.operations, {}), [
			1,
			3,
			rows * stride,
			cols * stride,
		]);
	}

	/** Runs the frame and gives the outputs that `wanted` names. */
	run(pixels: FramePixels, wanted: readonly string[]): Promise<Record<string, GraphTensor>> {
		return this.#session.run({ picture: float32(pixels.planar(), this.#pictureShape) }, wanted);
	}

	release(): Promise<void> {
		return this.#session.release();
	}
}

/** Names of the outputs that answer, of a plan's full graph. */
export function answerOutputs({ answers }: VitPlan): string[] {
	return [...(answers.grid ? ['head'] : []), ...(answers.extra ? ['extra'] : [])];
}

/** A plan's answers among the outputs of a graph. */
export function answersFrom(
	{ answers }: VitPlan,
	outputs: Readonly<Record<string, GraphTensor>>,
): Pick<RunOutcome, 'head' | 'extra'> {
	return {
		head: answers.grid ? numbers(outputs, 'head') : new Float32Array(0),
		...(answers.extra && { extra: numbers(outputs, 'extra') }),
	};
}

/** Multiply-adds of a dense frame: the whole graph without what only other modes need. */
export function denseMacs(host: VitHost): number {
	const graph = compileFull(host.plan, host.weights, { keepKeysAndValues: false, withScores: false });
	return countOperations(graph.operations, {});
}

/** A float32 tensor over `data`, whose length the shape must fit. */
export function float32(data: Float32Array, shape: readonly number[]): GraphTensor {
	assert(
		data.length === shape.reduce((size, dim) => size * dim, 1),
		`a tensor of shape [${shape.join(', ')}] does not hold ${data.length} numbers`,
	);
	return { type: 'float32', data, shape };
}

/** All tokens of a plan's grid, in raster order. */
export function allTokens(host: VitHost): Int32Array {
	return Int32Array.from({ length: tokenCount(host.plan.grid) }, (_, token) => token);
}

/** The numbers of a float32 output. */
export function numbers(outputs: Readonly<Record<string, GraphTensor>>, name: string): Float32Array {
	const tensor = outputs[name];
	assert(tensor?.type === 'float32', `the graph gives ${name} as float32`);
	return tensor.data;
}
