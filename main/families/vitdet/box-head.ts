import { GraphBuilder, type CompiledGraph } from '../../graph/graph-builder.ts';
import type { GraphTensor } from '../../runtime/runtime.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { alignRegions, sortRegions } from '../../boxes/regions.ts';
import type { VitDetConfig } from './config.ts';
import { type Level, NORM_EPSILON, pyramidLevels } from './pyramid.ts';

/** The name of the number of proposals, which varies from frame to frame. */
export const PROPOSALS = 'proposals';

/** The levels that proposals are pooled from. */
export function pooledLevels(config: VitDetConfig): Level[] {
	return pyramidLevels(config).slice(0, -1);
}

/**
 * One stage: from the pyramid and proposals to classes and deltas.
 *
 * in: `pyramid.<level>` [1, channels, h, w] and `boxes.<level>` [n, 4], the proposals of that level; `places` [proposals],
 * each proposal's row among the rows of all levels. out: `pooled` [proposals, channels, pooled, pooled];
 * `features` [proposals, width]; `logits` and `probabilities` [proposals, classes + 1], the background last; `deltas`
 * [proposals, 4] or [proposals, classes · 4].
 */
export function boxGraph(
	config: VitDetConfig,
	maps: Readonly<Record<string, readonly number[]>>,
	stage: number,
	weights: WeightLookup,
): CompiledGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const { boxes, classes } = config;
	const numbered = (part: string) => `roi_heads.${part}${boxes.cascade ? `.${stage}` : ''}`;
	const places = graph.input('places', 'int64', [PROPOSALS]);
	const byLevel = pooledLevels(config).map(({ name, stride }) => {
		const map = graph.input(`pyramid.${name}`, 'float32', maps[name]!);
		const rois = graph.input(`boxes.${name}`, 'float32', [`boxes.${name}`, 4]);
		return alignRegions(layers, map, rois, boxes.pooled, 1 / stride);
	});
	let x = layers.gatherRows(layers.concat(byLevel, 0), places);
	graph.output('pooled', x);
	boxes.convs.forEach((width, i) => {
		const name = `${numbered('box_head')}.conv${i + 1}`;
		const convolved = layers.conv(name, x, width, { kernel: 3, pads: 1, bias: false });
		x = layers.relu(layers.channelNorm(`${name}.norm`, convolved, NORM_EPSILON));
	});
	const size = (x.shape as number[]).slice(1).reduce((product, dim) => product * dim, 1);
	x = layers.reshape(x, [PROPOSALS, size]);
	boxes.fullyConnected.forEach((width, i) => {
		x = layers.relu(layers.linear(`${numbered('box_head')}.fc${i + 1}`, x, width));
	});
	graph.output('features', x);
	const logits = layers.linear(`${numbered('box_predictor')}.cls_score`, x, classes.length + 1);
	const deltaWidth = boxes.classAgnostic ? 4 : 4 * classes.length;
	graph.output('logits', logits);
	graph.output('probabilities', layers.softmax(logits));
	graph.output('deltas', layers.linear(`${numbered('box_predictor')}.bbox_pred`, x, deltaWidth));
	return graph.compile(`vitdet:boxes:${stage}`);
}

/** Proposals, sorted by the level that fits their size, as inputs of the stages. */
export function regionFeeds(boxes: Float32Array, config: VitDetConfig): Record<string, GraphTensor> {
	const { canonicalSize, canonicalLevel } = config.boxes;
	return sortRegions(boxes, pooledLevels(config), {
		size: canonicalSize,
		level: canonicalLevel,
		epsilon: 1e-8,
	});
}
