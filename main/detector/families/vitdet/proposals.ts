import type { Size } from '../../../domain/video.ts';
import { GraphBuilder, type Value } from '../../../graph/graph-builder.ts';
import type { GraphTensor } from '../../../graph/graph-session.ts';
import { Layers, type WeightLookup } from '../../../graph/layers.ts';
import type { OperationCount } from '../../../graph/operation-count.ts';
import type { Extent } from '../../../vit/plan.ts';
import { anchorShapes, gridAnchors } from '../../anchors.ts';
import { applyDeltas, clipBoxes } from '../../box-deltas.ts';
import { suppressPerClass } from '../../nms.ts';
import type { VitDetConfig } from './config.ts';
import { type Level, pyramidLevels, simplePyramid } from './pyramid.ts';

const RPN = 'proposal_generator.rpn_head';

/** The graph from the backbone's tokens to the pyramid and every level's best anchors. */
export type ProposalGraph = {
	name: string;
	/** ONNX protobuf; made anew by every call. */
	build(): Uint8Array;
	operations: OperationCount;
	levels: readonly (Level & { anchors: Float32Array })[];
	/** Shapes of the pyramid's maps, by level. */
	maps: Readonly<Record<string, readonly number[]>>;
};

/** Boxes [n, 4] in input pixels, clipped to the input, and their logits [n], best first. */
export type Proposals = { boxes: Float32Array; logits: Float32Array };

/**
 * in: `tokens` [tokens, dim]. out, per level: `pyramid.<level>` [1, channels, h, w]; `rpn.logits.<level>` [1, a, h, w] and
 * `rpn.deltas.<level>` [1, a · 4, h, w] for a anchors a cell; of the best anchors, best first, `best.logits.<level>` [k],
 * `best.anchors.<level>` [k] and `best.deltas.<level>` [k, 4].
 */
export function proposalGraph(config: VitDetConfig, grid: Extent, weights: WeightLookup): ProposalGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const tokens = graph.input('tokens', 'float32', [grid.rows * grid.cols, config.dim]);
	const maps = simplePyramid(layers, tokens, grid, config);
	const levels = pyramidLevels(config).map((level, i) => {
		const { logits, deltas } = regionLayers(layers, maps[i]!, config);
		graph.output(`pyramid.${level.name}`, maps[i]!);
		graph.output(`rpn.logits.${level.name}`, logits);
		graph.output(`rpn.deltas.${level.name}`, deltas);
		outputBest(layers, level.name, logits, deltas, config.proposals.perLevel);
		return { ...level, anchors: anchorsOf(level, maps[i]!, i, config) };
	});
	return {
		name: 'vitdet:proposals',
		build: () => graph.build('vitdet:proposals'),
		operations: graph.operations,
		levels,
		maps: Object.fromEntries(levels.map(({ name }, i) => [name, maps[i]!.shape as number[]])),
	};
}

function regionLayers(layers: Layers, map: Value, config: VitDetConfig): { logits: Value; deltas: Value } {
	const { convs, aspectRatios } = config.proposals;
	const { channels } = config.pyramid;
	let x = map;
	for (let i = 0; i < convs; i++) {
		// Published under another name where there is one convolution only.
		const name = convs === 1 ? `${RPN}.conv` : `${RPN}.conv.conv${i}`;
		x = layers.relu(layers.conv(name, x, channels, { kernel: 3, pads: 1 }));
	}
	return {
		logits: layers.conv(`${RPN}.objectness_logits`, x, aspectRatios.length, { kernel: 1 }),
		deltas: layers.conv(`${RPN}.anchor_deltas`, x, 4 * aspectRatios.length, { kernel: 1 }),
	};
}

/** Rows, columns, anchors: the order of `gridAnchors`. */
function outputBest(layers: Layers, level: string, logits: Value, deltas: Value, most: number): void {
	const { graph } = layers;
	const [, anchors, rows, cols] = logits.shape as [number, number, number, number];
	const all = anchors * rows * cols;
	const count = Math.min(most, all);
	const flat = layers.reshape(layers.transpose(logits, [0, 2, 3, 1]), [all]);
	const [best, places] = graph.ops(
		'TopK',
		[flat, graph.integers([count])],
		[{ shape: [count] }, { shape: [count], type: 'int64' }],
	) as [Value, Value];
	const apart = layers.transpose(layers.reshape(deltas, [anchors, 4, rows, cols]), [2, 3, 0, 1]);
	graph.output(`best.logits.${level}`, best);
	graph.output(`best.anchors.${level}`, places);
	graph.output(`best.deltas.${level}`, layers.gatherRows(layers.reshape(apart, [all, 4]), places));
}

function anchorsOf({ stride }: Level, map: Value, index: number, config: VitDetConfig): Float32Array {
	const { anchorSizes, aspectRatios, anchorOffset } = config.proposals;
	const [, , rows, cols] = map.shape as [number, number, number, number];
	const shapes = anchorShapes([anchorSizes[index]!], aspectRatios, 'by-size');
	return gridAnchors(shapes, { rows, cols, stride, offset: anchorOffset * stride });
}

/** What `chooseProposals` reads of a graph's outputs. */
export function bestOutputs(graph: ProposalGraph): string[] {
	return graph.levels.flatMap(({ name }) => [
		`best.logits.${name}`,
		`best.anchors.${name}`,
		`best.deltas.${name}`,
	]);
}

/**
 * The best anchors of every level become boxes, clipped to the input; empty ones and those that overlap a better one of
 * their level go, and the best of all levels stay (detectron2, find_top_rpn_proposals).
 */
export function chooseProposals(
	outputs: Readonly<Record<string, GraphTensor>>,
	graph: ProposalGraph,
	config: VitDetConfig,
	inputSize: Size,
): Proposals {
	const { weights, iou, kept } = config.proposals;
	const candidates = graph.levels.flatMap(({ name, anchors }, level) => {
		const logits = outputs[`best.logits.${name}`]!.data as Float32Array;
		const places = outputs[`best.anchors.${name}`]!.data as BigInt64Array;
		const deltas = outputs[`best.deltas.${name}`]!.data as Float32Array;
		const best = new Float32Array(4 * places.length);
		places.forEach((place, i) => best.set(anchors.subarray(4 * Number(place), 4 * Number(place) + 4), 4 * i));
		const boxes = clipBoxes(applyDeltas(best, deltas, { weights, clamp: 'above' }), inputSize);
		return Array.from(logits, (logit, i) => ({ level, logit, box: boxes.subarray(4 * i, 4 * i + 4) }));
	});
	const solid = candidates.filter(({ box }) => box[2]! > box[0]! && box[3]! > box[1]!);
	solid.sort((a, b) => b.logit - a.logit); // stable: finer levels first among equals
	const boxesXyxy = rows(solid.map(({ box }) => box));
	const classIndices = solid.map(({ level }) => level);
	const best = suppressPerClass({ classIndices, boxesXyxy, count: solid.length }, iou, kept);
	return {
		boxes: rows(best.map((i) => solid[i]!.box)),
		logits: Float32Array.from(best, (i) => solid[i]!.logit),
	};
}

function rows(boxes: readonly Float32Array[]): Float32Array {
	const out = new Float32Array(4 * boxes.length);
	boxes.forEach((box, i) => out.set(box, 4 * i));
	return out;
}
