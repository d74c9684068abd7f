import { BEST_LABELS, type QueryAnswers } from '../../boxes/ranked-queries.ts';
import type { BehindOffer } from '../../reduction/host.ts';
import { hostOfVit } from '../../reduction/vit-host.ts';
import { factsOf, type ModelFamily, type OpenedModel } from '../family.ts';
import { huggingFaceFiles, processorOf } from '../hugging-face/files.ts';
import { PROCESSOR_KINDS } from '../hugging-face/processor.ts';
import { queryModel } from '../hugging-face/query-model.ts';
import type { ModelSource } from '../source.ts';
import { splitAnswers, yolosPlan } from './plan.ts';
import { readYolos } from './read.ts';

/** The publishers' names of widths. */
const SIZE_NAMES: Readonly<Record<number, string>> = {
	192: 'YOLOS-tiny',
	384: 'YOLOS-small',
	768: 'YOLOS-base',
};
/** Of scores after a softmax. */
const DISPLAY_THRESHOLD = 0.5;

/** YOLOS (Fang et al., You Only Look at One Sequence, NeurIPS 2021) from Hugging Face folders. */
export const yolosFamily: ModelFamily = {
	id: 'yolos',
	title: 'YOLOS',
	offers: ['vit'],
	modelTypes: ['yolos'],
	open: openYolos,
};

async function openYolos(source: ModelSource): Promise<OpenedModel> {
	const { config, labels, weights } = readYolos(await huggingFaceFiles(source));
	const facts = await factsOf(source, {
		name: SIZE_NAMES[config.dim] ?? `YOLOS of width ${config.dim}`,
		classes: labels.names,
		displayThreshold: DISPLAY_THRESHOLD,
	});
	const { patch } = config;
	const labelCount = labels.indexByLabel.length;
	return queryModel(facts, await processorOf(source, PROCESSOR_KINDS.yolos), {
		labels,
		ranking: BEST_LABELS,
		multiple: patch,
		stride: patch,
		hostAt({ inputSize: { width, height } }) {
			const plan = yolosPlan(config, { rows: height / patch, cols: width / patch }, labelCount);
			return hostOfVit({ plan, weights, behind: detectionTokens(labelCount) });
		},
	});
}

/** Behind the transformer stands nothing: detection tokens are queries. */
function detectionTokens(labels: number): BehindOffer<QueryAnswers> {
	return {
		macs: () => 0,
		load: () =>
			Promise.resolve({
				run: ({ extra }) => Promise.resolve({ output: splitAnswers(extra, labels), macs: 0 }),
				release: () => Promise.resolve(),
			}),
	};
}
