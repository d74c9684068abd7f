import { resNetStride } from '../../backbones/resnet.ts';
import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import { tokenCount, type TokenGrid } from '../../domain/tokens.ts';
import type { Letterbox } from '../../domain/frame.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { countOperations } from '../../graph/operation-count.ts';
import { clusterOutputs, forcedLength, readClusters } from '../../reduction/enact/cluster-outputs.ts';
import { floats } from '../../runtime/tensors.ts';
import type { ClusteredNetwork, Host, WholeNetwork } from '../../reduction/host.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import { CroppedPicture } from '../cropped-picture.ts';
import type { DetrConfig } from './config.ts';
import { emitDetr, type DetrNetwork } from './network.ts';
import { clusteringName } from './parts.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';

/** Pixels between the tokens of a DETR's encoder. */
export function detrStride({ backbone, stages }: DetrConfig): number {
	return resNetStride(backbone, stages);
}

/**
 * What a DETR offers at the size of a letterbox. `seen`: how much of it the network sees, the picture without padding
 * unless told otherwise.
 */
export function detrHost(
	config: DetrConfig,
	weights: WeightLookup,
	letterbox: Letterbox,
	seen = letterbox.contentSize,
): Host<QueryAnswers> {
	const stride = detrStride(config);
	const { width, height } = letterbox.inputSize;
	const grid = { rows: height / stride, cols: width / stride, stride, windowSize: stride, windowOffset: 0 };
	const emit = (clustered: boolean) =>
		emitDetr(config, weights, [letterbox.contentSize], { clustered, size: seen });
	return {
		name: config.title,
		grid,
		whole: {
			macs: () => countOperations(emit(false).graph.operations, {}),
			load: (runtime) => loadWhole(emit(false), new CroppedPicture(letterbox, seen), runtime),
		},
		vit: null,
		ranked: null,
		clustered: config.clustered
			? { load: (runtime) => loadClustered(config, emit(true), letterbox, grid, runtime) }
			: null,
	};
}

async function loadWhole(
	emitted: DetrNetwork,
	picture: CroppedPicture,
	runtime: GraphRuntime,
): Promise<WholeNetwork<QueryAnswers>> {
	const graph = await LoadedGraph.load(runtime, emitted.graph);
	const macs = graph.macs();
	return {
		async run(pixels) {
			const outputs = await graph.run({ pictures: picture.of(pixels) }, ['logits', 'boxes']);
			return { output: { logits: floats(outputs, 'logits'), boxes: floats(outputs, 'boxes') }, macs };
		},
		release: () => graph.release(),
	};
}

async function loadClustered(
	{ encoderLayers }: DetrConfig,
	emitted: DetrNetwork,
	letterbox: Letterbox,
	grid: TokenGrid,
	runtime: GraphRuntime,
): Promise<ClusteredNetwork<QueryAnswers>> {
	const graph = await LoadedGraph.load(runtime, emitted.graph);
	const picture = new CroppedPicture(letterbox);
	const clusterings = Array.from({ length: encoderLayers }, (_, i) => clusteringName(i));
	return {
		async run(pixels, clusterLength) {
			const outputs = await graph.run(
				{ pictures: picture.of(pixels), 'cluster length': forcedLength(clusterLength) },
				['logits', 'boxes', ...clusterOutputs(clusterings)],
			);
			const { dims, map } = readClusters(outputs, clusterings, tokenCount(grid));
			return {
				output: { logits: floats(outputs, 'logits'), boxes: floats(outputs, 'boxes') },
				macs: graph.macs(dims),
				maps: [map],
			};
		},
		release: () => graph.release(),
	};
}
