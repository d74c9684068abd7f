import { BEST_LABELS, type QueryAnswers, rankedDetections, rankQueries } from '../../boxes/ranked-queries.ts';
import { modelOf } from '../../detector/model.ts';
import { UserFacingError } from '../../domain/errors.ts';
import type { Letterbox } from '../../domain/frame.ts';
import type { Size } from '../../domain/video.ts';
import type { BehindOffer } from '../../reduction/host.ts';
import { hostOfVit } from '../../reduction/vit-host.ts';
import { factsOf, type ModelFamily, type OpenedModel } from '../family.ts';
import { letterboxFor, normalisationOf, PROCESSOR_KINDS, readProcessor } from '../hugging-face/processor.ts';
import type { ModelSource } from '../source.ts';
import { splitAnswers, yolosPlan } from './plan.ts';
import { readYolos } from './read.ts';

/** The publishers' names of widths. */
const SIZE_NAMES: Readonly<Record<number, string>> = {
	192: 'YOLOS-tiny',
	384: 'YOLOS-small',
	768: 'YOLOS-base',
};
const DISPLAY_THRESHOLD = 0.5;

/** YOLOS (Fang et al., NeurIPS 2021), as Hugging Face's transformers writes it. */
export const yolosFamily: ModelFamily = {
	id: 'yolos',
	title: 'YOLOS',
	offers: ['vit'],
	modelTypes: ['yolos'],
	open: openYolos,
};

async function openYolos(source: ModelSource): Promise<OpenedModel> {
	const { path } = source;
	if (!source.config) throw new UserFacingError('model-unreadable', `${path} lacks its config.json.`);
	const { config, labels, weights } = readYolos({
		config: source.config,
		weights: { tensors: await source.weights(), place: source.weightsPath },
	});
	const processor = readProcessor(
		(await source.json('preprocessor_config.json')) ?? {},
		`${path}/preprocessor_config.json`,
		PROCESSOR_KINDS.yolos,
	);
	const labelCount = labels.indexByLabel.length;
	const facts = await factsOf(source, {
		name: `${SIZE_NAMES[config.dim] ?? `YOLOS of width ${config.dim}`}, ${labels.names.length} classes`,
		classes: labels.names,
		displayThreshold: DISPLAY_THRESHOLD,
	});
	return modelOf(facts, ({ displaySize, maxSide, scoreThreshold }) => {
		const letterbox = letterboxFor(processor, displaySize, maxSide, config.patch);
		const { width, height } = letterbox.inputSize;
		const grid = { rows: height / config.patch, cols: width / config.patch };
		const behind: BehindOffer<QueryAnswers> = {
			macs: () => 0,
			load: () =>
				Promise.resolve({
					run: ({ extra }) => Promise.resolve({ output: splitAnswers(extra, labelCount), macs: 0 }),
					release: () => Promise.resolve(),
				}),
		};
		return {
			host: hostOfVit({ plan: yolosPlan(config, grid, labelCount), weights, behind }),
			letterbox,
			normalisation: normalisationOf(processor),
			interpret(answers: QueryAnswers) {
				const ranked = rankQueries(answers, inputOnDisplay(letterbox), BEST_LABELS);
				return rankedDetections(ranked, labels.indexByLabel, displaySize, scoreThreshold);
			},
		};
	});
}

/** The network's input with its padding, in pixels of the displayed picture: boxes are parts of it. */
function inputOnDisplay({ displaySize, contentSize, inputSize }: Letterbox): Size {
	return {
		width: (displaySize.width * inputSize.width) / contentSize.width,
		height: (displaySize.height * inputSize.height) / contentSize.height,
	};
}
