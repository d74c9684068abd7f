import { GraphBuilder, type Value } from '../../../graph/graph-builder.ts';
import type { GraphTensor } from '../../../graph/graph-session.ts';
import { Layers, type WeightLookup } from '../../../graph/layers.ts';
import type { OperationCount } from '../../../graph/operation-count.ts';
import type { VitDetConfig } from './config.ts';
import { type Level, NORM_EPSILON, pyramidLevels } from './pyramid.ts';

/** The name of the number of proposals, which varies from frame to frame. */
export const PROPOSALS = 'proposals';

/** The graph of one stage: from the pyramid and proposals to classes and deltas. */
export type BoxGraph = {
	name: string;
	/** ONNX protobuf; made anew by every call. */
	build(): Uint8Array;
	operations: OperationCount;
};

/** The levels that proposals are pooled from. */
export function pooledLevels(config: VitDetConfig): Level[] {
	return pyramidLevels(config).slice(0, -1);
}

/**
 * in: `pyramid.<level>` [1, channels, h, w] and `boxes.<level>` [n, 4], the proposals of that level; `places` [proposals],
 * where each proposal's row stands among those of all levels. out: `pooled` [proposals, channels, pooled, pooled];
 * `features` [proposals, width]; `logits` and `probabilities` [proposals, classes + 1], the background last; `deltas`
 * [proposals, 4] or [proposals, classes · 4].
 */
export function boxGraph(
	config: VitDetConfig,
	maps: Readonly<Record<string, readonly number[]>>,
	stage: number,
	weights: WeightLookup,
): BoxGraph {
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
		const mixed = layers.conv(name, x, width, { kernel: 3, pads: 1, bias: false });
		x = layers.relu(layers.channelNorm(`${name}.norm`, mixed, NORM_EPSILON));
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
	const name = `vitdet:boxes:${stage}`;
	return { name, build: () => graph.build(name), operations: graph.operations };
}

/**
 * Means of bilinear samples over a grid in each box (He et al., Mask R-CNN, 2017, with pixel centres at half pixels, which
 * detectron2 calls aligned); as many samples a cell as it has pixels.
 */
function alignRegions(layers: Layers, map: Value, boxes: Value, side: number, scale: number): Value {
	const { graph } = layers;
	const count = boxes.shape[0]!;
	const first = { attributes: { start: 0, end: 1 } };
	const counted = graph.op('Shape', [boxes], { shape: [1], type: 'int64' }, first);
	const zeros = graph.op('ConstantOfShape', [counted], { shape: [count], type: 'float32' });
	const picture = graph.op('Cast', [zeros], { shape: [count], type: 'int64' }, { attributes: { to: INT64 } });
	return graph.op(
		'RoiAlign',
		[map, boxes, picture],
		{ shape: [count, map.shape[1]!, side, side] },
		{
			attributes: {
				output_height: side,
				output_width: side,
				sampling_ratio: 0,
				spatial_scale: { float: scale },
				coordinate_transformation_mode: 'half_pixel',
			},
		},
	);
}

/** ONNX's number of the element type. */
const INT64 = 7;

/** Sorts proposals by the level that fits their size (Lin et al., Feature Pyramid Networks, 2017, equation 1). */
export function regionFeeds(boxes: Float32Array, config: VitDetConfig): Record<string, GraphTensor> {
	const levels = pooledLevels(config);
	const { canonicalSize, canonicalLevel } = config.boxes;
	const [finest, coarsest] = [Math.log2(levels[0]!.stride), Math.log2(levels.at(-1)!.stride)];
	const members: number[][] = levels.map(() => []);
	for (let i = 0; i < boxes.length / 4; i++) {
		const area = (boxes[4 * i + 2]! - boxes[4 * i]!) * (boxes[4 * i + 3]! - boxes[4 * i + 1]!);
		const level = Math.floor(canonicalLevel + Math.log2(Math.sqrt(area) / canonicalSize + 1e-8));
		members[Math.min(coarsest, Math.max(finest, level)) - finest]!.push(i);
	}
	const places = new BigInt64Array(boxes.length / 4);
	members.flat().forEach((proposal, place) => (places[proposal] = BigInt(place)));
	const feeds: Record<string, GraphTensor> = {
		places: { type: 'int64', data: places, shape: [places.length] },
	};
	levels.forEach(({ name }, level) => {
		const data = new Float32Array(4 * members[level]!.length);
		members[level]!.forEach((proposal, i) => data.set(boxes.subarray(4 * proposal, 4 * proposal + 4), 4 * i));
		feeds[`boxes.${name}`] = { type: 'float32', data, shape: [members[level]!.length, 4] };
	});
	return feeds;
}
