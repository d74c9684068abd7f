import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import type { Letterbox } from '../../domain/frame.ts';
import type { CompiledGraph } from '../../graph/graph-builder.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { countOperations } from '../../graph/operation-count.ts';
import type { Behind, Host } from '../../reduction/host.ts';
import { hostOfVit } from '../../reduction/vit-host.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import { factsOf, type OpenedModel } from '../family.ts';
import { processorOf } from '../hugging-face/files.ts';
import { queryModel } from '../hugging-face/query-model.ts';
import type { ModelSource } from '../source.ts';
import { compileBehind } from './behind.ts';
import type { OpenedDetector, WindowedDetector } from './windowed-detector.ts';
import type { WindowedTransformer } from './windowed-vit.ts';

/** Of scores that are trained to be what boxes overlap by. */
const DISPLAY_THRESHOLD = 0.5;

/** A folder's model, with its detector read and its weights checked. */
export async function windowedModel(source: ModelSource, opened: OpenedDetector): Promise<OpenedModel> {
	const { detector, labels } = opened;
	const { patch, windowsPerSide } = detector.vit;
	const facts = await factsOf(source, {
		name: detector.title,
		classes: labels.names,
		displayThreshold: DISPLAY_THRESHOLD,
	});
	return queryModel(facts, await processorOf(source, detector.processor), {
		labels,
		ranking: detector.ranking,
		multiple: patch * windowsPerSide,
		stride: patch,
		hostAt: (letterbox) => windowedHost(opened, letterbox),
	});
}

/** A detector as far as its pictures and answers do not matter. */
type Network = {
	detector: WindowedTransformer & Pick<WindowedDetector, 'network'>;
	lookup: WeightLookup;
};

/** What the detector offers at the size of a letterbox. */
export function windowedHost(
	{ detector, lookup }: Network,
	{ inputSize, contentSize }: Pick<Letterbox, 'inputSize' | 'contentSize'>,
): Host<QueryAnswers> {
	const { vit, network } = detector;
	const grid = { rows: inputSize.height / vit.patch, cols: inputSize.width / vit.patch };
	const features = {
		grid,
		order: detector.featureOrder(grid),
		picture: { size: inputSize, content: contentSize },
	};
	const behind = () => compileBehind(network, lookup, features);
	return hostOfVit({
		plan: detector.plan(grid),
		weights: lookup,
		behind: {
			macs: () => countOperations(behind().operations, {}),
			load: (runtime) => loadBehind(behind(), network.features.count * network.features.dim, runtime),
		},
	});
}

/** `width`: of what the transformer answers per token. */
async function loadBehind(
	compiled: CompiledGraph,
	width: number,
	runtime: GraphRuntime,
): Promise<Behind<QueryAnswers>> {
	const graph = await LoadedGraph.load(runtime, compiled);
	const macs = graph.macs();
	return {
		async run({ grid }) {
			const features = float32(grid, [grid.length / width, width]);
			const outputs = await graph.run({ features }, ['logits', 'boxes']);
			return { output: { logits: floats(outputs, 'logits'), boxes: floats(outputs, 'boxes') }, macs };
		},
		release: () => graph.release(),
	};
}
