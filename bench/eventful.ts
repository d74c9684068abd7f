import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import { GIGA } from '../main/domain/cost.ts';
import type { WeightLookup } from '../main/graph/layers.ts';
import { blockMethods, EVENTFUL_SETTINGS } from '../main/reduction/eventful/eventful-settings.ts';
import { addCounts, totalCount } from '../main/reduction/eventful/counts.ts';
import { EventfulBackbone } from '../main/reduction/eventful/eventful-backbone.ts';
import { compileFull } from '../main/reduction/vit-graphs.ts';
import { resolveSettings } from '../main/domain/settings-table.ts';
import { backbonePlan } from '../main/families/vitdet/backbone-plan.ts';
import { tokenTotal } from '../main/vit/plan.ts';
import { median } from './machine.ts';
import { LoadedGraph } from '../main/runtime/loaded-graph.ts';
import { float32 } from '../main/runtime/tensors.ts';

/** Tokens that a gate lets pass. */
const BUDGETS = [512, 256, 128];
/** Frames in a row of one budget; the first ones of each are not counted, since memory is fetched in them. */
const BLOCK_FRAMES = 6;
const WARM_FRAMES = 3;
const DENSE_FRAMES = 2;
/** Different frames, seen over and over. */
const FRAMES = 7;
/** Blocks of ViTDet-B that attend over the whole grid. */
const GLOBAL_BLOCKS = [2, 5, 8, 11];

export type EventfulRow = {
	label: string;
	gmac: number;
	runMs: number;
	stateMib: number;
	/** Median over rounds of the dense run time over this one's, side by side in one process. */
	speedup: number;
};

/**
 * The backbone of ViTDet-B at 672 pixels (1,764 tokens; windows of 14, four global blocks) over frames in which every
 * token changes a little: dense, and eventfully in the published variant or another. Weights are random, from a fixed seed.
 */
export async function benchEventful(options: {
	threads: number;
	rounds: number;
	variant: string;
}): Promise<EventfulRow[]> {
	const plan = backbonePlan(
		{
			name: 'vitdet-b',
			prefix: '',
			classToken: false,
			dim: 768,
			heads: 12,
			mlpRatio: 4,
			grid: { rows: 42, cols: 42, stride: 16, windowSize: 16, windowOffset: 0 },
			positionSize: { rows: 14, cols: 14 },
			blocks: Array.from({ length: 12 }, (_, i) => ({
				window: GLOBAL_BLOCKS.includes(i) ? null : { rows: 14, cols: 14 },
				relativeSize: { rows: 64, cols: 64 },
				pool: null,
			})),
		},
		{ embedPicture: begins, embedWindows: begins, embedExtra: begins },
	);
	const random = randomNumbers(1);
	const weights = randomWeights(random);
	const runtime = createRuntime(options.threads);
	const graph = compileFull(plan, weights, { keepKeysAndValues: false, withScores: false, fromTokens: true });
	const dense = await LoadedGraph.load(runtime, graph);
	const settings = resolveSettings(EVENTFUL_SETTINGS, { variant: options.variant }, 'bench');
	const backbone = await EventfulBackbone.load(plan, weights, runtime, blockMethods(plan, settings));

	const shape = [tokenTotal(plan), plan.dim];
	const scene = random(tokenTotal(plan) * plan.dim, 1);
	const frames = Array.from({ length: FRAMES }, () => {
		const noise = random(scene.length, 0.2);
		return scene.map((value, i) => value + noise[i]!);
	});
	let shown = 0;
	const frame = () => frames[shown++ % FRAMES]!;
	const timed = async (run: () => Promise<unknown>) => {
		const start = performance.now();
		await run();
		return performance.now() - start;
	};

	const denseTimes: number[] = [];
	const lanes = BUDGETS.map((k) => ({ k, times: [] as number[], ratios: [] as number[], gmac: 0 }));
	const first = await timed(() => backbone.run(frame(), { kind: 'top-k', k: BUDGETS[0]! }));
	for (let round = 0; round < options.rounds; round++) {
		const ofRound: number[] = [];
		for (let i = 0; i < DENSE_FRAMES; i++) {
			const tokens = float32(frame(), shape);
			ofRound.push(await timed(() => dense.run({ tokens }, ['head'])));
		}
		denseTimes.push(...ofRound);
		for (const lane of lanes) {
			const times: number[] = [];
			for (let i = 0; i < BLOCK_FRAMES; i++) {
				const tokens = frame();
				const milliseconds = await timed(async () => {
					const counts = await backbone.run(tokens, { kind: 'top-k', k: lane.k });
					lane.gmac = totalCount(counts.blocks.reduce(addCounts, counts.between)) / GIGA;
				});
				if (i >= WARM_FRAMES) times.push(milliseconds);
			}
			lane.times.push(...times);
			lane.ratios.push(median(ofRound) / median(times));
		}
	}
	const stateMib = backbone.stateBytes / 2 ** 20;
	await dense.release();
	await backbone.release();
	const gmac = dense.macs() / GIGA;
	return [
		{ label: 'dense', gmac, runMs: median(denseTimes), stateMib: 0, speedup: 1 },
		{ label: 'first frame', gmac, runMs: first, stateMib, speedup: median(denseTimes) / first },
		...lanes.map(({ k, times, ratios, gmac: spent }) => ({
			label: `r = ${k}`,
			gmac: spent,
			runMs: median(times),
			stateMib,
			speedup: median(ratios),
		})),
	];
}

function begins(): never {
	throw new Error('Assertion failed: the bench begins with tokens');
}

/** Uniform numbers around 0, `spread` wide (a linear congruential generator, Numerical Recipes). */
function randomNumbers(seed: number): (count: number, spread: number) => Float32Array {
	let state = seed;
	return (count, spread) =>
		Float32Array.from({ length: count }, () => {
			state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
			return (state / 2 ** 32 - 0.5) * spread;
		});
}

function randomWeights(random: (count: number, spread: number) => Float32Array): WeightLookup {
	const made = new Map<string, Float32Array>();
	return (name, shape) => {
		const size = shape.reduce((product, dim) => product * dim, 1);
		let data = made.get(name);
		if (!data) {
			data = name.endsWith('norm.weight') ? new Float32Array(size).fill(1) : random(size, 0.1);
			made.set(name, data);
		}
		return { data, shape };
	};
}
