import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { shvit as emitShvit } from '../backbones/shvit.ts';
import { keepBest } from '../boxes/candidates.ts';
import { classifierGraph } from '../families/shvit/classifier.ts';
import {
	type ClassifierConfig,
	readBackbone,
	readNeck,
	readShvitConfig,
	type RetinaConfig,
	ShapeReader,
	type ShvitModelConfig,
	usedTensors,
} from '../families/shvit/config.ts';
import { auditTensors } from '../families/shvit/index.ts';
import { emitNeck, neckStrides } from '../families/shvit/neck.ts';
import { retinaCandidates, retinaGraph, retinaOutputs } from '../families/shvit/retinanet.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { GraphBuilder, type Value } from '../graph/graph-builder.ts';
import type { GraphTensor } from '../runtime/runtime.ts';
import { Layers } from '../graph/layers.ts';
import { float32 } from '../runtime/tensors.ts';
import { readSafetensors, type Weights, type WeightTensor } from '../weights/safetensors.ts';
import { requireTensors } from '../weights/weights.ts';
import { type Finding, Findings } from './findings.ts';
import { casePart, caseTensor, type ParityCase } from './parity-case.ts';
import { shvitManifest, shvitTable } from './shvit-manifest.ts';
import { runOnce } from '../runtime/loaded-graph.ts';

/** SHViT: classifiers, necks, whole detectors, lists of tensors, the table of sizes. What a case is shows in what it holds. */
export async function shvit(given: ParityCase): Promise<Finding[]> {
	const findings = new Findings(given);
	if ('rows' in given.description) shvitTable(given, findings);
	else if ('models' in given.description) shvitManifest(given, findings);
	else if (given.weights.has('bbox_head.retina_cls.weight')) await checkRetina(given, findings);
	else if ([...given.weights.keys()].some((name) => name.startsWith('backbone.')))
		await checkNecks(given, findings);
	else await checkClassifier(given, findings);
	return findings.finish();
}

async function checkClassifier(given: ParityCase, findings: Findings): Promise<void> {
	const fusedBytes = await readFile(join(given.folder, 'weights_fused.safetensors')).catch(() => null);
	const stored: [prefix: string, weights: Weights][] = [['output', given.weights]];
	if (fusedBytes) stored.push(['fused', readSafetensors(fusedBytes, 'weights_fused.safetensors')]);
	for (const [prefix, weights] of stored) {
		for (let i = 0; given.tensors.has(`input${i}`); i++) {
			findings.input(`input${i}`);
			await checkLogits(given, findings, `${prefix}${i}.`, `input${i}`, weights);
		}
	}
}

/** Compares all that the case names of one input, under `prefix`. */
async function checkLogits(
	given: ParityCase,
	findings: Findings,
	prefix: string,
	input: string,
	stored: Weights,
): Promise<void> {
	const weights = usedTensors(stored);
	const config = readShvitConfig(weights, given.folder) as ShvitModelConfig & { head: ClassifierConfig };
	auditTensors(config, weights, given.folder).finish();
	const picture = caseTensor(given, input);
	const shape = picture.shape as [number, number, number, number];
	const values = new Map<string, Value>();
	const { graph, logits } = classifierGraph(
		config,
		shape,
		requireTensors(weights, given.folder),
		(name, value) => values.set(name === 'patch_embed' ? 'stem' : name, value),
	);
	values.set('logits', logits);
	const stated = [...given.tensors.keys()].filter((name) => name.startsWith(prefix));
	const wanted = stated.map((name) => name.slice(prefix.length)).filter((name) => values.has(name));
	const outputs = await runFor(graph, { pictures: picture }, values, wanted);
	for (const [name, { data }] of outputs) findings.close(`${prefix}${name}`, data as Float32Array);
}

/** Neck after neck over the same backbone; a real file has one neck, under another name. */
async function checkNecks(given: ParityCase, findings: Findings): Promise<void> {
	const weights = usedTensors(given.weights);
	const reader = new ShapeReader(weights, given.folder);
	const picture = caseTensor(given, 'input');
	findings.input('input');
	const necks = new Set(
		[...weights.keys()].filter((name) => !name.startsWith('backbone.')).map((name) => name.split('.')[0]!),
	);
	for (const neck of necks) {
		const graph = new GraphBuilder();
		const layers = new Layers(graph, requireTensors(weights, given.folder));
		const values = new Map<string, Value>();
		const maps = emitShvit(
			layers,
			graph.input('pictures', 'float32', picture.shape),
			readBackbone(weights, reader, 'backbone.'),
		);
		maps.forEach((map, i) => values.set(`features.${i}`, map));
		const levels = emitNeck(layers, maps, readNeck(weights, reader, `${neck}.`));
		levels.forEach((level, i) => values.set(`${neck.replace(/^neck/, 'fpn')}.${i}`, level));
		const outputs = await runFor(graph, { pictures: picture }, values, [...values.keys()]);
		for (const [name, { data }] of outputs) findings.close(name, data as Float32Array);
	}
}

/** The parts of a detector's case that its weights do not say. */
const detectorSchema = z.object({
	model: z.object({
		bbox_head: z.object({
			anchor_generator: z.object({
				octave_base_scale: z.number(),
				scales_per_octave: z.number().int().positive(),
				ratios: z.array(z.number()),
				strides: z.array(z.number()),
			}),
			// What the detector's decoding is written for.
			bbox_coder: z.object({
				target_means: z.array(z.literal(0)),
				target_stds: z.array(z.literal(1)),
			}),
		}),
		test_cfg: z.object({
			nms_pre: z.number(),
			score_thr: z.number(),
			nms: z.object({ iou_threshold: z.number() }),
			max_per_img: z.number(),
		}),
	}),
	img_meta: z.object({
		img_shape: z.tuple([z.number(), z.number(), z.number()]),
		scale_factor: z.union([z.number(), z.array(z.number())]),
	}),
});
const detectorTolerance = z.object({ boxes_abs_px: z.number(), scores_abs: z.number() });

async function checkRetina(given: ParityCase, findings: Findings): Promise<void> {
	const { model, img_meta: meta } = casePart(given, 'config', detectorSchema);
	const test = model.test_cfg;
	const allowed = casePart(given, 'tolerance', detectorTolerance);
	const weights = usedTensors(given.weights);
	const published = readShvitConfig(weights, given.folder) as ShvitModelConfig & { head: RetinaConfig };
	const {
		octave_base_scale: baseScale,
		scales_per_octave: scales,
		ratios,
		strides,
	} = model.bbox_head.anchor_generator;
	const anchors = {
		baseScale,
		ratios,
		scales: Array.from({ length: scales }, (_, i) => 2 ** (i / scales)),
	};
	const config = { ...published, head: { ...published.head, anchors } };
	findings.equalTo('strides', neckStrides(config.head.neck), strides);
	auditTensors(config, weights, given.folder).finish();
	const input = caseTensor(given, 'input');
	findings.input('input');
	const [, , height, width] = input.shape as [number, number, number, number];
	const lookup = requireTensors(weights, given.folder);
	const retina = retinaGraph(config, { width, height }, test.nms_pre, lookup);
	const named = [...retina.values.keys()];
	const outputs = await runFor(retina.graph, { picture: input }, retina.values, named, retinaOutputs(retina));
	for (const name of named) findings.close(name, outputs.get(name)!.data as Float32Array);
	retina.levels.forEach(({ anchors }, i) => {
		findings.close(`bbox_pred.${i}`, outputs.get(`deltas.${i}`)!.data as Float32Array);
		findings.close(`anchors.${i}`, anchors);
	});

	const [pictureHeight, pictureWidth] = meta.img_shape;
	const candidates = retinaCandidates(
		Object.fromEntries(outputs),
		retina,
		config.head.classes,
		{ width: pictureWidth, height: pictureHeight },
		test.score_thr,
	);
	const kept = keepBest(candidates, test.nms.iou_threshold, test.max_per_img);
	const factors = typeof meta.scale_factor === 'number' ? [meta.scale_factor] : meta.scale_factor;
	const rescaled = candidates.boxesXyxy.map((side, i) => side / factors[i % factors.length]!);
	const columns = {
		pre_nms: candidates,
		detections: kept,
		detections_rescaled: keepBest(
			{ ...candidates, boxesXyxy: rescaled },
			test.nms.iou_threshold,
			test.max_per_img,
		),
	};
	for (const [name, { boxesXyxy, scores, classIndices }] of Object.entries(columns)) {
		findings.close(`${name}.boxes`, boxesXyxy, { abs: allowed.boxes_abs_px, rel: 0 });
		findings.close(`${name}.scores`, scores, { abs: allowed.scores_abs, rel: 0 });
		findings.equal(`${name}.labels`, classIndices);
	}
}

/** Runs a graph and gives `wanted`, values by the names that `values` knows them by, and its own outputs. */
async function runFor(
	graph: GraphBuilder,
	feeds: Readonly<Record<string, WeightTensor>>,
	values: ReadonlyMap<string, Value>,
	wanted: readonly string[],
	ownOutputs: readonly string[] = [],
): Promise<Map<string, GraphTensor>> {
	const outputOf = new Map<Value['name'], string>(); // one value may have several names
	for (const name of wanted) {
		const value = values.get(name)!;
		if (outputOf.has(value.name)) continue;
		graph.output(name, value);
		outputOf.set(value.name, name);
	}
	const outputs = await runOnce(
		createRuntime(1),
		graph.compile('checked'),
		Object.fromEntries(Object.entries(feeds).map(([name, { data, shape }]) => [name, float32(data, shape)])),
		[...outputOf.values(), ...ownOutputs],
	);
	return new Map([
		...wanted.map((name) => [name, outputs[outputOf.get(values.get(name)!.name)!]!] as const),
		...ownOutputs.map((name) => [name, outputs[name]!] as const),
	]);
}
