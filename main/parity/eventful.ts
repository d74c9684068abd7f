import { z } from 'zod';
import { compileFull } from '../reduction/vit-graphs.ts';
import { LoadedGraph } from '../runtime/loaded-graph.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { floats } from '../runtime/tensors.ts';
import type { VitPlan } from '../vit/plan.ts';
import { requireTensors } from '../weights/weights.ts';
import { BackboneRun, backboneSchema, isDense, planOfCase, stepsOfCase } from './eventful-case.ts';
import { eventfulDetector, eventfulManifest } from './eventful-detector.ts';
import { type Finding, Findings } from './findings.ts';
import { casePart, caseTensor, type ParityCase } from './parity-case.ts';

const configSchema = z.object({ backbone: backboneSchema, has_class_token: z.boolean().nullish() });

/** Eventful Transformers (Dutson et al., ICCV 2023). */
export async function eventful(given: ParityCase): Promise<Finding[]> {
	if ('models' in given.description) return eventfulManifest(given);
	if ('head' in casePart(given, 'config', z.looseObject({}))) return eventfulDetector(given);
	const config = casePart(given, 'config', configSchema);
	const plan = planOfCase(config.backbone, { prefix: '', classToken: config.has_class_token ?? false });
	const findings = new Findings(given);
	const run = await BackboneRun.load(given, findings, config.backbone, plan);
	const dense = isDense(config.backbone) ? await DenseRun.load(given, plan) : null;
	const steps = stepsOfCase(given);
	for (const step of steps) {
		const name = `frame${step.frame}.input`;
		findings.input(name);
		const { data } = caseTensor(given, name);
		await run.frame(step, data);
		await dense?.compare(step.frame, data, findings);
	}
	await run.finish(steps.at(-1)!.frame);
	await dense?.release();
	return findings.finish();
}

/** The one graph that mode dense runs, held against the same case. */
class DenseRun {
	readonly #graph: LoadedGraph;
	readonly #plan: VitPlan;

	private constructor(plan: VitPlan, graph: LoadedGraph) {
		this.#plan = plan;
		this.#graph = graph;
	}

	static async load(given: ParityCase, plan: VitPlan): Promise<DenseRun> {
		const options = { keepKeysAndValues: false, withScores: false, taps: true, fromTokens: true };
		const graph = compileFull(plan, requireTensors(given.weights, given.folder), options);
		return new DenseRun(plan, await LoadedGraph.load(createRuntime(1), graph));
	}

	async compare(frame: number, tokens: Float32Array, findings: Findings): Promise<void> {
		const { dim, blocks } = this.#plan;
		const wanted = blocks.map((_, i) => `block.${i}`);
		const shape = [tokens.length / dim, dim];
		const outputs = await this.#graph.run({ tokens: { type: 'float32', data: tokens, shape } }, wanted);
		wanted.forEach((name, i) => {
			const last = i === wanted.length - 1;
			findings.close(`frame${frame}.${last ? 'output' : `block${i}.output`}`, floats(outputs, name));
		});
	}

	release(): Promise<void> {
		return this.#graph.release();
	}
}
