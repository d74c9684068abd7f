import { checkedConfig } from '../families/hugging-face/checked-config.ts';
import type { HuggingFaceFiles } from '../families/hugging-face/files.ts';
import { PROCESSOR_KINDS } from '../families/hugging-face/processor.ts';
import { compileBehind } from '../families/lw-detr/behind.ts';
import { openHuggingFaceLwDetr } from '../families/lw-detr/hugging-face.ts';
import type { OpenedDetector } from '../families/lw-detr/windowed-detector.ts';
import { VIT_PREFIX } from '../families/lw-detr/windowed-vit.ts';
import { windowedDinoSchema } from '../families/rf-detr/config.ts';
import { openHuggingFaceRfDetr } from '../families/rf-detr/hugging-face.ts';
import { featureOrder, rfDetrPlan, rfDetrWindow } from '../families/rf-detr/plan.ts';
import type { CompiledGraph } from '../graph/graph-builder.ts';
import type { WeightLookup } from '../graph/layers.ts';
import { compileFull } from '../reduction/vit-graphs.ts';
import { runOnce } from '../runtime/loaded-graph.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import type { GraphTensor } from '../runtime/runtime.ts';
import { float32, floats } from '../runtime/tensors.ts';
import type { Extent, VitPlan } from '../vit/plan.ts';
import type { WindowLayout } from '../vit/windows.ts';
import { requireTensors } from '../weights/weights.ts';
import type { Findings } from './findings.ts';
import type { HfCase } from './hf-case.ts';
import { type HfPictures, picturesOf } from './hf-pictures.ts';
import { comparePostProcessing } from './hf-post-processing.ts';

/** What one picture of a batch gives, by our names. */
type Outputs = Record<string, Float32Array>;

export async function checkHfLwDetr(given: HfCase, findings: Findings): Promise<void> {
	await checkDetector(given, findings, openHuggingFaceLwDetr(filesOf(given)), 'planes');
}

export async function checkHfRfDetr(given: HfCase, findings: Findings): Promise<void> {
	await checkDetector(given, findings, openHuggingFaceRfDetr(filesOf(given)), 'windows');
}

function filesOf({ config, weights, folder }: HfCase): HuggingFaceFiles {
	return {
		config: { json: config, place: `${folder}/config.json` },
		weights: { tensors: weights, place: folder },
	};
}

/** The transformer of RF-DETR alone. */
export async function checkHfWindowedDino(given: HfCase, findings: Findings): Promise<void> {
	const vit = checkedConfig(windowedDinoSchema, given.config, `${given.folder}/config.json`, 'RF-DETR');
	const inFile = requireTensors(given.weights, given.folder);
	for (const batch of given.batches) {
		const pictures = picturesOf(findings, given, batch, PROCESSOR_KINDS['rf-detr']);
		const size = gridOf(pictures, vit.patch);
		const plan = rfDetrPlan(vit, size, true);
		const runs = await runTransformer(pictures, plan, (name, shape) =>
			inFile(name.slice(VIT_PREFIX.length), shape),
		);
		const compare = comparison(findings, given, batch.name);
		compareBlocks(compare, runs, rfDetrWindow(vit, size)?.layout ?? null);
		compare(
			'embeddings',
			runs.map((run) => inWindows(run['embedded']!, rfDetrWindow(vit, size)?.layout ?? null)),
		);
		const order = featureOrder(vit, size);
		vit.features.forEach((_, i) => {
			const maps = runs.map((run) => columns(run['head']!, plan.features.length, i, 1, vit.dim));
			compare(
				`feature_maps.${i}`,
				maps.map((rows) => planesOf(rows, vit.dim, order)),
			);
		});
	}
}

async function checkDetector(
	given: HfCase,
	findings: Findings,
	{ detector, lookup }: OpenedDetector,
	embedded: 'planes' | 'windows',
): Promise<void> {
	const { vit, ranking } = detector;
	for (const batch of given.batches) {
		const pictures = picturesOf(findings, given, batch, detector.processor);
		const size = gridOf(pictures, vit.patch);
		const plan = detector.plan(size, true);
		const layout = detector.window(size)?.layout ?? null;
		const runs = await runTransformer(pictures, plan, lookup);
		const compare = comparison(findings, given, batch.name);
		compareBlocks(compare, runs, layout);
		compare(
			'embeddings',
			runs.map((run) =>
				embedded === 'planes'
					? planesOf(run['embedded']!, vit.dim, null)
					: inWindows(run['embedded']!, layout),
			),
		);
		const features = runs.map((run) =>
			columns(run['head']!, plan.features.length, 0, vit.features.length, vit.dim),
		);
		await compareBehind(compare, { detector, lookup, pictures, size, features });
		comparePostProcessing(findings, given, batch, ranking);
	}
}

/** What stands behind the transformer, each picture by itself, as its features and its padding have it. */
async function compareBehind(
	compare: Compare,
	parts: {
		detector: OpenedDetector['detector'];
		lookup: WeightLookup;
		pictures: HfPictures;
		size: Extent;
		features: readonly Float32Array[];
	},
): Promise<void> {
	const { detector, lookup, pictures, size, features } = parts;
	const { network } = detector;
	const [levels, layers] = [network.projector.levels.length, network.decoder.layers];
	const taps = [
		...['enc_output_norm', 'enc_class', 'enc_class#1', 'enc_bbox', 'query_pos'],
		...['init_reference_points', 'enc_outputs_coord_logits'],
		...each(levels, (i) => `projector.${i}`),
		...each(layers, (i) => `dec.${i}`),
		...each(layers, (i) => `intermediate_hidden_states.${i}`),
	];
	const runs: Outputs[] = [];
	for (const [n, data] of features.entries()) {
		const graph = compileBehind(
			network,
			lookup,
			{
				grid: size,
				order: detector.featureOrder(size),
				picture: { size: pictures.size, content: pictures.sizes[n]! },
			},
			{ taps: new Set(taps) },
		);
		const tokens = size.rows * size.cols;
		runs.push(
			await runGraph(graph, { features: float32(data, [tokens, data.length / tokens]) }, [
				'logits',
				'boxes',
				...taps,
			]),
		);
	}
	const of = (name: string) => runs.map((run) => run[name]!);
	for (const name of taps) compare(name, of(name));
	if (levels === 1) compare('projector', of('projector.0'));
	compare('logits', of('logits'));
	compare('pred_boxes', of('boxes'));
	compare('intermediate_hidden_states', each(layers, (i) => of(`intermediate_hidden_states.${i}`)).flat());
}

function each<T>(count: number, entry: (i: number) => T): T[] {
	return Array.from({ length: count }, (_, i) => entry(i));
}

/** Compares what the pictures of a batch give, one behind the other, with what the case states; passes over what it doesn't. */
type Compare = (name: string, perPicture: readonly ArrayLike<number>[]) => void;

function comparison(findings: Findings, given: HfCase, batch: string): Compare {
	return (name, perPicture) => {
		const stated = `${batch}.${name}`;
		if (given.tensors.has(stated))
			findings.close(
				stated,
				perPicture.flatMap((numbers) => Array.from(numbers)),
			);
	};
}

function compareBlocks(compare: Compare, runs: readonly Outputs[], layout: WindowLayout | null): void {
	for (let i = 0; runs[0]![`block.${i}`]; i++)
		compare(
			`block.${i}`,
			runs.map((run) => inWindows(run[`block.${i}`]!, layout)),
		);
}

function gridOf({ size }: HfPictures, patch: number): Extent {
	return { rows: Math.floor(size.height / patch), cols: Math.floor(size.width / patch) };
}

async function runTransformer(
	{ pixels, batch, size }: HfPictures,
	plan: VitPlan,
	weights: WeightLookup,
): Promise<Outputs[]> {
	const graph = compileFull(plan, weights, { keepKeysAndValues: false, withScores: false, taps: true });
	const { rows, cols, stride } = plan.grid;
	const [height, width] = [rows * stride, cols * stride];
	const embedded = plan.absolute ? 'embedded' : 'stem';
	const wanted = ['head', embedded, ...plan.blocks.map((_, i) => `block.${i}`)];
	const runs: Outputs[] = [];
	for (let n = 0; n < batch; n++) {
		const data = crop(pixels.data as Float32Array, n, size, { width, height });
		const run = await runGraph(graph, { picture: float32(data, [1, 3, height, width]) }, wanted);
		runs.push({ ...run, embedded: run[embedded]! });
	}
	return runs;
}

/** The upper left of picture n, which whole patches cover: [3, height, width]. */
function crop(
	pixels: Float32Array,
	n: number,
	from: HfPictures['size'],
	{ width, height }: HfPictures['size'],
): Float32Array {
	return Float32Array.from({ length: 3 * height * width }, (_, i) => {
		const [row, col] = [Math.floor(i / width), i % width];
		const channel = 3 * n + Math.floor(row / height);
		return pixels[(channel * from.height + (row % height)) * from.width + col]!;
	});
}

async function runGraph(
	graph: CompiledGraph,
	feeds: Record<string, GraphTensor>,
	wanted: readonly string[],
): Promise<Outputs> {
	const outputs = await runOnce(createRuntime(1), graph, feeds, wanted);
	return Object.fromEntries(wanted.map((output) => [output, floats(outputs, output)]));
}

/** Tokens [tokens, dim] in the order of the windows that they lie in. */
function inWindows(tokens: Float32Array, layout: WindowLayout | null): Float32Array {
	if (!layout) return tokens;
	const dim = tokens.length / layout.slotOf.length;
	const out = new Float32Array(tokens.length);
	layout.tokenAt.forEach((token, place) =>
		out.set(tokens.subarray(token * dim, (token + 1) * dim), place * dim),
	);
	return out;
}

/** `count` of the `parts` of each row, [dim] each, from part `first` on. */
function columns(rows: Float32Array, parts: number, first: number, count: number, dim: number): Float32Array {
	return rows.filter((_, i) => {
		const part = Math.floor(i / dim) % parts;
		return part >= first && part < first + count;
	});
}

/** Rows [tokens, dim] as planes [dim, tokens], pixel p being token `order[p]`. */
function planesOf(rows: Float32Array, dim: number, order: Int32Array | null): Float32Array {
	const tokens = rows.length / dim;
	return rows.map((_, i) => {
		const pixel = i % tokens;
		return rows[(order?.[pixel] ?? pixel) * dim + Math.floor(i / tokens)]!;
	});
}
