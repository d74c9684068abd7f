import { shvit } from '../../backbones/shvit.ts';
import type { Size } from '../../domain/video.ts';
import { GraphBuilder, type Value, type CompiledGraph } from '../../graph/graph-builder.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { anchorShapes, gridAnchors } from '../../boxes/anchors.ts';
import { applyDeltas, type BoxCoding, clipBoxes } from '../../boxes/box-deltas.ts';
import { type BoxColumns, probableBoxes } from '../../boxes/candidates.ts';
import { type AnchorLevel, outputBestAnchors, type RegionRule } from '../../boxes/region-proposals.ts';
import { alignRegions, sortRegions } from '../../boxes/regions.ts';
import type { MaskRcnnConfig, ShvitModelConfig } from './config.ts';
import { emitNeck, neckStrides } from './neck.ts';

/** The name of the number of proposals, which varies from frame to frame. */
export const PROPOSALS = 'proposals';
/** Sides of anchors, in strides. */
const ANCHOR_SCALE = 8;
const RATIOS = [0.5, 1, 2];
/** Levels that boxes are pooled from; the coarsest only gives proposals. */
const POOLED_LEVELS = 4;
/** Boxes of up to twice this side are pooled from the finest level, stride 4. */
const CANONICAL = { size: 56, level: 2, epsilon: 1e-6 };
/** 1 / standard deviations 0.1, 0.1, 0.2, 0.2. */
const BOX_CODING: BoxCoding = { weights: [10, 10, 5, 5], clamp: 'both' };

/** Of the published configuration: how many anchors of a level are looked at, and what becomes of them. */
export const PROPOSALS_PER_LEVEL = 1000;
export const PROPOSAL_RULE: RegionRule = {
	coding: { weights: [1, 1, 1, 1], clamp: 'both' },
	iou: 0.7,
	kept: 1000,
};

type Level = AnchorLevel & { stride: number; shape: readonly number[] };
export type ProposalGraph = { graph: CompiledGraph; levels: readonly Level[] };

/**
 * in: `picture` [1, 3, h, w], normalised. out: `pyramid.<level>` [1, width, h, w] of the levels that boxes are pooled from,
 * and the best anchors of every level (`outputBestAnchors`).
 */
export function proposalGraph(
	{ backbone, head }: ShvitModelConfig & { head: MaskRcnnConfig },
	size: Size,
	weights: WeightLookup,
): ProposalGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const picture = graph.input('picture', 'float32', [1, 3, size.height, size.width]);
	const maps = emitNeck(layers, shvit(layers, picture, backbone), head.neck);
	const strides = neckStrides(head.neck);
	const levels = maps.map((map, i): Level => {
		const name = String(i);
		if (i < POOLED_LEVELS) graph.output(`pyramid.${name}`, map);
		const x = layers.relu(layers.conv('rpn_head.rpn_conv', map, head.neck.width, { kernel: 3, pads: 1 }));
		const logits = layers.conv('rpn_head.rpn_cls', x, head.anchors, { kernel: 1 });
		const deltas = layers.conv('rpn_head.rpn_reg', x, 4 * head.anchors, { kernel: 1 });
		outputBestAnchors(layers, name, logits, deltas, PROPOSALS_PER_LEVEL);
		const [, , rows, cols] = map.shape as [number, number, number, number];
		const stride = strides[i]!;
		const shapes = anchorShapes([ANCHOR_SCALE * stride], RATIOS, 'by-ratio');
		return {
			name,
			stride,
			shape: map.shape as number[],
			anchors: gridAnchors(shapes, { rows, cols, stride, offset: 0 }),
		};
	});
	return { graph: graph.compile('shvit:proposals'), levels };
}

/**
 * The box head (He et al., Mask R-CNN, ICCV 2017), without masks. in: `pyramid.<level>` and what `boxFeeds` gives. out:
 * `probabilities` [proposals, classes + 1], the background last, and `deltas` [proposals, classes · 4].
 */
export function boxGraph(
	{ head }: ShvitModelConfig & { head: MaskRcnnConfig },
	levels: readonly Level[],
	weights: WeightLookup,
): CompiledGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const places = graph.input('places', 'int64', [PROPOSALS]);
	const byLevel = levels.slice(0, POOLED_LEVELS).map(({ name, stride, shape }) => {
		const map = graph.input(`pyramid.${name}`, 'float32', shape);
		const boxes = graph.input(`boxes.${name}`, 'float32', [`boxes.${name}`, 4]);
		return alignRegions(layers, map, boxes, head.pooled, 1 / stride);
	});
	const pooled = layers.gatherRows(layers.concat(byLevel, 0), places);
	let x: Value = layers.reshape(pooled, [PROPOSALS, head.neck.width * head.pooled ** 2]);
	head.fullyConnected.forEach((width, i) => {
		x = layers.relu(layers.linear(`roi_head.bbox_head.shared_fcs.${i}`, x, width));
	});
	const logits = layers.linear('roi_head.bbox_head.fc_cls', x, head.classes + 1);
	graph.output('probabilities', layers.softmax(logits));
	graph.output('deltas', layers.linear('roi_head.bbox_head.fc_reg', x, 4 * head.classes));
	return graph.compile('shvit:boxes');
}

/** Inputs of `boxGraph` beside the maps: proposals [n, 4] in input pixels, sorted by level. */
export function boxFeeds(boxes: Float32Array, levels: readonly Level[]): Record<string, GraphTensor> {
	return sortRegions(boxes, levels.slice(0, POOLED_LEVELS), CANONICAL);
}

/** Names of the maps that go from one graph to the other. */
export function pooledMaps(levels: readonly Level[]): string[] {
	return levels.slice(0, POOLED_LEVELS).map(({ name }) => `pyramid.${name}`);
}

/** Every pair of a proposal and a class that scores more than `scoreThreshold`, its box clipped to `picture`. */
export function boxCandidates(
	proposals: Float32Array,
	{ probabilities, deltas }: { probabilities: Float32Array; deltas: Float32Array },
	classes: number,
	picture: Size,
	scoreThreshold: number,
): BoxColumns {
	const boxes = clipBoxes(applyDeltas(proposals, deltas, BOX_CODING), picture);
	return probableBoxes(boxes, probabilities, classes, scoreThreshold);
}
