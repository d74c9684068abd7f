import type { Size } from '../../domain/video.ts';
import { type CompiledGraph, GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import type { Extent } from '../../vit/plan.ts';
import { GraphOutputs } from '../sparse-detr/outputs.ts';
import { layPyramid, type Pyramid } from '../sparse-detr/pyramid.ts';
import { moveBoxes, perceptron } from './boxes.ts';
import type { QueryNetworkConfig } from './config.ts';
import { decode } from './decoder.ts';
import { projectFeatures, toPlanes } from './projector.ts';
import { startingBoxes } from './selection.ts';

/** What the transformer gives of one picture. */
export type FeatureGrid = {
	grid: Extent;
	/** Where each pixel of the features' map lies among the tokens; null = in their order. */
	order?: Int32Array | null;
	/** Pixels of a picture with its padding on the right and at the bottom, and without; absent where nothing is padded. */
	picture?: { size: Size; content: Size };
};

/** The parts that are a graph of their own where somebody measures them apart. */
export type NetworkPart = 'all' | 'projector' | 'queries';

/**
 * What stands behind the transformer: `features` [tokens, count · dim] -> `logits` [queries, labels] and `boxes` [queries, 4],
 * centre and size, 0 to 1 within the picture. The part `projector` gives `level.i` [pixels, dim] instead, and `queries` takes
 * them. `taps`: intermediate values to give out beside.
 */
export function compileBehind(
	config: QueryNetworkConfig,
	weights: WeightLookup,
	features: FeatureGrid,
	options: { part?: NetworkPart; taps?: ReadonlySet<string> } = {},
): CompiledGraph {
	const graph = new GraphBuilder();
	emitBehind(new Layers(graph, weights), config, features, options);
	return graph.compile(`lw-detr:${options.part ?? 'all'}`);
}

function emitBehind(
	layers: Layers,
	config: QueryNetworkConfig,
	features: FeatureGrid,
	{ part = 'all', taps = new Set() }: { part?: NetworkPart; taps?: ReadonlySet<string> } = {},
): void {
	const { graph } = layers;
	const { grid } = features;
	const outputs = new GraphOutputs(layers, taps);
	const sizes = config.projector.levels.map(({ scale }) => levelSize(grid, scale));
	if (part === 'queries') {
		const levels = sizes.map(({ rows, cols }, i) =>
			graph.input(`level.${i}`, 'float32', [rows * cols, config.dim]),
		);
		return findObjects(layers, outputs, config, levels, pyramidOf(features, sizes));
	}
	const { count, dim } = config.features;
	const tokens = graph.input('features', 'float32', [grid.rows * grid.cols, count * dim]);
	const maps = projectFeatures(layers, config, inOrder(layers, tokens, features.order ?? null), grid);
	const levels = maps.map(({ pixels }) => pixels);
	if (part === 'projector') return levels.forEach((level, i) => outputs.give(`level.${i}`, level));
	maps.forEach((map, i) => outputs.tap(`projector.${i}`, () => toPlanes(layers, map)));
	findObjects(layers, outputs, config, levels, pyramidOf(features, sizes));
}

function findObjects(
	layers: Layers,
	outputs: GraphOutputs,
	config: QueryNetworkConfig,
	levels: readonly Value[],
	pyramid: Pyramid,
): void {
	const { dim, labels } = config;
	const memory = levels.length === 1 ? levels[0]! : layers.concat(levels, 0);
	const start = startingBoxes(layers, outputs, config, memory, pyramid);
	outputs.tap('init_reference_points', start);
	const state = decode(layers, outputs, config, { boxes: start, memory, pyramid });
	outputs.give('logits', layers.linear('class_embed', state, labels));
	outputs.give('boxes', moveBoxes(layers, start, perceptron(layers, 'bbox_embed', state, [dim, dim, 4])));
}

function inOrder(layers: Layers, tokens: Value, order: Int32Array | null): Value {
	if (!order) return tokens;
	return layers.gatherRows(tokens, layers.graph.constant('order', { data: order, shape: [order.length] }));
}

/** Of a map `scale` times as large as the grid. */
function levelSize({ rows, cols }: Extent, scale: number): Extent {
	return { rows: Math.ceil(rows * scale), cols: Math.ceil(cols * scale) };
}

function pyramidOf({ grid, picture }: FeatureGrid, sizes: readonly Extent[]): Pyramid {
	if (!picture) return layPyramid({ batch: 1, height: grid.rows, width: grid.cols, padding: null }, sizes);
	const { size, content } = picture;
	const padding = Uint8Array.from({ length: size.width * size.height }, (_, pixel) =>
		pixel % size.width < content.width && pixel < size.width * content.height ? 0 : 1,
	);
	return layPyramid({ batch: 1, ...size, padding }, sizes);
}
