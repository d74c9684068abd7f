import { type QueryAnswers, rankedDetections, rankQueries } from '../../boxes/ranked-queries.ts';
import type { Weights } from '../../weights/safetensors.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { requireTensors } from '../../weights/weights.ts';
import { modelOf } from '../../detector/model.ts';
import { fitLetterbox } from '../../pixels/letterbox.ts';
import { factsOf, type ModelFamily, type OpenedModel } from '../family.ts';
import { huggingFaceFiles, processorOf } from '../hugging-face/files.ts';
import { PROCESSOR_KINDS } from '../hugging-face/processor.ts';
import { queryModel } from '../hugging-face/query-model.ts';
import { IMAGENET } from '../imagenet.ts';
import type { ModelSource } from '../source.ts';
import { classesOf, type DetrConfig, rankingOf, readDetrConfig, recognizeHost } from './config.ts';
import { detrHost, detrStride } from './host.ts';
import { DETR_MODEL_TYPES, openHuggingFaceDetr } from './hugging-face.ts';
import { emitDetr } from './network.ts';

/** Grey of what is beyond the picture in a frame; the network never sees it. */
const FILL = 114;
/** Any size shows which tensors a network asks for. */
const SMALL = { width: 64, height: 64 };

/**
 * DETR, Conditional DETR and Anchor DETR, each as published and with ENACT's clustered attention in its encoder, from
 * their published checkpoints; the first two also from Hugging Face folders. A checkpoint of ENACT has no other attention: `enact` is how it was trained; `dense` runs
 * the same weights with every token a cluster of its own, so that nothing is averaged or dropped.
 */
export const detrFamily: ModelFamily = {
	id: 'detr',
	title: 'DETR',
	offers: ['clustered'],
	modelTypes: DETR_MODEL_TYPES,
	recognizes: (weights) => recognizeHost(weights) !== null,
	open: (source) => (source.config ? openFolder(source) : openCheckpoint(source)),
};

/** Of scores, by what the model was trained with: softmax, or the focal loss. */
function displayThreshold({ host }: DetrConfig): number {
	return host === 'detr' ? 0.5 : 0.3;
}

async function openFolder(source: ModelSource): Promise<OpenedModel> {
	const { config: detr, labels, lookup } = openHuggingFaceDetr(await huggingFaceFiles(source));
	const facts = await factsOf(source, {
		name: detr.title,
		classes: labels.names,
		displayThreshold: displayThreshold(detr),
	});
	return queryModel(facts, await processorOf(source, PROCESSOR_KINDS.detr), {
		labels,
		ranking: rankingOf(detr),
		multiple: 1,
		stride: detrStride(detr),
		hostAt: (letterbox, seen) => detrHost(detr, lookup, letterbox, seen),
	});
}

async function openCheckpoint(source: ModelSource): Promise<OpenedModel> {
	const { path } = source;
	const checkpoint = await source.checkpoint();
	const config = readDetrConfig(checkpoint);
	auditTensors(config, checkpoint.weights, path).finish();
	const weights = requireTensors(checkpoint.weights, path);
	const classes = classesOf(config);
	const facts = await factsOf(source, {
		name: config.title,
		classes: classes.names,
		displayThreshold: displayThreshold(config),
	});
	return modelOf(facts, ({ displaySize, maxSide, scoreThreshold }) => {
		const letterbox = fitLetterbox(displaySize, maxSide, detrStride(config), FILL);
		return {
			host: detrHost(config, weights, letterbox),
			letterbox,
			normalisation: { ...IMAGENET, padding: 'grey' },
			interpret(answers: QueryAnswers) {
				const ranked = rankQueries(answers, displaySize, rankingOf(config));
				return rankedDetections(ranked, classes.indexByLabel, displaySize, scoreThreshold);
			},
		};
	});
}

/** Holds the tensors of a checkpoint against all that its network asks for, the heads of every decoder layer included. */
export function auditTensors(config: DetrConfig, weights: Weights, place: string): TensorAudit {
	const audit = new TensorAudit(weights, place, `checkpoint of ${config.title}`);
	emitDetr(config, audit.lookup, [SMALL], { clustered: true, taps: true });
	return audit;
}
