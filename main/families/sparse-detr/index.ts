import {
	BEST_HUNDRED,
	type QueryAnswers,
	rankedDetections,
	rankQueries,
} from '../../boxes/ranked-queries.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import { labelNames } from '../coco-names.ts';
import { requireTensors } from '../../weights/weights.ts';
import { modelOf } from '../../detector/model.ts';
import { fitShorterSide } from '../../pixels/letterbox.ts';
import { factsOf, type ModelFamily, type OpenedModel } from '../family.ts';
import { huggingFaceFiles, processorOf } from '../hugging-face/files.ts';
import { PROCESSOR_KINDS } from '../hugging-face/processor.ts';
import { queryModel } from '../hugging-face/query-model.ts';
import { IMAGENET } from '../imagenet.ts';
import type { ModelSource } from '../source.ts';
import { configTitle, isSparseDetr, readConfig } from './config.ts';
import { finestStride } from './backbone.ts';
import { sparseDetrHost } from './host.ts';
import { DEFORMABLE_MODEL_TYPES, openHuggingFaceDeformableDetr } from './hugging-face.ts';
import { askForTensors } from './tensors.ts';

/** Sides of the pictures that all published models were tested with. */
const [SHORTER_SIDE, LONGEST_SIDE] = [800, 1333];
/** Grey of what is beyond the picture in a frame; the network never sees it. */
const FILL = 114;
/** Of a sigmoid that was trained with the focal loss. */
const DISPLAY_THRESHOLD = 0.3;

/**
 * Deformable DETR (Zhu et al., ICLR 2021) and Sparse DETR (Roh et al., ICLR 2022), from their published checkpoints; the
 * first also from Hugging Face folders.
 * Those with a scoring network also run in the mode `sparse`; the keep ratio may differ from the one of the training.
 */
export const sparseDetrFamily: ModelFamily = {
	id: 'sparse-detr',
	title: 'Sparse DETR',
	offers: ['ranked'],
	modelTypes: DEFORMABLE_MODEL_TYPES,
	recognizes: isSparseDetr,
	open: (source) => (source.config ? openFolder(source) : openCheckpoint(source)),
};

async function openFolder(source: ModelSource): Promise<OpenedModel> {
	const { config: detr, labels, lookup } = openHuggingFaceDeformableDetr(await huggingFaceFiles(source));
	const name = configTitle(detr);
	const facts = await factsOf(source, { name, classes: labels.names, displayThreshold: DISPLAY_THRESHOLD });
	return queryModel(facts, await processorOf(source, PROCESSOR_KINDS.detr), {
		labels,
		ranking: BEST_HUNDRED,
		multiple: 1,
		stride: finestStride(detr),
		hostAt: (letterbox, seen) => sparseDetrHost(detr, lookup, letterbox, name, seen),
	});
}

async function openCheckpoint(source: ModelSource): Promise<OpenedModel> {
	const { path, weights, options } = await source.checkpoint();
	const config = readConfig(weights, options?.['args'] ?? null, path);
	const name = configTitle(config);
	const audit = new TensorAudit(weights, path, `checkpoint of ${name}`);
	askForTensors(config, audit.lookup);
	audit.finish();
	const lookup = requireTensors(weights, path);
	const labels = labelNames(config.classes);
	const displayThreshold = DISPLAY_THRESHOLD;
	const facts = await factsOf(source, { name, classes: labels.names, displayThreshold });
	return modelOf(facts, ({ displaySize, maxSide, scoreThreshold }) => {
		const sides = { shorter: SHORTER_SIDE, longest: LONGEST_SIDE, maxSide };
		const letterbox = fitShorterSide(displaySize, sides, finestStride(config), FILL);
		return {
			host: sparseDetrHost(config, lookup, letterbox, name),
			letterbox,
			normalisation: { ...IMAGENET, padding: 'grey' },
			interpret(answers: QueryAnswers) {
				const ranked = rankQueries(answers, displaySize, BEST_HUNDRED);
				return rankedDetections(ranked, labels.indexByLabel, displaySize, scoreThreshold);
			},
		};
	});
}
