import type { Size } from '../../domain/video.ts';
import type { GraphRuntime, GraphTensor } from '../../runtime/runtime.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { countOperations } from '../../graph/operation-count.ts';
import type { BoxColumns } from '../../boxes/candidates.ts';
import { bestAnchorOutputs, chooseRegions } from '../../boxes/region-proposals.ts';
import type { MaskRcnnConfig, RetinaConfig, ShvitModelConfig } from './config.ts';
import {
	boxCandidates,
	boxFeeds,
	boxGraph,
	pooledMaps,
	PROPOSAL_RULE,
	proposalGraph,
	PROPOSALS,
} from './mask-rcnn.ts';
import { retinaCandidates, retinaGraph, retinaOutputs } from './retinanet.ts';

/** Graphs of a detector, loaded for one size of its input. */
export interface ShvitNetwork {
	/** Multiply-adds of a frame; the most that there may be where that varies. */
	readonly largestMacs: number;
	/** `picture` [3, height, width], normalised. Boxes before suppression. */
	detect(picture: Float32Array): Promise<{ candidates: BoxColumns; macs: number }>;
	release(): Promise<void>;
}

export type NetworkSizes = {
	/** Of the padded input. */
	input: Size;
	/** Of the picture in it: boxes end there. */
	content: Size;
	/** Boxes must score more. */
	scoreThreshold: number;
};

/** Best pairs of an anchor and a class that are looked at on each level, of the published configuration. */
const RETINA_PER_LEVEL = 1000;

export async function loadRetina(
	config: ShvitModelConfig & { head: RetinaConfig },
	sizes: NetworkSizes,
	weights: WeightLookup,
	runtime: GraphRuntime,
): Promise<ShvitNetwork> {
	const { input, content, scoreThreshold } = sizes;
	const retina = retinaGraph(config, input, RETINA_PER_LEVEL, weights);
	const session = await runtime.load(retina.graph.build('shvit:retinanet'), 'shvit:retinanet');
	const macs = countOperations(retina.graph.operations, {});
	const wanted = retinaOutputs(retina);
	return {
		largestMacs: macs,
		async detect(picture) {
			const outputs = await session.run({ picture: asInput(picture, input) }, wanted);
			const { classes } = config.head;
			return { candidates: retinaCandidates(outputs, retina, classes, content, scoreThreshold), macs };
		},
		release: () => session.release(),
	};
}

export async function loadMaskRcnn(
	config: ShvitModelConfig & { head: MaskRcnnConfig },
	sizes: NetworkSizes,
	weights: WeightLookup,
	runtime: GraphRuntime,
): Promise<ShvitNetwork> {
	const { input, content, scoreThreshold } = sizes;
	const { graph, levels } = proposalGraph(config, input, weights);
	const boxes = boxGraph(config, levels, weights);
	const proposing = await runtime.load(graph.build('shvit:proposals'), 'shvit:proposals');
	const judging = await runtime.load(boxes.build('shvit:boxes'), 'shvit:boxes');
	const macsOf = (proposals: number) =>
		countOperations(graph.operations, {}) + countOperations(boxes.operations, { [PROPOSALS]: proposals });
	const maps = pooledMaps(levels);
	return {
		largestMacs: macsOf(PROPOSAL_RULE.kept),
		async detect(picture) {
			const wanted = [...maps, ...bestAnchorOutputs(levels)];
			const outputs = await proposing.run({ picture: asInput(picture, input) }, wanted);
			const { boxes: proposals } = chooseRegions(outputs, levels, PROPOSAL_RULE, content);
			const count = proposals.length / 4;
			if (count === 0) return { candidates: NONE, macs: macsOf(0) };
			const pyramid = Object.fromEntries(maps.map((name) => [name, outputs[name]!]));
			const judged = await judging.run({ ...pyramid, ...boxFeeds(proposals, levels) }, [
				'probabilities',
				'deltas',
			]);
			const predictions = {
				probabilities: judged['probabilities']!.data as Float32Array,
				deltas: judged['deltas']!.data as Float32Array,
			};
			const { classes } = config.head;
			return {
				candidates: boxCandidates(proposals, predictions, classes, content, scoreThreshold),
				macs: macsOf(count),
			};
		},
		async release() {
			await proposing.release();
			await judging.release();
		},
	};
}

const NONE: BoxColumns = {
	classIndices: new Int32Array(0),
	scores: new Float32Array(0),
	boxesXyxy: new Float32Array(0),
};

/** What `detect` is given, for a graph. */
export function asInput(picture: Float32Array, { width, height }: Size): GraphTensor {
	return { type: 'float32', data: picture, shape: [1, 3, height, width] };
}
