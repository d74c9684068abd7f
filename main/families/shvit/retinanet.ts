import { shvit } from '../../backbones/shvit.ts';
import type { Size } from '../../domain/video.ts';
import { GraphBuilder, type Value } from '../../graph/graph-builder.ts';
import type { GraphTensors } from '../../runtime/runtime.ts';
import { Layers, type WeightLookup } from '../../graph/layers.ts';
import { anchorShapes, gridAnchors } from '../../boxes/anchors.ts';
import { applyDeltas, clipBoxes } from '../../boxes/box-deltas.ts';
import { type BoxColumns, joinRows } from '../../boxes/candidates.ts';
import { type RetinaConfig, type ShvitModelConfig } from './config.ts';
import { emitNeck, neckStrides } from './neck.ts';
import { floats, integers } from '../../runtime/tensors.ts';

/** Of deltas; not the 1 / standard deviation of other detectors. */
const CODING = { weights: [1, 1, 1, 1], clamp: 'both' } as const;

export type RetinaGraph = {
	graph: GraphBuilder;
	levels: readonly RetinaLevel[];
	/** Intermediate values by the names that parity cases use, such as `fpn.0`. */
	values: ReadonlyMap<string, Value>;
};

/** `anchors` [rows · cols · shapes, 4] in input pixels. */
type RetinaLevel = { rows: number; cols: number; shapes: number; anchors: Float32Array };

/**
 * RetinaNet (Lin et al., ICCV 2017) as mmdetection builds it. in: `picture` [1, 3, h, w], normalised. out, for every level i:
 * `best.logits.i` [k] and `best.places.i` [k], the best pairs of an anchor and a class, best first, and `deltas.i` [1, anchors · 4,
 * h, w]. Places index [anchor · classes + class, row, column].
 */
export function retinaGraph(
	{ backbone, head }: ShvitModelConfig & { head: RetinaConfig },
	size: Size,
	perLevel: number,
	weights: WeightLookup,
): RetinaGraph {
	const graph = new GraphBuilder();
	const layers = new Layers(graph, weights);
	const values = new Map<string, Value>();
	const picture = graph.input('picture', 'float32', [1, 3, size.height, size.width]);
	const maps = shvit(layers, picture, backbone);
	maps.forEach((map, i) => values.set(`features.${i}`, map));
	const strides = neckStrides(head.neck);
	const { baseScale, scales, ratios } = head.anchors;
	const shapes = scales.length * ratios.length;
	const levels = emitNeck(layers, maps, head.neck).map((map, i): RetinaLevel => {
		const logits = tower(layers, 'cls', map, shapes * head.classes, head);
		const deltas = tower(layers, 'reg', map, shapes * 4, head);
		values.set(`fpn.${i}`, map).set(`cls_score.${i}`, logits);
		graph.output(`deltas.${i}`, deltas);
		outputBest(layers, i, logits, perLevel);
		const [, , rows, cols] = map.shape as [number, number, number, number];
		const stride = strides[i]!;
		const sizes = scales.map((scale) => baseScale * stride * scale);
		const offset = 0;
		const anchors = gridAnchors(anchorShapes(sizes, ratios, 'by-ratio'), { rows, cols, stride, offset });
		return { rows, cols, shapes, anchors };
	});
	return { graph, levels, values };
}

/** The same weights for every level. */
function tower(layers: Layers, kind: 'cls' | 'reg', map: Value, out: number, head: RetinaConfig): Value {
	let x = map;
	for (let i = 0; i < head.convs; i++) {
		const name = `bbox_head.${kind}_convs.${i}.conv`;
		x = layers.relu(layers.conv(name, x, head.width, { kernel: 3, pads: 1 }));
	}
	return layers.conv(`bbox_head.retina_${kind}`, x, out, { kernel: 3, pads: 1 });
}

function outputBest(layers: Layers, level: number, logits: Value, most: number): void {
	const { graph } = layers;
	const all = (logits.shape as number[]).reduce((product, dim) => product * dim, 1);
	const count = Math.min(most, all);
	const [best, places] = graph.ops(
		'TopK',
		[layers.reshape(logits, [all]), graph.integers([count])],
		[{ shape: [count] }, { shape: [count], type: 'int64' }],
	) as [Value, Value];
	graph.output(`best.logits.${level}`, best);
	graph.output(`best.places.${level}`, places);
}

/** The outputs that `retinaCandidates` reads. */
export function retinaOutputs({ levels }: RetinaGraph): string[] {
	return levels.flatMap((_, i) => [`best.logits.${i}`, `best.places.${i}`, `deltas.${i}`]);
}

/**
 * The pairs that score more than `scoreThreshold`, level after level, best first within each. One anchor may give boxes of
 * several classes. Boxes are clipped to `picture`, the part of the input that is not padding.
 */
export function retinaCandidates(
	outputs: GraphTensors,
	{ levels }: Pick<RetinaGraph, 'levels'>,
	classes: number,
	picture: Size,
	scoreThreshold: number,
): BoxColumns {
	const threshold = Math.fround(scoreThreshold); // as the scores are: 0.05 is not above 0.05
	return joinRows(
		levels.map((level, i) => {
			const cells = level.rows * level.cols;
			const logits = floats(outputs, `best.logits.${i}`);
			const places = integers(outputs, `best.places.${i}`);
			const all = floats(outputs, `deltas.${i}`);
			const scores = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
			const below = scores.findIndex((score) => !(score > threshold));
			const count = below < 0 ? scores.length : below;
			const classIndices = new Int32Array(count);
			const anchors = new Float32Array(4 * count);
			const deltas = new Float32Array(4 * count);
			for (let row = 0; row < count; row++) {
				const place = places[row]!;
				const cell = place % cells;
				const channel = Math.floor(place / cells);
				const shape = Math.floor(channel / classes);
				const anchor = 4 * (cell * level.shapes + shape);
				classIndices[row] = channel % classes;
				anchors.set(level.anchors.subarray(anchor, anchor + 4), 4 * row);
				for (let side = 0; side < 4; side++) deltas[4 * row + side] = all[(4 * shape + side) * cells + cell]!;
			}
			const boxesXyxy = clipBoxes(applyDeltas(anchors, deltas, CODING), picture);
			return { classIndices, scores: scores.slice(0, count), boxesXyxy };
		}),
	);
}
