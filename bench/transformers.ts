import { GIGA } from '../main/domain/cost.ts';
import { type Execution, ON_CPU, type Precision } from '../main/domain/execution.ts';
import type { Frame } from '../main/domain/frame.ts';
import type { SettingValues } from '../main/domain/settings-table.ts';
import type { TokenGrid } from '../main/domain/tokens.ts';
import { backbonePlan } from '../main/families/vitdet/backbone-plan.ts';
import type { YolosConfig } from '../main/families/yolos/config.ts';
import { yolosPlan } from '../main/families/yolos/plan.ts';
import type { Value } from '../main/graph/graph-builder.ts';
import type { Layers, WeightLookup } from '../main/graph/layers.ts';
import { WasmFramePixels } from '../main/pixels/frame-pixels.ts';
import type { BehindOffer, Host } from '../main/reduction/host.ts';
import { findModeFor } from '../main/reduction/index.ts';
import type { Reduction } from '../main/reduction/mode.ts';
import { hostOfVit } from '../main/reduction/vit-host.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import type { VitPlan } from '../main/vit/plan.ts';
import { median } from './machine.ts';
import { randomNumbers } from './random-weights.ts';

/** Different frames, seen over and over; in each, every token differs from the frame before, some more than others. */
const FRAMES = 7;
/** Frames in a row of one lane; the first of them is not counted, since memory is fetched in it. */
const BLOCK_FRAMES = 6;
const DENSE_FRAMES = 3;
const PATCH = 16;
/** Blocks of ViTDet-B that attend over the whole grid. */
const GLOBAL_BLOCKS = [2, 5, 8, 11];

export type TransformerRow = {
	label: string;
	gmac: number;
	/** Select and run of a frame. */
	runMs: number;
	/** Median over rounds of the dense run time over this one's, side by side in one process. */
	speedup: number;
};

export type Lane = { label: string; mode: string; settings: SettingValues; precision?: Precision };

export const DENSE: Lane = { label: 'dense', mode: 'dense', settings: {} };
export const cached = (fraction: number): Lane => ({
	label: `token cache ${100 * fraction} %`,
	mode: 'token-cache',
	settings: { fraction, sceneCut: 1, floor: 0, audits: 0 },
});
const eventful = (fraction: number): Lane => ({
	label: `eventful ${100 * fraction} %`,
	mode: 'eventful',
	settings: { fraction },
});

/** YOLOS-small as published. */
export const YOLOS_SMALL: YolosConfig = {
	dim: 384,
	depth: 12,
	heads: 6,
	hidden: 1536,
	activation: 'gelu',
	normEpsilon: 1e-12,
	patch: PATCH,
	tableSize: { rows: 32, cols: 54 },
	qkvBias: true,
	detectionTokens: 100,
	midPositions: true,
};

/** Published transformers at published sizes, and how they are run. */
export const TRANSFORMERS: readonly { title: string; plan: VitPlan; lanes: readonly Lane[] }[] = [
	{
		title: 'YOLOS-small at 512×864 (1,728 patches, 101 more tokens)',
		plan: yolosPlan(YOLOS_SMALL, YOLOS_SMALL.tableSize, 91),
		lanes: [DENSE, cached(0.1), cached(0.05)],
	},
	{
		title: 'ViTDet-B at 672×672 (1,764 patches, windows of 14, relative positions)',
		plan: vitDetB({ rows: 42, cols: 42, stride: PATCH, windowSize: PATCH, windowOffset: 0 }),
		lanes: [DENSE, cached(0.1), cached(0.05), eventful(0.1)],
	},
];

/** A transformer without what may stand behind it. */
export function transformerAlone(plan: VitPlan): Host {
	return hostOfVit({ plan, weights: drawnWeights(), behind: NOTHING_BEHIND });
}

/** A transformer in several ways over the same frames, taking turns; the first lane is what the others are held against. */
export async function benchTransformer(
	host: Host,
	lanes: readonly Lane[],
	options: { threads: number; rounds: number; execution?: Execution },
): Promise<TransformerRow[]> {
	const { threads, execution = ON_CPU } = options;
	const frames = noisyFrames(host.grid);
	const opened = [];
	for (const { label, mode, settings, precision = execution.precision } of lanes) {
		const runtime = createRuntime(threads, { execution: { ...execution, precision } });
		const reduction: Reduction<object> = await findModeFor(host, mode).open(host, runtime, settings);
		const pixels = new WasmFramePixels(host.grid, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
		opened.push({
			label,
			reduction,
			pixels,
			shown: 0,
			times: [] as number[],
			ratios: [] as number[],
			gmac: 0,
		});
	}
	for (let round = 0; round <= options.rounds; round++) {
		let ofDense = 0;
		for (const lane of opened) {
			const times: number[] = [];
			const count = lane === opened[0] ? DENSE_FRAMES : BLOCK_FRAMES;
			for (let i = 0; i < count; i++) {
				lane.pixels.load(frames[lane.shown++ % FRAMES]!);
				const start = performance.now();
				const { macs } = await lane.reduction.run(lane.pixels, lane.reduction.select(lane.pixels));
				if (i > 0) times.push(performance.now() - start);
				lane.gmac = macs / GIGA;
			}
			if (lane === opened[0]) ofDense = median(times);
			if (round === 0) continue; // flushes
			lane.times.push(...times);
			lane.ratios.push(ofDense / median(times));
		}
	}
	for (const { reduction } of opened) await reduction.release();
	return opened.map(({ label, gmac, times, ratios }) => ({
		label,
		gmac,
		runMs: median(times),
		speedup: median(ratios),
	}));
}

/** One line of a table. */
export function describeTransformer({ label, gmac, runMs, speedup }: TransformerRow): string {
	return (
		`${label.padEnd(18)} ${gmac.toFixed(2).padStart(7)} GMAC ` +
		`run ${runMs.toFixed(1).padStart(7)} ms  ${speedup.toFixed(2)}× dense`
	);
}

const NOTHING_BEHIND: BehindOffer<{ grid: Float32Array; extra: Float32Array }> = {
	macs: () => 0,
	load: () =>
		Promise.resolve({
			run: ({ grid, extra }) => Promise.resolve({ output: { grid, extra }, macs: 0 }),
			release: () => Promise.resolve(),
		}),
};

function vitDetB(grid: TokenGrid): VitPlan {
	const dim = 768;
	const embed = (layers: Layers, pixels: Value, tokens: Value['shape'][number]): Value => {
		const map = layers.conv('embedding', pixels, dim, { kernel: PATCH, stride: PATCH });
		return layers.reshape(layers.transpose(map, [0, 2, 3, 1]), [tokens, dim]);
	};
	return backbonePlan(
		{
			name: 'vitdet-b',
			prefix: '',
			classToken: false,
			dim,
			heads: 12,
			mlpRatio: 4,
			grid,
			positionSize: { rows: 14, cols: 14 },
			blocks: Array.from({ length: 12 }, (_, i) => ({
				window: GLOBAL_BLOCKS.includes(i) ? null : { rows: 14, cols: 14 },
				relativeSize: { rows: 64, cols: 64 },
				pool: null,
			})),
		},
		{
			embedPicture: (layers, picture) => embed(layers, picture, grid.rows * grid.cols),
			embedWindows: (layers, windows) => embed(layers, windows, windows.shape[0]!),
			embedExtra: () => ({ before: null, after: null }),
		},
	);
}

/** Random weights of a fixed seed under whatever name and shape is asked for, made so that a signal keeps its size. */
export function drawnWeights(): WeightLookup {
	const random = randomNumbers(7);
	const made = new Map<string, Float32Array>();
	return (name, shape) => {
		const size = shape.reduce((product, length) => product * length, 1);
		let data = made.get(name);
		if (!data) {
			const reach = Math.sqrt((3 * shape[0]!) / size);
			if (shape.length > 1) data = Float32Array.from({ length: size }, () => reach * (2 * random() - 1));
			else data = new Float32Array(size).fill(/(weight|running_var|gamma_\d|lambda1)$/.test(name) ? 1 : 0);
			made.set(name, data);
		}
		return { data, shape };
	};
}

/** A few frames in which every token differs from the frame before, some more than others. */
export function noisyFrames(grid: TokenGrid): Frame[] {
	const random = randomNumbers(3);
	const size = { width: grid.cols * grid.stride, height: grid.rows * grid.stride };
	const scene = Float32Array.from({ length: 3 * size.width * size.height }, () => 255 * random());
	return Array.from({ length: FRAMES }, (_, index) => ({
		index,
		timeSeconds: index / 25,
		pixels: Uint8Array.from(scene, (value) => Math.min(255, Math.max(0, value + 60 * (random() - 0.5)))),
		format: 'rgb24',
		size,
	}));
}
