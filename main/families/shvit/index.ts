import { basename, extname } from 'node:path';
import { UserFacingError } from '../../domain/errors.ts';
import type { Weights } from '../../weights/safetensors.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { requireTensors } from '../../weights/weights.ts';
import { type BoxColumns, keepBest, toDisplay } from '../../boxes/candidates.ts';
import { COCO_NAMES } from '../coco-names.ts';
import type { DetectorOptions, Model } from '../../detector/detector.ts';
import { fitLetterbox } from '../../pixels/letterbox.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import type { Checkpoint, ModelFamily } from '../family.ts';
import { requireMode } from '../require-mode.ts';
import { classifierGraph } from './classifier.ts';
import {
	type ClassifierConfig,
	isShvit,
	type MaskRcnnConfig,
	readShvitConfig,
	type RetinaConfig,
	type ShvitModelConfig,
	usedTensors,
} from './config.ts';
import { type Normalisation, SHVIT_MODES, ShvitDetector } from './detector.ts';
import { refuseLoneWeights } from '../lookout-sh/index.ts';
import { boxGraph, proposalGraph } from './mask-rcnn.ts';
import { loadMaskRcnn, loadRetina } from './network.ts';
import { retinaGraph } from './retinanet.ts';

/** What inputs are padded to a multiple of, in pixels. */
const PADDED_TO = 32;
/** Grey of the padding in frames, where the network sees nothing. */
const FILL = 114;
const DISPLAY_THRESHOLD = 0.3;
/** As the published models were trained with. */
const IMAGENET: Normalisation = {
	mean: [123.675, 116.28, 103.53].map((value) => value / 255),
	std: [58.395, 57.12, 57.375].map((value) => value / 255),
	padding: 'zero',
};
/** Of the published configurations. */
const SUPPRESSION = { iou: 0.5, max: 100 };
/** Any size shows which tensors a network asks for. */
const SMALL = { width: 64, height: 64 };

/**
 * SHViT: RetinaNet and Mask R-CNN detectors over it, from published checkpoints. A static network, and as such without
 * tokens to reuse: what a small model costs when it runs whole. Classifiers are known, too, but find nothing in a video.
 */
export const shvitFamily: ModelFamily = {
	id: 'shvit',
	title: 'SHViT',
	recognizes: isShvit,
	open: openShvit,
};

function openShvit(checkpoint: Checkpoint): Model {
	const { path, sha256 } = checkpoint;
	refuseLoneWeights(checkpoint.weights, path);
	const weights = usedTensors(checkpoint.weights);
	const config = readShvitConfig(weights, path);
	auditTensors(config, weights, path).finish();
	if (config.head.kind === 'classifier') {
		throw new UserFacingError(
			'model-unreadable',
			`${path} is ${config.title}, a classifier of ${config.head.classes} classes: it names whole pictures, finds no objects in them, and so cannot analyse a video.`,
			{ remedy: 'Choose a detector, such as RetinaNet over the same backbone.' },
		);
	}
	const classes = classNames(config.head.classes, checkpoint.options);
	return {
		id: basename(path, extname(path)),
		name: config.title,
		path,
		sha256,
		classes,
		displayThreshold: DISPLAY_THRESHOLD,
		modes: SHVIT_MODES,
		async open(options: DetectorOptions) {
			requireMode(options.mode, SHVIT_MODES, config.title);
			const { displaySize, maxSide, scoreThreshold, threads } = options;
			const letterbox = fitLetterbox(displaySize, maxSide, PADDED_TO, FILL);
			const { inputSize: input, contentSize: content } = letterbox;
			const runtime = createRuntime(threads);
			const lookup = requireTensors(weights, path);
			const sizes = { input, content, scoreThreshold };
			const network = isRetina(config)
				? await loadRetina(config, sizes, lookup, runtime)
				: await loadMaskRcnn(config as ShvitModelConfig & { head: MaskRcnnConfig }, sizes, lookup, runtime);
			const { provider } = runtime;
			const interpret = (candidates: BoxColumns) =>
				toDisplay(keepBest(candidates, SUPPRESSION.iou, SUPPRESSION.max), letterbox);
			const parts = { classes, letterbox, network, provider, normalisation: IMAGENET, interpret };
			return new ShvitDetector(parts, options);
		},
	};
}

/** Holds the tensors of a checkpoint, as `usedTensors` gives them, against all that its network asks for. */
export function auditTensors(config: ShvitModelConfig, weights: Weights, place: string): TensorAudit {
	const audit = new TensorAudit(weights, place, `checkpoint of ${config.title}`);
	if (isRetina(config)) retinaGraph(config, SMALL, 1, audit.lookup);
	else if (isClassifier(config)) classifierGraph(config, [1, 3, SMALL.height, SMALL.width], audit.lookup);
	else {
		const maskRcnn = config as ShvitModelConfig & { head: MaskRcnnConfig };
		boxGraph(maskRcnn, proposalGraph(maskRcnn, SMALL, audit.lookup).levels, audit.lookup);
	}
	return audit;
}

function isRetina(config: ShvitModelConfig): config is ShvitModelConfig & { head: RetinaConfig } {
	return config.head.kind === 'retinanet';
}

function isClassifier(config: ShvitModelConfig): config is ShvitModelConfig & { head: ClassifierConfig } {
	return config.head.kind === 'classifier';
}

/** The names that a file of mmdetection brings, else those of COCO where there are as many, else numbers. */
function classNames(count: number, options: Checkpoint['options']): readonly string[] {
	const meta = options?.['meta'];
	const stated = typeof meta === 'object' && meta !== null && 'CLASSES' in meta ? meta.CLASSES : null;
	if (Array.isArray(stated) && stated.length === count && stated.every((name) => typeof name === 'string')) {
		return stated;
	}
	return count === COCO_NAMES.length ? COCO_NAMES : Array.from({ length: count }, (_, i) => `class ${i}`);
}
