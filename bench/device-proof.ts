import { UserFacingError } from '../main/domain/errors.ts';
import type { Execution } from '../main/domain/execution.ts';
import type { Size } from '../main/domain/video.ts';
import type { Frame } from '../main/domain/frame.ts';
import { lookoutPlan } from '../main/families/lookout/plan.ts';
import { GraphBuilder } from '../main/graph/graph-builder.ts';
import { WasmFramePixels } from '../main/pixels/frame-pixels.ts';
import type { TokenAnswers } from '../main/reduction/host.ts';
import { findModeFor } from '../main/reduction/index.ts';
import type { Reduction } from '../main/reduction/mode.ts';
import { LoadedGraph } from '../main/runtime/loaded-graph.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import type { GraphRuntime } from '../main/runtime/runtime.ts';
import { float32 } from '../main/runtime/tensors.ts';
import type { VitPlan } from '../main/vit/plan.ts';
import { cached, DENSE, type Lane, noisyFrames, transformerAlone } from './transformers.ts';

/** Shares of the tokens that frames take in turn: from one bucket of rows to several. */
const SHARES = [0.05, 0.3, 0.12, 0.6];
/** Frames after which a process has all the memory that it needs. */
const WARM_UP = 300;

/** Small enough for a device that is only pretended by software: two heads of 16, two blocks, 80 tokens. */
const TINY = smallPlan(2, { width: 160, height: 128 });
/** For thousands of runs. */
const TINIEST = smallPlan(1, { width: 96, height: 64 });

function smallPlan(depth: number, size: Size): VitPlan {
	return lookoutPlan(
		{
			format: 'token-local detector, version 1',
			name: 'tiny',
			classes: ['person'],
			mean: [0.5, 0.5, 0.5],
			std: [0.25, 0.25, 0.25],
			dim: 32,
			depth,
			heads: 2,
			mlp_ratio: 2,
			patch: 16,
			window: 31,
			stem: { widths: [3, 4, 8, 16, 32], stride: 2, padding: { left: 7, top: 7, right: 8, bottom: 8 } },
			rope: { max: 1.5, min: 0.05 },
			nms: { iou: 0.5, max: 100, score: 0.05 },
			display_scores: { person: 0.3 },
			scorer: { after_blocks: depth - 1, width: 16, own_blocks_up_to: 0.4 },
			cluster: null,
		},
		size,
	);
}

/** What is held against the processor, and the setting that is the share of the tokens. */
const LANES: Readonly<Record<'dense' | 'token-cache' | 'sparse', { how: Lane; share: string | null }>> = {
	dense: { how: DENSE, share: null },
	'token-cache': { how: cached(SHARES[0]!), share: 'fraction' },
	sparse: { how: { label: 'sparse', mode: 'sparse', settings: {} }, share: 'keep' },
};

type Opened = { reduction: Reduction<TokenAnswers>; pixels: WasmFramePixels };

/** One transformer in one mode on one runtime, as a run has it. */
async function open(runtime: GraphRuntime, { mode, settings }: Lane, plan = TINY): Promise<Opened> {
	const host = transformerAlone(plan);
	const reduction = await findModeFor(host, mode).open(host, runtime, settings);
	return {
		reduction: reduction as Reduction<TokenAnswers>,
		pixels: new WasmFramePixels(plan.grid, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]),
	};
}

async function answers({ reduction, pixels }: Opened, frame: Frame): Promise<Float32Array> {
	pixels.load(frame);
	const { output } = await reduction.run(pixels, reduction.select(pixels));
	return output.grid;
}

/** The largest difference of answers between a device and the processor, over frames with changing shares of tokens. */
export async function proveParity(
	execution: Execution,
	{ frames, lane }: { frames: number; lane: keyof typeof LANES },
): Promise<{ worst: number; leftToCpu: [string, readonly string[]][] }> {
	const device = createRuntime(1, { execution });
	const { how, share } = LANES[lane];
	const [there, here] = [await open(device, how), await open(createRuntime(1), how)];
	const pictures = noisyFrames(TINY.grid);
	let worst = 0;
	for (let index = 0; index < frames; index++) {
		if (share) {
			for (const { reduction } of [there, here]) {
				reduction.change({ [share]: SHARES[index % SHARES.length]! });
			}
		}
		const frame = { ...pictures[index % pictures.length]!, index, timeSeconds: index / 25 };
		const [a, b] = [await answers(there, frame), await answers(here, frame)];
		for (let i = 0; i < b.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
	}
	for (const { reduction } of [there, here]) await reduction.release();
	return { worst, leftToCpu: [...device.leftToCpu] };
}

/** How much a process grows in MiB over runs that write to the device's memory where it lies, after as many as it takes to settle. */
export async function proveFlat(execution: Execution, runs: number): Promise<{ grownMib: number }> {
	const lane = await open(createRuntime(1, { execution }), cached(SHARES[0]!), TINIEST);
	const pictures = noisyFrames(TINIEST.grid);
	const run = (index: number) => {
		lane.reduction.change({ fraction: SHARES[index % SHARES.length]! });
		return answers(lane, { ...pictures[index % pictures.length]!, index, timeSeconds: index / 25 });
	};
	for (let index = 0; index < WARM_UP; index++) await run(index);
	const before = settledMib();
	for (let index = WARM_UP; index < WARM_UP + runs; index++) await run(index);
	const grownMib = settledMib() - before;
	await lane.reduction.release();
	return { grownMib };
}

function settledMib(): number {
	globalThis.gc?.();
	return process.memoryUsage.rss() / 2 ** 20;
}

/** Ways to crash a process, or to get stale numbers, that are known of the runtime's binding; each must come out well. */
export async function proveTraps(execution: Execution): Promise<Record<string, boolean>> {
	const runtime = createRuntime(1, { execution });
	const [first, second] = [await open(runtime, cached(0.3)), await open(runtime, cached(0.3))];
	const [one, other, third] = noisyFrames(TINY.grid) as [Frame, Frame, Frame];
	for (const lane of [first, second]) await answers(lane, one);

	const before = await memoryOf(first);
	const together = await Promise.all([answers(first, other), answers(second, other)]);
	const after = await memoryOf(first);
	const twoAtATime = together[0].every((value, i) => value === together[1][i]);
	// A runtime that was told to leave outputs on the device writes to tensors of its own, without a word.
	const writesWhereItLies = before.some((value, i) => value !== after[i]);

	await first.reduction.release();
	globalThis.gc?.();
	const outlives = (await answers(second, third)).every(Number.isFinite);
	const reopened = await open(runtime, cached(0.3));
	const opensAgain = (await answers(reopened, one)).every(Number.isFinite);

	const tellsOfLoss = await failsInTheMiddle(runtime);
	for (const { reduction } of [second, reopened]) await reduction.release();
	globalThis.gc?.();
	return { twoAtATime, writesWhereItLies, outlives, opensAgain, tellsOfLoss };
}

async function memoryOf({ reduction }: Opened): Promise<Float32Array> {
	const { 'store.keys.1': keys } = (await reduction.saveState?.()) ?? {};
	return keys as Float32Array;
}

/** A device that stops while it runs a graph that it could load: here since sizes don't fit, which it finds out last. */
async function failsInTheMiddle(runtime: GraphRuntime): Promise<boolean> {
	const graph = new GraphBuilder();
	const [a, b] = [graph.input('a', 'float32', ['n']), graph.input('b', 'float32', ['m'])];
	graph.output('sum', graph.op('Add', [a, b], { shape: ['n'] }));
	const loaded = await LoadedGraph.load(runtime, graph.compile('sizes that do not fit'));
	const feeds = { a: float32(new Float32Array(2), [2]), b: float32(new Float32Array(3), [3]) };
	const error: unknown = await loaded.run(feeds, ['sum']).catch((reason: unknown) => reason);
	await loaded.release();
	return error instanceof UserFacingError && error.code === 'device-lost';
}
