import { GraphBuilder, type Value, type CompiledGraph } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import type { Extent } from '../../vit/plan.ts';
import { anchorShapes, gridAnchors } from '../../boxes/anchors.ts';
import { outputBestAnchors } from '../../boxes/region-proposals.ts';
import type { VitDetConfig } from './config.ts';
import { type Level, pyramidLevels, simplePyramid } from './pyramid.ts';

const RPN = 'proposal_generator.rpn_head';

/** The graph from the backbone's tokens to the pyramid and every level's best anchors. */
export type ProposalGraph = {
	graph: CompiledGraph;
	levels: readonly (Level & { anchors: Float32Array })[];
	/** Shapes of the pyramid's maps, by level. */
	maps: Readonly<Record<string, readonly number[]>>;
};

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
		outputBestAnchors(layers, level.name, logits, deltas, config.proposals.perLevel);
		return { ...level, anchors: anchorsOf(level, maps[i]!, i, config) };
	});
	return {
		graph: graph.compile('vitdet:proposals'),
		levels,
		maps: Object.fromEntries(levels.map(({ name }, i) => [name, maps[i]!.shape as number[]])),
	};
}

/** The name of a region convolution: published under another one where there is no second. */
export function regionConv(count: number, i: number): string {
	return count === 1 ? `${RPN}.conv` : `${RPN}.conv.conv${i}`;
}

function regionLayers(layers: Layers, map: Value, config: VitDetConfig): { logits: Value; deltas: Value } {
	const { convs, aspectRatios } = config.proposals;
	let x = map;
	convs.forEach((channels, i) => {
		x = layers.relu(layers.conv(regionConv(convs.length, i), x, channels, { kernel: 3, pads: 1 }));
	});
	return {
		logits: layers.conv(`${RPN}.objectness_logits`, x, aspectRatios.length, { kernel: 1 }),
		deltas: layers.conv(`${RPN}.anchor_deltas`, x, 4 * aspectRatios.length, { kernel: 1 }),
	};
}

function anchorsOf({ stride }: Level, map: Value, index: number, config: VitDetConfig): Float32Array {
	const { anchorSizes, aspectRatios, anchorOffset } = config.proposals;
	const [, , rows, cols] = map.shape as [number, number, number, number];
	const shapes = anchorShapes([anchorSizes[index]!], aspectRatios, 'by-size');
	return gridAnchors(shapes, { rows, cols, stride, offset: anchorOffset * stride });
}
