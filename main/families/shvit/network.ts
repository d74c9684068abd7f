import type { Size } from '../../domain/video.ts';
import { floats } from '../../runtime/tensors.ts';
import type { WholeOffer } from '../../reduction/host.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
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
import { refuseInt8 } from '../float32-only.ts';
import { retinaCandidates, retinaGraph, retinaOutputs } from './retinanet.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';

/** A detector for one size of its input; it gives boxes before suppression. */
type ShvitOffer = WholeOffer<BoxColumns>;

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

export function retinaNetwork(
	config: ShvitModelConfig & { head: RetinaConfig },
	{ input, content, scoreThreshold }: NetworkSizes,
	weights: WeightLookup,
): ShvitOffer {
	const emit = () => retinaGraph(config, input, RETINA_PER_LEVEL, weights);
	return {
		macs: () => countOperations(emit().graph.operations, {}),
		async load(runtime) {
			refuseInt8(runtime, 'RetinaNet over SHViT', 'it has no linear layers');
			const retina = emit();
			const graph = await LoadedGraph.load(runtime, retina.graph.compile('shvit:retinanet'));
			const macs = graph.macs();
			const wanted = retinaOutputs(retina);
			return {
				async run(pixels) {
					const outputs = await graph.run({ picture: asInput(pixels.planar(), input) }, wanted);
					const { classes } = config.head;
					return { output: retinaCandidates(outputs, retina, classes, content, scoreThreshold), macs };
				},
				release: () => graph.release(),
			};
		},
	};
}

export function maskRcnnNetwork(
	config: ShvitModelConfig & { head: MaskRcnnConfig },
	{ input, content, scoreThreshold }: NetworkSizes,
	weights: WeightLookup,
): ShvitOffer {
	const emit = () => {
		const { graph, levels } = proposalGraph(config, input, weights);
		const boxes = boxGraph(config, levels, weights);
		return { graph, levels, boxes };
	};
	return {
		macs() {
			const { graph, boxes } = emit();
			const most = { [PROPOSALS]: PROPOSAL_RULE.kept };
			return countOperations(graph.operations, {}) + countOperations(boxes.operations, most);
		},
		async load(runtime) {
			const { graph, levels, boxes } = emit();
			const proposing = await LoadedGraph.load(runtime, graph);
			const judging = await LoadedGraph.load(runtime, boxes);
			const macsOf = (proposals: number) => proposing.macs() + judging.macs({ [PROPOSALS]: proposals });
			const maps = pooledMaps(levels);
			return {
				async run(pixels) {
					const wanted = [...maps, ...bestAnchorOutputs(levels)];
					const outputs = await proposing.run({ picture: asInput(pixels.planar(), input) }, wanted);
					const { boxes: proposals } = chooseRegions(outputs, levels, PROPOSAL_RULE, content);
					const count = proposals.length / 4;
					if (count === 0) return { output: NONE, macs: macsOf(0) };
					const pyramid = Object.fromEntries(maps.map((name) => [name, outputs[name]!]));
					const judged = await judging.run({ ...pyramid, ...boxFeeds(proposals, levels) }, [
						'probabilities',
						'deltas',
					]);
					const predictions = {
						probabilities: floats(judged, 'probabilities'),
						deltas: floats(judged, 'deltas'),
					};
					const { classes } = config.head;
					return {
						output: boxCandidates(proposals, predictions, classes, content, scoreThreshold),
						macs: macsOf(count),
					};
				},
				async release() {
					await proposing.release();
					await judging.release();
				},
			};
		},
	};
}

const NONE: BoxColumns = {
	classIndices: new Int32Array(0),
	scores: new Float32Array(0),
	boxesXyxy: new Float32Array(0),
};

/** A picture [3, height, width] as graphs take it. */
export function asInput(picture: Float32Array, { width, height }: Size): GraphTensor {
	return { type: 'float32', data: picture, shape: [1, 3, height, width] };
}
