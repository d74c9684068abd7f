import { SHVIT_VARIANTS } from '../main/backbones/shvit.ts';
import { classifierGraph } from '../main/families/shvit/classifier.ts';
import type { ClassifierConfig, ShvitModelConfig } from '../main/families/shvit/config.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import { requireTensors } from '../main/weights/weights.ts';
import { median } from './machine.ts';
import { askPython, skippedFor, type Skipped } from './python.ts';
import { randomWeights } from './random-weights.ts';
import { LoadedGraph } from '../main/runtime/loaded-graph.ts';
import { float32 } from '../main/runtime/tensors.ts';

const VARIANT = 'SHViT-S4';
/** Side of the square pictures that it was published for. */
const SIDE = 256;
const PICTURES = 60;
const WARM_UP = 10;

export type ShvitResult = { ms: number; picturesPerSecond: number; pytorch: PytorchShvit };
/** `ratio`: its time over ours, median over rounds of both in turn. */
export type PytorchShvit = { ms: number; ratio: number; version: string } | { skipped: string };

/**
 * The classifier SHViT-S4, one picture at a time, against a plain PyTorch rendering of it with the same folded batch norms
 * on as many threads. Random weights from a fixed seed: the time does not depend on them.
 */
export async function benchShvit(options: {
	script: string;
	threads: number;
	rounds: number;
}): Promise<ShvitResult> {
	const { script, threads, rounds } = options;
	const ours: number[] = [];
	const theirs: number[] = [];
	let version = '';
	let skipped: string | null = null;
	const run = await loadClassifier(threads);
	for (let round = 0; round < rounds; round++) {
		ours.push(await timePictures(run));
		if (skipped !== null) continue;
		const result = await timePytorch(script, threads);
		if ('skipped' in result) ({ skipped } = result);
		else {
			theirs.push(result.ms);
			({ version } = result);
		}
	}
	const ms = median(ours);
	const ratio = median(theirs.map((time, round) => time / ours[round]!));
	return {
		ms,
		picturesPerSecond: 1000 / ms,
		pytorch: skipped === null ? { ms: median(theirs), ratio, version } : { skipped },
	};
}

async function loadClassifier(threads: number): Promise<() => Promise<unknown>> {
	const { stages } = SHVIT_VARIANTS.find(({ name }) => name === VARIANT)!;
	const head: ClassifierConfig = { kind: 'classifier', classes: 1000, heads: ['head'] };
	const config: ShvitModelConfig & { head: ClassifierConfig } = {
		title: VARIANT,
		backbone: { prefix: '', fused: false, stages },
		head,
	};
	const shape = [1, 3, SIDE, SIDE] as const;
	const shapes: Record<string, readonly number[]> = {};
	classifierGraph(config, shape, (name, asked) => {
		shapes[name] = asked;
		return { data: new Float32Array(asked.reduce((size, dim) => size * dim, 1)), shape: asked };
	});
	const { graph, logits } = classifierGraph(config, shape, requireTensors(randomWeights(shapes), VARIANT));
	graph.output('logits', logits);
	const loaded = await LoadedGraph.load(createRuntime(threads), graph.compile(VARIANT));
	const data = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => Math.sin(i));
	const pictures = float32(data, shape);
	return () => loaded.run({ pictures }, ['logits']);
}

async function timePictures(run: () => Promise<unknown>): Promise<number> {
	const times: number[] = [];
	for (let i = 0; i < WARM_UP + PICTURES; i++) {
		const start = performance.now();
		await run();
		if (i >= WARM_UP) times.push(performance.now() - start);
	}
	return median(times);
}

/** Needs PyTorch. */
async function timePytorch(
	script: string,
	threads: number,
): Promise<{ ms: number; version: string } | Skipped> {
	const words = [`--threads=${threads}`, `--side=${SIDE}`, `--pictures=${PICTURES}`];
	return askPython<{ ms: number; version: string }>([script, ...words]).catch((error: unknown) =>
		skippedFor(error, `run ${VARIANT}`),
	);
}
