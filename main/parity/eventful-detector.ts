import { z } from 'zod';
import type { VitDetConfig } from '../families/vitdet/config.ts';
import { DetectionHeads } from '../families/vitdet/heads.ts';
import { pickDetections } from '../families/vitdet/interpret.ts';
import { patchGrid, vitDetPlan } from '../families/vitdet/plan.ts';
import { auditTensors, isUsed, readPublished } from '../families/vitdet/published.ts';
import { WasmFramePixels } from '../pixels/frame-pixels.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import type { Frame } from '../domain/frame.ts';
import { compileFull } from '../reduction/vit-graphs.ts';
import type { Weights, WeightTensor } from '../weights/safetensors.ts';
import { requireTensors } from '../weights/weights.ts';
import { backboneSchema, BackboneRun, isDense, shapeOfCase, stepsOfCase } from './eventful-case.ts';
import { type Finding, Findings } from './findings.ts';
import { casePart, caseTensor, type ParityCase } from './parity-case.ts';
import { LoadedGraph } from '../runtime/loaded-graph.ts';
import { floats } from '../runtime/tensors.ts';

const four = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const numbers = z.array(z.number());
const count = z.number().int().positive();

/** The `head` part of a case's configuration. */
const headSchema = z.object({
	cascade: z.boolean(),
	num_classes: count,
	channels: count,
	strides: numbers,
	/** −1: as many as there were before. */
	rpn_conv_dims: z.array(z.union([z.literal(-1), count])).min(1),
	anchor_sizes: numbers,
	aspect_ratios: numbers,
	anchor_offset: z.number(),
	pre_nms_topk: count,
	post_nms_topk: count,
	rpn_nms_thresh: z.number(),
	rpn_box_weights: four,
	pool_output: count,
	pool_sampling_ratio: z.literal(0),
	canonical_box_size: z.number(),
	canonical_level: z.number(),
	box_conv_dims: numbers,
	box_conv_norm: z.literal('LN'),
	box_fc_dims: numbers,
	box_weights: z.union([four.transform((weights) => [weights]), z.array(four)]),
	score_thresh: z.number(),
	nms_thresh: z.number(),
	topk_per_image: count,
	class_agnostic: z.boolean(),
});

const configSchema = z.object({
	backbone: backboneSchema,
	patch_size: z.tuple([count, count]),
	scale_factors: numbers,
	normalize_mean: numbers,
	normalize_std: numbers,
	head: headSchema,
});

/** What a case's `tolerance` says of boxes and scores beside what it says of everything else. */
const toleranceSchema = z.object({ boxes_abs_px: z.number(), scores_abs: z.number() });

/** Whole detectors of the Eventful Transformers: backbone, pyramid, proposals, boxes, detections. */
export async function eventfulDetector(given: ParityCase): Promise<Finding[]> {
	const caseConfig = casePart(given, 'config', configSchema);
	const { backbone } = caseConfig;
	const config = detectorOfCase(given.name, caseConfig);
	const findings = new Findings(given);
	const [rows, cols] = backbone.input_size;
	const grid = { rows, cols };
	auditTensors(given.weights, given.folder, config).finish();
	const weights = requireTensors(given.weights, given.folder);
	const plan = vitDetPlan(config, grid);
	const runtime = createRuntime(1);
	const options = { keepKeysAndValues: false, withScores: false, taps: true };
	const full = await LoadedGraph.load(runtime, compileFull(plan, weights, options));
	const heads = await DetectionHeads.load(config, grid, weights, runtime);
	const run = await BackboneRun.load(given, findings, backbone, plan);
	const dense = isDense(backbone);
	const steps = stepsOfCase(given);
	for (const step of steps) {
		const prefix = `frame${step.frame}.`;
		const picture = preprocess(given, step.frame, config, grid, findings);
		const shape = [1, 3, rows * config.patch, cols * config.patch];
		const wanted = ['stem', 'head', ...plan.blocks.map((_, i) => `block.${i}`)];
		const outputs = await full.run({ picture: { type: 'float32', data: picture, shape } }, wanted);
		const values = (name: string) => floats(outputs, name);
		findings.close(`${prefix}backbone_input`, values('stem'));
		const tokens = await run.frame(step, values('stem'));
		findings.close(`${prefix}backbone_output`, tokens);
		if (dense) {
			// What mode dense runs gives the same, in one graph.
			findings.close(`${prefix}backbone_output`, values('head'));
			plan.blocks.forEach((_, i) => {
				const name = `${prefix}block${i}.output`;
				if (given.tensors.has(name)) findings.close(name, values(`block.${i}`));
			});
		}
		await checkHeads(given, step.frame, config, heads, tokens, findings);
	}
	await run.finish(steps.at(-1)!.frame);
	await full.release();
	await heads.release();
	return findings.finish();
}

function regionChannels({ channels, rpn_conv_dims }: z.infer<typeof headSchema>): readonly number[] {
	let before = channels;
	return rpn_conv_dims.map((asked) => (before = asked === -1 ? before : asked));
}

/** The configuration that the product would have read from a published file, as the case states it. */
function detectorOfCase(name: string, config: z.infer<typeof configSchema>): VitDetConfig {
	const { head, backbone } = config;
	const { dim, heads, mlp_ratio: mlpRatio } = backbone.block_config;
	return {
		name,
		classes: Array.from({ length: head.num_classes }, (_, i) => `class ${i}`),
		mean: config.normalize_mean.map((value) => value / 255),
		std: config.normalize_std.map((value) => value / 255),
		patch: config.patch_size[0],
		dim,
		heads,
		mlpRatio,
		...shapeOfCase(backbone),
		pyramid: { scales: config.scale_factors, channels: head.channels },
		proposals: {
			convs: regionChannels(head),
			anchorSizes: head.anchor_sizes,
			aspectRatios: head.aspect_ratios,
			anchorOffset: head.anchor_offset,
			weights: head.rpn_box_weights,
			perLevel: head.pre_nms_topk,
			kept: head.post_nms_topk,
			iou: head.rpn_nms_thresh,
		},
		boxes: {
			stages: head.box_weights,
			cascade: head.cascade,
			classAgnostic: head.class_agnostic,
			pooled: head.pool_output,
			canonicalSize: head.canonical_box_size,
			canonicalLevel: head.canonical_level,
			convs: head.box_conv_dims,
			fullyConnected: head.box_fc_dims,
			score: head.score_thresh,
			iou: head.nms_thresh,
			max: head.topk_per_image,
		},
	};
}

/** The frame's picture as the network sees it: [3, rows · patch, cols · patch]. */
function preprocess(
	given: ParityCase,
	frame: number,
	config: VitDetConfig,
	grid: { rows: number; cols: number },
	findings: Findings,
): Float32Array {
	const image = caseTensor(given, `frame${frame}.image`);
	findings.input(`frame${frame}.image`);
	const [, , height, width] = image.shape as [number, number, number, number];
	const pixels = new WasmFramePixels(patchGrid(config, grid), config.mean, config.std, { width, height });
	pixels.load(paddedFrame(image, { width: grid.cols * config.patch, height: grid.rows * config.patch }));
	const picture = pixels.planar();
	const name = `frame${frame}.preprocessed`;
	if (given.tensors.has(name)) findings.close(name, picture);
	return picture;
}

/** A picture [1, 3, h, w] of bytes in the top left corner of a frame that is grey elsewhere. */
function paddedFrame({ data, shape }: WeightTensor, size: Frame['size']): Frame {
	const [, , height, width] = shape as [number, number, number, number];
	const pixels = new Uint8Array(3 * size.width * size.height).fill(128);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			for (let channel = 0; channel < 3; channel++) {
				pixels[3 * (y * size.width + x) + channel] = data[(channel * height + y) * width + x]!;
			}
		}
	}
	return { index: 0, timeSeconds: 0, pixels, format: 'rgb24', size };
}

/** Everything behind the backbone, from the tokens that ours gave. */
async function checkHeads(
	given: ParityCase,
	frame: number,
	config: VitDetConfig,
	heads: DetectionHeads,
	tokens: Float32Array,
	findings: Findings,
): Promise<void> {
	const { boxes_abs_px, scores_abs } = casePart(given, 'tolerance', toleranceSchema);
	const toleranceOf = (name: string) => {
		if (name.endsWith('.boxes') || name.startsWith('anchors.')) return { abs: boxes_abs_px, rel: 0 };
		return name.endsWith('.scores') ? { abs: scores_abs, rel: 0 } : given.tolerance;
	};
	// Levels are left out of some frames, and anchors are stated once.
	const check = (name: string, values: ArrayLike<number>) => {
		const stated = [`frame${frame}.${name}`, name].find((candidate) => given.tensors.has(candidate));
		if (stated) findings.close(stated, values, toleranceOf(name));
	};
	const { output } = await heads.run(tokens, check);
	const picked = pickDetections(output, config, heads.inputSize, config.boxes.score);
	check('detections.boxes', picked.boxesXyxy);
	check('detections.scores', picked.scores);
	findings.equal(`frame${frame}.detections.labels`, picked.classIndices);
}

const manifestSchema = z.record(
	z.string(),
	z.object({
		classes: count,
		tensors: count,
		parameters: count,
		parameters_by_module: z.record(z.string(), count),
		state_dict: z.record(z.string(), z.array(count)),
	}),
);

/** Names and shapes of full-size models: what our reader makes of them, and what our graphs then ask for. */
export function eventfulManifest(given: ParityCase): Finding[] {
	const findings = new Findings(given);
	for (const [model, stated] of Object.entries(casePart(given, 'models', manifestSchema))) {
		// Shapes without numbers: only names and shapes are looked at.
		const weights: Weights = new Map(
			Object.entries(stated.state_dict).map(([name, shape]) => [name, { data: new Float32Array(0), shape }]),
		);
		const config = readPublished(weights, model);
		const audit = auditTensors(weights, model, config);
		const ignored = [...weights.keys()].filter((name) => !isUsed(name));
		const shapes = new Map([
			...audit.asked,
			...ignored.map((name) => [name, weights.get(name)!.shape] as const),
		]);
		const elements = (shape: readonly number[]) => shape.reduce((size, dim) => size * dim, 1);
		findings.equalTo(`${model}: classes`, [config.classes.length], [stated.classes]);
		findings.equalTo(
			`${model}: tensors, of which ${ignored.length} are not used (masks)`,
			[shapes.size],
			[stated.tensors],
		);
		for (const [module, parameters] of Object.entries(stated.parameters_by_module)) {
			const own = [...shapes].filter(([name]) => name.startsWith(`${module}.`));
			const sum = own.reduce((total, [, shape]) => total + elements(shape), 0);
			findings.equalTo(`${model}: parameters of ${module}`, [sum], [parameters]);
			const expected = Object.entries(stated.state_dict).filter(([name]) => name.startsWith(`${module}.`));
			findings.equalTo(
				`${model}: shapes of ${module}`,
				expected.flatMap(([name]) => shapes.get(name) ?? [NaN]),
				expected.flatMap(([, shape]) => shape),
			);
		}
		const all = [...shapes.values()].reduce((total, shape) => total + elements(shape), 0);
		findings.equalTo(`${model}: parameters`, [all], [stated.parameters]);
	}
	return findings.finish();
}
