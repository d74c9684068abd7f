import {
	SHVIT_FIRST_BLOCK,
	SHVIT_VARIANTS,
	type ShvitConfig,
	type ShvitStage,
} from '../../backbones/shvit.ts';
import { UserFacingError } from '../../domain/errors.ts';
import type { Weights, WeightTensor } from '../../weights/safetensors.ts';

/** What a file of SHViT weights is for, and how large its parts are. */
export type ShvitModelConfig = {
	/** Such as `SHViT-S4`. */
	title: string;
	backbone: ShvitConfig;
	head: ClassifierConfig | RetinaConfig | MaskRcnnConfig;
};

/** `heads`: one, or two whose results are averaged where the model was distilled. */
export type ClassifierConfig = { kind: 'classifier'; classes: number; heads: readonly string[] };

export type RetinaConfig = {
	kind: 'retinanet';
	neck: NeckConfig;
	classes: number;
	anchors: RetinaAnchors;
	/** 3×3 convolutions before each of the two outputs, and their channels. */
	convs: number;
	width: number;
};

/** Anchors of a cell: every ratio (height / width) in every scale of the smallest size, `baseScale` strides. */
export type RetinaAnchors = { baseScale: number; scales: readonly number[]; ratios: readonly number[] };

export type MaskRcnnConfig = {
	kind: 'mask-rcnn';
	neck: NeckConfig;
	classes: number;
	/** Anchors a cell, one for each ratio of their sides. */
	anchors: number;
	/** Side of the grid that a proposal's features are pooled to. */
	pooled: number;
	/** Widths of the layers behind it. */
	fullyConnected: readonly number[];
};

export type NeckConfig = {
	/** What stands before `lateral_convs`, such as `neck.`. */
	prefix: string;
	width: number;
	/** Levels finer than the backbone's maps, by transposed convolutions, and coarser ones, by convolutions with stride 2. */
	finer: number;
	coarser: number;
};

/** Of RetinaNet, as published: three to an octave. */
const RETINA_ANCHORS: RetinaAnchors = {
	baseScale: 4,
	scales: [2 ** 0, 2 ** (1 / 3), 2 ** (2 / 3)],
	ratios: [0.5, 1, 2],
};

/** Where the backbone of a detector stands; that of a classifier is the whole file. */
const DETECTOR_PREFIX = 'backbone.';
/** Tensors that say nothing of a network: counters of training, and masks, which boxes can do without. */
const UNUSED = [/\.num_batches_tracked$/, /^roi_head\.mask_head\./];
/** Layers of the backbone, whose 1×1 kernels some files store as matrices. */
const BACKBONE_LAYER = /^(backbone\.)?(patch_embed|blocks\d)\..*weight$/;

/** Whether tensors are named as an SHViT's are, alone or in a detector. */
export function isShvit(weights: Weights): boolean {
	return prefixOf(weights) !== null;
}

/** The tensors that a network is built from, 1×1 kernels as kernels however they were stored. */
export function usedTensors(weights: Weights): Weights {
	const used = new Map<string, WeightTensor>();
	for (const [name, tensor] of weights) {
		if (UNUSED.some((pattern) => pattern.test(name))) continue;
		const isMatrix = BACKBONE_LAYER.test(name) && tensor.shape.length === 2;
		used.set(name, isMatrix ? { ...tensor, shape: [...tensor.shape, 1, 1] } : tensor);
	}
	return used;
}

/** Reads the sizes of a network off its tensors. Throws `tensor-mismatch` where one that says a size is missing. */
export function readShvitConfig(weights: Weights, place: string): ShvitModelConfig {
	const reader = new ShapeReader(weights, place);
	const prefix = prefixOf(weights) ?? '';
	const backbone = readBackbone(weights, reader, prefix);
	const title = variantName(backbone);
	if (weights.has('bbox_head.retina_cls.weight')) {
		return { title: `RetinaNet ${title}`, backbone, head: readRetina(weights, reader) };
	}
	if (weights.has('rpn_head.rpn_conv.weight')) {
		return { title: `Mask R-CNN ${title}`, backbone, head: readMaskRcnn(weights, reader) };
	}
	const heads = ['head', 'head_dist'].filter((name) =>
		weights.has(`${name}.${backbone.fused ? '' : 'l.'}weight`),
	);
	const classes = reader.size(`head.${backbone.fused ? '' : 'l.'}weight`, 0);
	return { title, backbone, head: { kind: 'classifier', classes, heads } };
}

/** `SHViT-S1` to `SHViT-S4` where widths and blocks are published ones. */
function variantName({ stages }: ShvitConfig): string {
	const sizes = (of: readonly ShvitStage[]) => of.map(({ width, blocks }) => `${width}×${blocks}`).join();
	return SHVIT_VARIANTS.find((variant) => sizes(variant.stages) === sizes(stages))?.name ?? 'SHViT';
}

function prefixOf(weights: Weights): string | null {
	for (const prefix of ['', DETECTOR_PREFIX]) {
		const stem = ['weight', 'c.weight'].some((part) => weights.has(`${prefix}patch_embed.0.${part}`));
		if (stem && weights.has(`${prefix}blocks2.1.se.fc1.weight`)) return prefix;
	}
	return null;
}

/** The backbone alone, under `prefix`. */
export function readBackbone(weights: Weights, reader: ShapeReader, prefix: string): ShvitConfig {
	const fused = weights.has(`${prefix}patch_embed.0.weight`);
	const conv = (name: string) => `${prefix}${name}${fused ? '' : '.c'}.weight`;
	const residual = (name: string) => `${prefix}${name}${fused ? '' : '.m.c'}.weight`;
	const stages = ['patch_embed.6', 'blocks2.1.conv3', 'blocks3.1.conv3'].map((last, stage): ShvitStage => {
		const width = reader.size(conv(last), 0);
		const first = SHVIT_FIRST_BLOCK[stage]!;
		const name = `blocks${stage + 1}`;
		const blocks = countFrom(first, (i) => weights.has(residual(`${name}.${i}.conv`)));
		const mixer = `${name}.${first}.mixer.m`;
		if (!weights.has(`${prefix}${mixer}.pre_norm.weight`)) return { width, blocks, attention: null };
		const partial = reader.size(`${prefix}${mixer}.pre_norm.weight`, 0);
		const keys = Math.floor((reader.size(conv(`${mixer}.qkv`), 0) - partial) / 2);
		return { width, blocks, attention: { partial, keys } };
	});
	return { prefix, fused, stages };
}

/** The neck alone, under `prefix`. */
export function readNeck(weights: Weights, reader: ShapeReader, prefix: string): NeckConfig {
	const count = (part: string) => countFrom(0, (i) => weights.has(`${prefix}${part}.${i}.conv.weight`));
	return {
		prefix,
		width: reader.size(`${prefix}lateral_convs.0.conv.weight`, 0),
		finer: count('extra_trans_convs'),
		coarser: count('fpn_convs') - count('lateral_convs'),
	};
}

function readRetina(weights: Weights, reader: ShapeReader): RetinaConfig {
	return {
		kind: 'retinanet',
		neck: readNeck(weights, reader, 'neck.'),
		classes: Math.floor(
			reader.size('bbox_head.retina_cls.weight', 0) / (reader.size('bbox_head.retina_reg.weight', 0) / 4),
		),
		anchors: RETINA_ANCHORS,
		convs: countFrom(0, (i) => weights.has(`bbox_head.cls_convs.${i}.conv.weight`)),
		width: reader.size('bbox_head.retina_cls.weight', 1),
	};
}

function readMaskRcnn(weights: Weights, reader: ShapeReader): MaskRcnnConfig {
	const neck = readNeck(weights, reader, 'neck.');
	const box = 'roi_head.bbox_head';
	const layers = countFrom(0, (i) => weights.has(`${box}.shared_fcs.${i}.weight`));
	return {
		kind: 'mask-rcnn',
		neck,
		classes: reader.size(`${box}.fc_cls.weight`, 0) - 1,
		anchors: reader.size('rpn_head.rpn_cls.weight', 0),
		pooled: Math.floor(Math.sqrt(reader.size(`${box}.shared_fcs.0.weight`, 1) / neck.width)),
		fullyConnected: Array.from({ length: layers }, (_, i) => reader.size(`${box}.shared_fcs.${i}.weight`, 0)),
	};
}

function countFrom(first: number, holds: (i: number) => boolean): number {
	let count = 0;
	while (holds(first + count)) count++;
	return count;
}

/** Sizes of tensors, by name. */
export class ShapeReader {
	readonly #weights: Weights;
	readonly #place: string;

	constructor(weights: Weights, place: string) {
		this.#weights = weights;
		this.#place = place;
	}

	/** Throws `tensor-mismatch` where there is no such tensor or axis. */
	size(name: string, axis: number): number {
		const size = this.#weights.get(name)?.shape[axis];
		if (size !== undefined) return size;
		throw new UserFacingError(
			'tensor-mismatch',
			`${this.#place} is not an SHViT: it has no tensor ${name} with ${axis + 1} axes or more.`,
		);
	}
}
