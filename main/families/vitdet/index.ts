import type { Letterbox } from '../../domain/frame.ts';
import type { Size } from '../../domain/video.ts';
import { requireTensors } from '../../weights/weights.ts';
import { modelOf } from '../../detector/model.ts';
import { assert, UserFacingError } from '../../domain/errors.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import type { Behind } from '../../reduction/host.ts';
import { hostOfVit } from '../../reduction/vit-host.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import type { Extent } from '../../vit/plan.ts';
import { fitLetterbox } from '../../pixels/letterbox.ts';
import { factsOf, type ModelFamily, type OpenedModel } from '../family.ts';
import type { ModelSource, SourceConfig } from '../source.ts';
import { readVitDetBackbone } from './hugging-face.ts';
import type { VitDetConfig } from './config.ts';
import { DetectionHeads, headGraphs, mostHeadMacs, type Predictions } from './heads.ts';
import { toDisplay } from '../../boxes/candidates.ts';
import { pickDetections } from './interpret.ts';
import { vitDetPlan } from './plan.ts';
import { auditTensors, isVitDet, readPublished } from './published.ts';

/** Of the padding in frames; the network's own padding is 0 after normalisation, whatever is there. */
const FILL = 0;
/** Detections from this score on are worth showing; below lie many guesses, which precision curves need. */
const DISPLAY_THRESHOLD = 0.5;

/**
 * ViTDet with the backbone of the Eventful Transformers (Dutson et al., ICCV 2023): a plain vision transformer with windowed
 * and global blocks, and a Faster R-CNN or Cascade R-CNN head. Reads the authors' converted checkpoints.
 */
export const vitDet: ModelFamily = {
	id: 'vitdet',
	title: 'ViTDet',
	offers: ['vit'],
	modelTypes: ['vitdet'],
	recognizes: isVitDet,
	open: (source) => (source.config ? refuseBackbone(source, source.config) : openVitDet(source)),
};

/** A folder of transformers' ViTDet holds a backbone, never a detector; that it is a sound one is said first. */
async function refuseBackbone(source: ModelSource, config: SourceConfig): Promise<never> {
	const tensors = await source.weights();
	const backbone = readVitDetBackbone({ config, weights: { tensors, place: source.weightsPath } });
	throw new UserFacingError(
		'model-unreadable',
		`${source.path} is a backbone of ViTDet (${backbone.config.num_hidden_layers} blocks) without a detector behind it: it finds no objects, and so cannot analyse a video.`,
		{ remedy: 'Choose a detector, such as a whole ViTDet of the Eventful Transformers.' },
	);
}

async function openVitDet(source: ModelSource): Promise<OpenedModel> {
	const { path } = source;
	const tensors = await source.weights();
	const config = readPublished(tensors, path);
	auditTensors(tensors, path, config).finish();
	const weights = requireTensors(tensors, path);
	const { classes, mean, std } = config;
	const displayThreshold = DISPLAY_THRESHOLD;
	const facts = await factsOf(source, { name: config.name, classes, displayThreshold });
	return modelOf(facts, ({ displaySize, maxSide, scoreThreshold }) => {
		const letterbox = fitSquare(displaySize, maxSide, config.patch);
		const { inputSize } = letterbox;
		const side = inputSize.width / config.patch;
		const plan = vitDetPlan(config, { rows: side, cols: side });
		return {
			host: hostOfVit({
				plan,
				weights,
				behind: {
					macs: () => mostHeadMacs(headGraphs(config, plan.grid, weights), config),
					load: (runtime) => loadHeads(config, plan.grid, weights, runtime),
				},
			}),
			letterbox,
			normalisation: { mean, std, padding: 'zero' },
			interpret: (predictions: Predictions) =>
				toDisplay(pickDetections(predictions, config, inputSize, scoreThreshold), letterbox),
		};
	});
}

async function loadHeads(
	config: VitDetConfig,
	grid: Extent,
	weights: WeightLookup,
	runtime: GraphRuntime,
): Promise<Behind<Predictions>> {
	const heads = await DetectionHeads.load(config, grid, weights, runtime);
	return {
		run({ grid: tokens, emitting }) {
			assert(emitting === null, 'the heads read every token');
			return heads.run(tokens);
		},
		release: () => heads.release(),
	};
}

/** As `fitLetterbox`, padded to a square: only there the published code can resize the tables of relative positions. */
export function fitSquare(displaySize: Size, maxSide: number, patch: number): Letterbox {
	const { inputSize, ...fitted } = fitLetterbox(displaySize, maxSide, patch, FILL);
	const side = Math.max(inputSize.width, inputSize.height);
	return { ...fitted, inputSize: { width: side, height: side } };
}
