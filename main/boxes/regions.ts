import type { Value } from '../graph/graph-builder.ts';
import type { GraphTensor } from '../runtime/runtime.ts';
import type { Layers } from '../graph/layers.ts';

/** ONNX's number of the element type. */
const INT64 = 7;

/**
 * Means of bilinear samples over a grid in each box (He et al., Mask R-CNN, 2017, with pixel centres at half pixels, which
 * detectron2 calls aligned); as many samples a cell as it has pixels.
 */
export function alignRegions(layers: Layers, map: Value, boxes: Value, side: number, scale: number): Value {
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

/** Boxes of side `size` belong to the level of stride 2 ^ `level`. */
export type CanonicalRegion = { size: number; level: number; epsilon: number };

/**
 * Sorts boxes [n, 4] by the level that fits their size (Lin et al., Feature Pyramid Networks, 2017, equation 1), as inputs
 * of a graph: `boxes.<level>` [k, 4], and `places` [n], where each box's row stands among those of all levels.
 */
export function sortRegions(
	boxes: Float32Array,
	levels: readonly { name: string; stride: number }[],
	canonical: CanonicalRegion,
): Record<string, GraphTensor> {
	const [finest, coarsest] = [Math.log2(levels[0]!.stride), Math.log2(levels.at(-1)!.stride)];
	const members: number[][] = levels.map(() => []);
	for (let i = 0; i < boxes.length / 4; i++) {
		const area = (boxes[4 * i + 2]! - boxes[4 * i]!) * (boxes[4 * i + 3]! - boxes[4 * i + 1]!);
		const level = Math.floor(
			canonical.level + Math.log2(Math.sqrt(area) / canonical.size + canonical.epsilon),
		);
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
