import { pointCandidates, pointDetections } from '../../boxes/point-head.ts';
import { UserFacingError } from '../../domain/errors.ts';
import type { BoundNetwork } from '../../detector/bound-network.ts';
import { modelOf } from '../../detector/model.ts';
import { fitLetterbox } from '../../pixels/letterbox.ts';
import { compileClustered } from '../../reduction/enact/enact-graph.ts';
import type { BehindOffer } from '../../reduction/host.ts';
import { hostOfVit } from '../../reduction/vit-host.ts';
import { compileSparse } from '../../reduction/sparse/sparse-graph.ts';
import { compileFull } from '../../reduction/vit-graphs.ts';
import { requireTensors } from '../../weights/weights.ts';
import { factsOf, type ModelFamily, type OpenedModel } from '../family.ts';
import { displayThresholdsOf } from '../model-config.ts';
import type { ModelSource } from '../source.ts';
import { LOOKOUT_FORMAT, parseLookoutConfig } from './config.ts';
import { lookoutPlan } from './plan.ts';

/** Grey of the padding that Lookout was trained with. */
const FILL = 114;

/** Lookout: the embedded detector. Every operation but attention reads one token. */
export const lookoutFamily: ModelFamily = {
	id: 'lookout',
	title: 'Lookout',
	offers: ['vit', 'ranked', 'clustered'],
	format: LOOKOUT_FORMAT,
	open: openLookout,
};

/** What the tokens answer is the network's answer; where some tokens do not count, `emitting` names those that do. */
type LookoutOutput = { head: Float32Array } | { head: Float32Array; emitting: Int32Array };

const NOTHING_BEHIND: BehindOffer<LookoutOutput> = {
	macs: () => 0,
	load: () =>
		Promise.resolve({
			run: ({ grid: head, emitting }) =>
				Promise.resolve({ output: emitting ? { head, emitting } : { head }, macs: 0 }),
			release: () => Promise.resolve(),
		}),
};

async function openLookout(source: ModelSource): Promise<OpenedModel> {
	if (!source.config) throw new UserFacingError('model-unreadable', `${source.path} lacks its model.json.`);
	const config = parseLookoutConfig(source.config);
	const weights = requireTensors(await source.weights(), source.weightsPath);
	// Building a graph asks for every tensor: doing it once now lets a wrong file fail before a video is opened.
	const smallest = lookoutPlan(config, { width: config.patch, height: config.patch });
	compileFull(smallest, weights, { keepKeysAndValues: false, withScores: true });
	if (smallest.clusters) compileClustered(smallest, weights);
	if (smallest.scorer?.own) compileSparse(smallest, weights, { own: true });
	const { classes, nms, mean, std } = config;
	const facts = await factsOf(source, {
		name: config.name,
		classes,
		displayThreshold: displayThresholdsOf(config),
	});

	return modelOf(facts, ({ displaySize, maxSide, scoreThreshold }): BoundNetwork<LookoutOutput> => {
		const letterbox = fitLetterbox(displaySize, maxSide, config.patch, FILL);
		const plan = lookoutPlan(config, letterbox.inputSize);
		return {
			host: hostOfVit({ plan, weights, behind: NOTHING_BEHIND }),
			letterbox,
			normalisation: { mean, std, padding: 'grey' },
			interpret(output, inFrame) {
				const emitting = 'emitting' in output ? output.emitting : null;
				const outputs = { head: output.head, emitting, classCount: classes.length, grid: plan.grid };
				const candidates = pointCandidates(outputs, letterbox.contentSize, scoreThreshold, inFrame);
				return pointDetections(candidates, nms, letterbox);
			},
		};
	});
}
