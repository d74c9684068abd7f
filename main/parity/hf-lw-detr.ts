import { parseModelConfig } from '../families/model-config.ts';
import type { HuggingFaceFiles } from '../families/hugging-face/files.ts';
import { PROCESSOR_KINDS } from '../families/hugging-face/processor.ts';
import { compileBehind } from '../families/lw-detr/behind.ts';
import { lwDetrVitSchema } from '../families/lw-detr/config.ts';
import { openHuggingFaceLwDetr } from '../families/lw-detr/hugging-face.ts';
import type { OpenedDetector } from '../families/lw-detr/windowed-detector.ts';
import { lwDetrTransformer, VIT_PREFIX, type WindowedTransformer } from '../families/lw-detr/windowed-vit.ts';
import { windowedDinoSchema } from '../families/rf-detr/config.ts';
import { openHuggingFaceRfDetr } from '../families/rf-detr/hugging-face.ts';
import { rfDetrTransformer } from '../families/rf-detr/plan.ts';
import type { WeightLookup } from '../graph/layers.ts';
import { runOnce } from '../runtime/loaded-graph.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { float32, floats } from '../runtime/tensors.ts';
import type { Extent } from '../vit/plan.ts';
import type { WindowLayout } from '../vit/windows.ts';
import { requireTensors } from '../weights/weights.ts';
import type { Findings } from './findings.ts';
import type { HfCase } from './hf-case.ts';
import { type HfPictures, picturesOf } from './hf-pictures.ts';
import { comparePostProcessing } from './hf-post-processing.ts';
import { blockNames, VitPictures } from './hf-vit.ts';

/** How a case states tokens before the first block. */
type Embedded = 'planes' | 'windows';

export async function checkHfLwDetr(given: HfCase, findings: Findings): Promise<void> {
	await checkDetector(given, findings, openHuggingFaceLwDetr(filesOf(given)), 'planes');
}

export async function checkHfRfDetr(given: HfCase, findings: Findings): Promise<void> {
	await checkDetector(given, findings, openHuggingFaceRfDetr(filesOf(given)), 'windows');
}

/** The transformer of LW-DETR alone. */
export async function checkHfLwDetrVit(given: HfCase, findings: Findings): Promise<void> {
	const vit = parseModelConfig(
		lwDetrVitSchema,
		{ json: given.config, place: `${given.folder}/config.json` },
		'LW-DETR',
	);
	await checkBackbone(given, findings, lwDetrTransformer(vit), 'planes');
}

/** The transformer of RF-DETR alone. */
export async function checkHfWindowedDino(given: HfCase, findings: Findings): Promise<void> {
	const vit = parseModelConfig(
		windowedDinoSchema,
		{ json: given.config, place: `${given.folder}/config.json` },
		'RF-DETR',
	);
	await checkBackbone(given, findings, rfDetrTransformer(vit), 'windows');
}

function filesOf({ config, weights, folder }: HfCase): HuggingFaceFiles {
	return {
		config: { json: config, place: `${folder}/config.json` },
		weights: { tensors: weights, place: folder },
	};
}

async function checkBackbone(
	given: HfCase,
	findings: Findings,
	transformer: WindowedTransformer,
	embedded: Embedded,
): Promise<void> {
	const inFile = requireTensors(given.weights, given.folder);
	const weights: WeightLookup = (name, shape) => inFile(name.slice(VIT_PREFIX.length), shape);
	const { dim, features } = transformer.vit;
	for (const batch of given.batches) {
		const pictures = picturesOf(findings, given, batch, PROCESSOR_KINDS['rf-detr']);
		const compare = comparison(findings, given, batch.name);
		const { size, rows } = await compareTransformer(compare, transformer, weights, pictures, embedded);
		const order = transformer.featureOrder(size);
		features.forEach((_, i) => {
			const maps = rows.map((row) => planesOf(columns(row, features.length, i, 1, dim), dim, order));
			compare(`feature_maps.${i}`, maps);
		});
	}
}

async function checkDetector(
	given: HfCase,
	findings: Findings,
	{ detector, lookup }: OpenedDetector,
	embedded: Embedded,
): Promise<void> {
	for (const batch of given.batches) {
		const pictures = picturesOf(findings, given, batch, detector.processor);
		const compare = comparison(findings, given, batch.name);
		const { size, rows } = await compareTransformer(compare, detector, lookup, pictures, embedded);
		await compareBehind(compare, { detector, lookup, pictures, size, features: rows });
		comparePostProcessing(findings, given, batch, detector.ranking);
	}
}

/** Compares tokens before and behind every block; gives the features of each picture side by side, [tokens, features · dim]. */
async function compareTransformer(
	compare: Compare,
	{ vit, plan: planOf, window }: WindowedTransformer,
	weights: WeightLookup,
	pictures: HfPictures,
	embedded: Embedded,
): Promise<{ size: Extent; rows: Float32Array[] }> {
	const { dim, features, patch } = vit;
	const vitPictures = new VitPictures(pictures, patch);
	const size = vitPictures.grid;
	const plan = planOf(size, true);
	const layout = window(size)?.layout ?? null;
	const first = plan.absolute ? 'embedded' : 'stem';
	const blocks = blockNames(plan);
	const runs = await vitPictures.run(plan, weights, ['head', first, ...blocks]);
	const of = (name: string) => runs.map((run) => run[name]!);
	compare(
		'embeddings',
		of(first).map((tokens) =>
			embedded === 'planes' ? planesOf(tokens, dim, null) : inWindows(tokens, layout),
		),
	);
	for (const name of blocks)
		compare(
			name,
			of(name).map((tokens) => inWindows(tokens, layout)),
		);
	// The last block answers as well, whether or not it is a feature.
	const rows = of('head').map((head) => columns(head, plan.features.length, 0, features.length, dim));
	return { size, rows };
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
	const wanted = ['logits', 'boxes', ...taps];
	const runs: Record<string, Float32Array>[] = [];
	for (const [n, data] of features.entries()) {
		const order = detector.featureOrder(size);
		const picture = { size: pictures.size, content: pictures.sizes[n]! };
		const graph = compileBehind(network, lookup, { grid: size, order, picture }, { taps: new Set(taps) });
		const tokens = size.rows * size.cols;
		const feeds = { features: float32(data, [tokens, data.length / tokens]) };
		const outputs = await runOnce(createRuntime(1), graph, feeds, wanted);
		runs.push(Object.fromEntries(wanted.map((name) => [name, floats(outputs, name)])));
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
