import type { Size } from '../../domain/video.ts';
import type { GraphRuntime, GraphTensor } from '../../runtime/runtime.ts';
import type { WeightLookup } from '../../graph/layers.ts';
import { countOperations } from '../../graph/operation-count.ts';
import type { Extent } from '../../vit/plan.ts';
import { applyDeltas, clipBoxes } from '../../boxes/box-deltas.ts';
import { bestAnchorOutputs, chooseRegions } from '../../boxes/region-proposals.ts';
import type { NetworkRun } from '../../reduction/host.ts';
import { boxGraph, pooledLevels, PROPOSALS, regionFeeds } from './box-head.ts';
import type { VitDetConfig } from './config.ts';
import { type ProposalGraph, proposalGraph } from './proposals.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import { type CompiledGraph } from '../../graph/graph-builder.ts';
import { floats } from '../../runtime/tensors.ts';

/** The heads' output for every proposal, before suppression. */
export type Predictions = {
	/** [n, k · 4], k = 1 or one box per class; input pixels, not clipped. */
	boxes: Float32Array;
	/** [n, classes + 1], the background last. */
	probabilities: Float32Array;
};

/** Is called with intermediate values of the heads, by their published names; an array is valid during the call only. */
export type Probe = (name: string, values: Float32Array) => void;

/** The graphs of a ViTDet after its backbone, not loaded yet. */
export type HeadGraphs = { proposals: ProposalGraph; stages: readonly CompiledGraph[] };

export function headGraphs(config: VitDetConfig, grid: Extent, weights: WeightLookup): HeadGraphs {
	const proposals = proposalGraph(config, grid, weights);
	const stages = config.boxes.stages.map((_, stage) => boxGraph(config, proposals.maps, stage, weights));
	return { proposals, stages };
}

/** Multiply-adds of a frame with the largest number of proposals. */
export function mostHeadMacs({ proposals, stages }: HeadGraphs, config: VitDetConfig): number {
	const most = { [PROPOSALS]: config.proposals.kept };
	return stages.reduce(
		(sum, { operations }) => sum + countOperations(operations, most),
		countOperations(proposals.graph.operations, {}),
	);
}

/** The loaded heads: from the backbone's tokens to predictions. They keep no state between frames. */
export class DetectionHeads {
	/** Size of the picture in pixels; boxes are clipped to it. */
	readonly inputSize: Size;
	readonly #config: VitDetConfig;
	readonly #levels: ProposalGraph['levels'];
	readonly #proposals: LoadedGraph;
	readonly #stages: readonly LoadedGraph[];

	private constructor(
		config: VitDetConfig,
		inputSize: Size,
		levels: ProposalGraph['levels'],
		proposals: LoadedGraph,
		stages: readonly LoadedGraph[],
	) {
		this.inputSize = inputSize;
		this.#config = config;
		this.#levels = levels;
		this.#proposals = proposals;
		this.#stages = stages;
	}

	static async load(
		config: VitDetConfig,
		grid: Extent,
		weights: WeightLookup,
		runtime: GraphRuntime,
	): Promise<DetectionHeads> {
		const graphs = headGraphs(config, grid, weights);
		const proposals = await LoadedGraph.load(runtime, graphs.proposals.graph);
		const stages: LoadedGraph[] = [];
		for (const stage of graphs.stages) stages.push(await LoadedGraph.load(runtime, stage));
		const inputSize = { width: grid.cols * config.patch, height: grid.rows * config.patch };
		return new DetectionHeads(config, inputSize, graphs.proposals.levels, proposals, stages);
	}

	/** `tokens` [tokens, dim]: the last block's output. */
	async run(tokens: Float32Array, probe?: Probe): Promise<NetworkRun<Predictions>> {
		const config = this.#config;
		const levels = this.#levels;
		const maps = pooledLevels(config).map(({ name }) => `pyramid.${name}`);
		const seen = levels.flatMap(({ name }) => [
			`pyramid.${name}`,
			`rpn.logits.${name}`,
			`rpn.deltas.${name}`,
		]);
		const wanted = new Set([...bestAnchorOutputs(levels), ...maps, ...(probe ? seen : [])]);
		const shape = [tokens.length / config.dim, config.dim];
		const outputs = await this.#proposals.run({ tokens: { type: 'float32', data: tokens, shape } }, [
			...wanted,
		]);
		const { weights, iou, kept } = config.proposals;
		const rule = { coding: { weights, clamp: 'above' }, iou, kept } as const;
		const proposals = chooseRegions(outputs, levels, rule, this.inputSize);
		if (probe) {
			for (const { name, anchors } of levels) probe(`anchors.${name}`, anchors);
			for (const name of seen) probe(name, floats(outputs, name));
			probe('proposals.boxes', proposals.boxes);
			probe('proposals.objectness_logits', proposals.logits);
		}
		const pyramid = Object.fromEntries(maps.map((name) => [name, outputs[name]!]));
		return this.#refine(proposals.boxes, pyramid, probe);
	}

	async release(): Promise<void> {
		await this.#proposals.release();
		for (const stage of this.#stages) await stage.release();
	}

	/** Each stage refines the boxes of the stage before (Cai and Vasconcelos, Cascade R-CNN, CVPR 2018). */
	async #refine(
		proposals: Float32Array,
		pyramid: Readonly<Record<string, GraphTensor>>,
		probe?: Probe,
	): Promise<NetworkRun<Predictions>> {
		const { boxes: config, classes } = this.#config;
		const count = proposals.length / 4;
		const probabilities = new Float32Array(count * (classes.length + 1));
		let boxes = proposals;
		for (const [stage, graph] of this.#stages.entries()) {
			const from = stage === 0 ? proposals : clipBoxes(boxes, this.inputSize);
			if (count === 0) break;
			const wanted = ['probabilities', 'deltas', ...(probe ? ['pooled', 'features', 'logits'] : [])];
			const outputs = await graph.run({ ...pyramid, ...regionFeeds(from, this.#config) }, wanted);
			if (probe) showStage(outputs, probe, config.cascade ? `stage${stage}.` : '', stage === 0);
			const deltas = floats(outputs, 'deltas');
			boxes = applyDeltas(from, deltas, { weights: config.stages[stage]!, clamp: 'above' });
			const share = 1 / this.#stages.length;
			floats(outputs, 'probabilities').forEach((value, i) => (probabilities[i]! += share * value));
		}
		probe?.('pre_nms.boxes', boxes);
		probe?.('pre_nms.scores', probabilities);
		const macs = this.#stages.reduce(
			(sum, graph) => sum + graph.macs({ [PROPOSALS]: count }),
			this.#proposals.macs(),
		);
		return { output: { boxes, probabilities }, macs };
	}
}

function showStage(
	outputs: Readonly<Record<string, GraphTensor>>,
	probe: Probe,
	stage: string,
	isFirst: boolean,
): void {
	if (isFirst) probe('roi_features', floats(outputs, 'pooled'));
	probe(`box_head.${stage}features`, floats(outputs, 'features'));
	probe(`box_head.${stage}class_logits`, floats(outputs, 'logits'));
	probe(`box_head.${stage}box_deltas`, floats(outputs, 'deltas'));
}
