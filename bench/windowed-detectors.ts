import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GIGA } from '../main/domain/cost.ts';
import { compileBehind } from '../main/families/lw-detr/behind.ts';
import { lwDetrSchema, type QueryNetworkConfig } from '../main/families/lw-detr/config.ts';
import { windowedHost } from '../main/families/lw-detr/host.ts';
import { lwDetrTransformer, type WindowedTransformer } from '../main/families/lw-detr/windowed-vit.ts';
import { rfDetrSchema } from '../main/families/rf-detr/config.ts';
import { rfDetrTransformer } from '../main/families/rf-detr/plan.ts';
import { compileFull } from '../main/reduction/vit-graphs.ts';
import { LoadedGraph } from '../main/runtime/loaded-graph.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import type { GraphRuntime, GraphTensors } from '../main/runtime/runtime.ts';
import { float32 } from '../main/runtime/tensors.ts';
import { askPython, skippedFor, type Skipped } from './python.ts';
import { median } from './machine.ts';
import { randomNumbers } from './random-weights.ts';
import { benchTransformer, cached, DENSE, drawnWeights, type TransformerRow } from './transformers.ts';

/** Runs of each part in a row. */
const BLOCK_RUNS = 5;

type Published = {
	title: string;
	/** Of the square pictures. */
	side: number;
	detector: WindowedTransformer & { network: QueryNetworkConfig };
	/** Its name in windowed-detectors.py. */
	exported: string;
};

/** COCO's categories, counted by their ids. */
const LABELS = { num_labels: 91 };
const rfDetr = rfDetrSchema.parse({
	model_type: 'rf_detr',
	decoder_layers: 4,
	decoder_n_points: 2,
	backbone_config: {
		hidden_size: 384,
		num_attention_heads: 6,
		image_size: 576,
		patch_size: 16,
		num_windows: 2,
		out_indices: [3, 6, 9, 12],
	},
	...LABELS,
});
const lwDetr = lwDetrSchema.parse({
	model_type: 'lw_detr',
	projector_scale_factors: [1],
	decoder_n_points: 2,
	backbone_config: {
		hidden_size: 384,
		num_hidden_layers: 10,
		window_block_indices: [0, 1, 3, 6, 7, 9],
		out_indices: [2, 4, 5, 9],
	},
	...LABELS,
});

/** At published sizes. */
export const WINDOWED_DETECTORS: readonly Published[] = [
	{
		title: 'RF-DETR-medium at 576×576 (1,296 patches)',
		side: 576,
		detector: { ...rfDetrTransformer(rfDetr.vit), network: rfDetr.network },
		exported: 'rf-detr',
	},
	{
		title: 'LW-DETR-medium at 640×640 (1,600 patches)',
		side: 640,
		detector: { ...lwDetrTransformer(lwDetr.vit), network: lwDetr.network },
		exported: 'lw-detr',
	},
];

export type WindowedDetectorTable = {
	rows: readonly TransformerRow[];
	/** What a dense frame is made of, each by itself. */
	parts: readonly { part: string; gmac: number; ms: number }[];
	/** What is behind the transformer in plain onnxruntime. `ratio`: our time over its, median over rounds of both in turn. */
	exported: { ms: number; ratio: number; version: string } | { skipped: string };
};

/** A detector end to end, its parts, and what is behind its transformer against PyTorch's export of the same. */
export async function benchWindowedDetector(
	{ side, detector, exported }: Published,
	options: { script: string; threads: number; rounds: number },
): Promise<WindowedDetectorTable> {
	const { network, vit } = detector;
	const lookup = drawnWeights();
	const picture = { width: side, height: side };
	const host = windowedHost({ detector, lookup }, { inputSize: picture, contentSize: picture });
	const rows = await benchTransformer(host, [DENSE, cached(0.1), cached(0.05)], options);

	const runtime = createRuntime(options.threads);
	const random = randomNumbers(5);
	const numbers = (shape: readonly number[]) =>
		float32(
			Float32Array.from({ length: shape.reduce((size, length) => size * length, 1) }, () => random() - 0.5),
			shape,
		);
	const grid = { rows: side / vit.patch, cols: side / vit.patch };
	const tokens = grid.rows * grid.cols;
	const part = (kind: 'all' | 'projector' | 'queries') =>
		compileBehind(network, lookup, { grid }, { part: kind });
	const transformer = compileFull(detector.plan(grid), lookup, {
		keepKeysAndValues: false,
		withScores: false,
	});
	const features = { features: numbers([tokens, network.features.count * network.features.dim]) };
	const level = { 'level.0': numbers([tokens, network.dim]) };
	const timed: Timed[] = [];
	for (const [name, graph, feeds, wanted] of [
		['transformer', transformer, { picture: numbers([1, 3, side, side]) }, ['head']],
		['behind it', part('all'), features, ['logits', 'boxes']],
		['of it, projector', part('projector'), features, ['level.0']],
		['of it, decoder', part('queries'), level, ['logits', 'boxes']],
	] as const) {
		const loaded = await LoadedGraph.load(runtime, graph);
		timed.push({ name, gmac: loaded.macs() / GIGA, run: () => loaded.run(feeds, wanted), times: [] });
	}
	const theirs = await loadExported(exported, options.script, runtime, () =>
		Array.from({ length: network.features.count }, () =>
			numbers([1, network.features.dim, grid.rows, grid.cols]),
		),
	);
	if (!('skipped' in theirs)) timed.push({ name: 'exported', gmac: 0, run: theirs.run, times: [] });
	for (let round = 0; round <= options.rounds; round++) {
		for (const { run, times } of timed) {
			const block: number[] = [];
			for (let i = 0; i < BLOCK_RUNS; i++) {
				const start = performance.now();
				await run();
				block.push(performance.now() - start);
			}
			if (round > 0) times.push(median(block));
		}
	}
	const of = (name: string) => timed.find((one) => one.name === name)!.times;
	return {
		rows,
		parts: timed
			.filter(({ name }) => name !== 'exported')
			.map(({ name, gmac, times }) => ({ part: name, gmac, ms: median(times) })),
		exported:
			'skipped' in theirs
				? theirs
				: {
						ms: median(of('exported')),
						ratio: median(of('behind it').map((ms, round) => ms / of('exported')[round]!)),
						version: theirs.version,
					},
	};
}

type Timed = { name: string; gmac: number; run(): Promise<unknown>; times: number[] };

/** What PyTorch exports, which needs transformers and onnxscript. */
async function loadExported(
	name: string,
	script: string,
	runtime: GraphRuntime,
	maps: () => GraphTensors[string][],
): Promise<{ run(): Promise<unknown>; version: string } | Skipped> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-export-'));
	try {
		const path = join(folder, 'behind.onnx');
		const { version } = await askPython<{ version: string }>([script, name, path]);
		const session = await runtime.load(await readFile(path), `${name}:exported`);
		const feeds = Object.fromEntries(maps().map((map, i) => [`feature_${i}`, map]));
		return { run: () => session.run(feeds, ['logits', 'boxes']), version };
	} catch (error) {
		return skippedFor(error, 'export what is behind the transformer');
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
