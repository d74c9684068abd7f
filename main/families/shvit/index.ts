import { UserFacingError } from '../../domain/errors.ts';
import type { Weights } from '../../weights/safetensors.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { requireTensors } from '../../weights/weights.ts';
import { type BoxColumns, keepBest, toDisplay } from '../../boxes/candidates.ts';
import { COCO_NAMES } from '../coco-names.ts';
import type { Normalisation } from '../../detector/bound-network.ts';
import { modelOf } from '../../detector/model.ts';
import { staticHost } from '../../reduction/host.ts';
import { fitLetterbox } from '../../pixels/letterbox.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { factsOf, type ModelFamily, type OpenedModel } from '../family.ts';
import type { ModelSource } from '../source.ts';
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
import { shvitGrid } from './grid.ts';
import { boxGraph, proposalGraph } from './mask-rcnn.ts';
import { maskRcnnNetwork, retinaNetwork } from './network.ts';
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
	offers: [],
	// A Lookout-SH has the same backbone and a head of its own.
	recognizes: (weights) => isShvit(weights) && !weights.has('lateral.0.weight'),
	open: openShvit,
};

async function openShvit(source: ModelSource): Promise<OpenedModel> {
	const { path } = source;
	const checkpoint = await source.checkpoint();
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
	const displayThreshold = DISPLAY_THRESHOLD;
	const facts = await factsOf(source, { name: config.title, classes, displayThreshold });
	const lookup = requireTensors(weights, path);
	return modelOf(facts, ({ displaySize, maxSide, scoreThreshold }) => {
		const letterbox = fitLetterbox(displaySize, maxSide, PADDED_TO, FILL);
		const { inputSize: input, contentSize: content } = letterbox;
		const sizes = { input, content, scoreThreshold };
		const network = isRetina(config)
			? retinaNetwork(config, sizes, lookup)
			: maskRcnnNetwork(config as ShvitModelConfig & { head: MaskRcnnConfig }, sizes, lookup);
		return {
			host: staticHost(config.title, shvitGrid(input), network),
			letterbox,
			normalisation: IMAGENET,
			interpret: (candidates: BoxColumns) =>
				toDisplay(keepBest(candidates, SUPPRESSION.iou, SUPPRESSION.max), letterbox),
		};
	});
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
