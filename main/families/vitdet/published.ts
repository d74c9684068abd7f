import { UserFacingError } from '../../domain/errors.ts';
import { compileFull } from '../../reduction/vit-graphs.ts';
import type { Weights } from '../../weights/safetensors.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { COCO_NAMES } from '../coco-names.ts';
import { VID_CLASSES } from './classes.ts';
import type { BoxConfig, VitDetConfig } from './config.ts';
import { headGraphs } from './heads.ts';
import { vitDetPlan } from './plan.ts';
import { regionConv } from './proposals.ts';

/** Means and standard deviations of ImageNet's colours, for values in 0 to 1. */
const MEAN = [123.675, 116.28, 103.53].map((value) => value / 255);
const STD = [58.395, 57.12, 57.375].map((value) => value / 255);

/** The publishers' names of widths. */
const SIZE_NAMES: Readonly<Record<number, string>> = { 768: 'ViTDet-B', 1024: 'ViTDet-L', 1280: 'ViTDet-H' };
const ANCHOR_SIZES = [32, 64, 128, 256, 512];
const ASPECT_RATIOS = [0.5, 1, 2];
/** Deltas of the one stage, or of the three of a cascade. */
const STAGE_WEIGHTS = [[10, 10, 5, 5]] as const;
const CASCADE_WEIGHTS = [
	[10, 10, 5, 5],
	[20, 20, 10, 10],
	[30, 30, 15, 15],
] as const;
/** Proposals after suppression: fewer in the video configuration than detectron2's default. */
const KEPT = { alone: 300, cascade: 1000 };

/** Tensors of a ViTDet that boxes don't need: mask heads, and tables that are computed here. */
const IGNORED = [/^roi_heads\.mask_head\./, /^proposal_generator\.anchor_generator\./, /^pixel_(mean|std)$/];

/** Whether detections need a tensor of a published file. */
export function isUsed(name: string): boolean {
	return !IGNORED.some((pattern) => pattern.test(name));
}

/** Whether tensors are named as those of the Eventful Transformers' ViTDet. */
export function isVitDet(weights: Weights): boolean {
	return ['backbone.blocks.0.input_layer_norm.weight', 'pyramid.stages.0.0.weight'].every((name) =>
		weights.has(name),
	);
}

/**
 * The configuration of a published file: sizes from the shapes of its tensors, the rest from the published configurations
 * (ImageNet VID; COCO with its cascade). Throws `tensor-mismatch` where such a tensor is missing; other tensors are not
 * checked here.
 */
export function readPublished(weights: Weights, place: string): VitDetConfig {
	const shapeOf = (name: string, rank: number): readonly number[] => {
		const shape = weights.get(name)?.shape;
		if (shape?.length === rank) return shape;
		const got = shape ? `got [${shape.join(', ')}]` : 'it has none';
		throw new UserFacingError(
			'tensor-mismatch',
			`${place} is not a ViTDet: the tensor ${name} should have ${rank} axes (${got}).`,
		);
	};
	const [dim, , patch] = shapeOf('embedding.conv.weight', 4) as [number, number, number];
	const [, positions] = shapeOf('backbone.position_encoding.encoding', 3) as [number, number];
	const [, headDim] = shapeOf('backbone.blocks.0.relative_position.y_embedding', 2) as [number, number];
	const [hidden] = shapeOf('backbone.blocks.0.mlp_1.weight', 2) as [number];
	const [channels] = shapeOf('pyramid.stages.2.0.weight', 4) as [number];
	const positionSide = Math.round(Math.sqrt(positions));
	const boxes = readBoxes(weights, shapeOf);
	const classes = classNames(boxes.classCount);
	return {
		name: `${SIZE_NAMES[dim] ?? `ViTDet of width ${dim}`}, ${boxes.classCount} classes`,
		classes,
		mean: MEAN,
		std: STD,
		patch,
		dim,
		heads: dim / headDim,
		mlpRatio: hidden / dim,
		positionSize: { rows: positionSide, cols: positionSide },
		blocks: readBlocks(weights),
		pyramid: { scales: [4, 2, 1, 0.5], channels },
		proposals: {
			convs: readRegionConvs(weights, channels),
			anchorSizes: ANCHOR_SIZES,
			aspectRatios: ASPECT_RATIOS,
			anchorOffset: 0,
			weights: [1, 1, 1, 1],
			perLevel: 1000,
			kept: boxes.config.cascade ? KEPT.cascade : KEPT.alone,
			iou: 0.7,
		},
		boxes: boxes.config,
	};
}

/** Compares the tensors that a detector of this configuration needs with those of the file. */
export function auditTensors(weights: Weights, place: string, config: VitDetConfig): TensorAudit {
	const used = new Map([...weights].filter(([name]) => isUsed(name)));
	const audit = new TensorAudit(used, place, `${config.name} (${config.blocks.length} blocks)`);
	// What is asked for does not depend on the size of the picture.
	const grid = { rows: 4, cols: 4 };
	compileFull(vitDetPlan(config, grid), audit.lookup, { keepKeysAndValues: false, withScores: false });
	headGraphs(config, grid, audit.lookup);
	return audit;
}

/** A block whose tables are smaller than the largest ones attends within windows. */
function readBlocks(weights: Weights): VitDetConfig['blocks'] {
	const tables: { rows: number; cols: number }[] = [];
	for (let i = 0; weights.has(`backbone.blocks.${i}.qkv.weight`); i++) {
		const size = (axis: 'y' | 'x') => {
			const table = weights.get(`backbone.blocks.${i}.relative_position.${axis}_embedding`);
			return ((table?.shape[0] ?? 1) + 1) / 2;
		};
		tables.push({ rows: size('y'), cols: size('x') });
	}
	const largest = tables.reduce(
		(a, b) => ({ rows: Math.max(a.rows, b.rows), cols: Math.max(a.cols, b.cols) }),
		{ rows: 1, cols: 1 },
	);
	return tables.map((size) => {
		const isGlobal = size.rows === largest.rows && size.cols === largest.cols;
		return { window: isGlobal ? null : size, relativeSize: largest, pool: null };
	});
}

function readRegionConvs(weights: Weights, pyramidChannels: number): readonly number[] {
	const count = Math.max(
		1,
		countFrom(weights, 0, (i) => `${regionConv(2, i)}.weight`),
	);
	return Array.from(
		{ length: count },
		(_, i) => weights.get(`${regionConv(count, i)}.weight`)?.shape[0] ?? pyramidChannels,
	);
}

function readBoxes(
	weights: Weights,
	shapeOf: (name: string, rank: number) => readonly number[],
): { config: BoxConfig; classCount: number } {
	const cascade = weights.has('roi_heads.box_predictor.0.cls_score.weight');
	const first = (part: string) => `roi_heads.${part}${cascade ? '.0' : ''}`;
	const layers = (kind: string, rank: number) => {
		const nameOf = (i: number) => `${first('box_head')}.${kind}${i}.weight`;
		return Array.from({ length: countFrom(weights, 1, nameOf) }, (_, i) => shapeOf(nameOf(i + 1), rank));
	};
	const convs = layers('conv', 4).map(([width]) => width!);
	const fullyConnected = layers('fc', 2);
	const channels = convs.at(-1) ?? shapeOf('pyramid.stages.2.0.weight', 4)[0]!;
	const pooled = Math.round(Math.sqrt(shapeOf(`${first('box_head')}.fc1.weight`, 2)[1]! / channels));
	return {
		classCount: shapeOf(`${first('box_predictor')}.cls_score.weight`, 2)[0]! - 1,
		config: {
			stages: cascade ? CASCADE_WEIGHTS : STAGE_WEIGHTS,
			cascade,
			classAgnostic: shapeOf(`${first('box_predictor')}.bbox_pred.weight`, 2)[0] === 4,
			pooled,
			canonicalSize: 224,
			canonicalLevel: 4,
			convs,
			fullyConnected: fullyConnected.map(([width]) => width!),
			score: 0.05,
			iou: 0.5,
			max: 100,
		},
	};
}

/** Number of consecutively numbered tensors from number `first` on. */
function countFrom(weights: Weights, first: number, nameOf: (i: number) => string): number {
	let count = 0;
	while (weights.has(nameOf(first + count))) count++;
	return count;
}

function classNames(count: number): readonly string[] {
	const known = [VID_CLASSES, COCO_NAMES].find((names) => names.length === count);
	return known ?? Array.from({ length: count }, (_, i) => `class ${i + 1}`);
}
