import type { Size } from '../domain/video.ts';
import type { Value } from '../graph/graph-builder.ts';
import type { GraphTensors } from '../runtime/runtime.ts';
import type { Layers } from '../graph/layers.ts';
import { applyDeltas, type BoxCoding, clipBoxes } from './box-deltas.ts';
import { suppressPerClass } from './nms.ts';
import { floats, integers } from '../runtime/tensors.ts';

/** A level of a pyramid, and its anchors [n, 4] in the order of `gridAnchors`. */
export type AnchorLevel = { name: string; anchors: Float32Array };

/** Boxes [n, 4] in input pixels, clipped, and their logits [n], best first. */
export type Regions = { boxes: Float32Array; logits: Float32Array };

/** Limits of the proposals chosen from anchors: at most `kept` of all levels, none that overlaps a better one of its level by more than `iou`. */
export type RegionRule = { coding: BoxCoding; iou: number; kept: number };

/**
 * Makes a level's `most` best anchors outputs, best first: `best.logits.<level>` [k], `best.anchors.<level>` [k] and
 * `best.deltas.<level>` [k, 4]. `logits` [1, a, h, w] and `deltas` [1, a · 4, h, w] for a anchors a cell.
 */
export function outputBestAnchors(
	layers: Layers,
	level: string,
	logits: Value,
	deltas: Value,
	most: number,
): void {
	const { graph } = layers;
	const [, anchors, rows, cols] = logits.shape as [number, number, number, number];
	const all = anchors * rows * cols;
	const count = Math.min(most, all);
	// Rows, columns, anchors: the order of `gridAnchors`.
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

/** The outputs of a graph that `chooseRegions` reads. */
export function bestAnchorOutputs(levels: readonly Pick<AnchorLevel, 'name'>[]): string[] {
	return levels.flatMap(({ name }) => [`best.logits.${name}`, `best.anchors.${name}`, `best.deltas.${name}`]);
}

/**
 * The best anchors of every level become boxes, clipped to `size`; empty ones and those that overlap a better one of their
 * level go, and the best of all levels stay (Ren et al., Faster R-CNN, 2015).
 */
export function chooseRegions(
	outputs: GraphTensors,
	levels: readonly AnchorLevel[],
	{ coding, iou, kept }: RegionRule,
	size: Size,
): Regions {
	const candidates = levels.flatMap(({ name, anchors }, level) => {
		const logits = floats(outputs, `best.logits.${name}`);
		const places = integers(outputs, `best.anchors.${name}`);
		const deltas = floats(outputs, `best.deltas.${name}`);
		const best = new Float32Array(4 * places.length);
		places.forEach((place, i) => best.set(anchors.subarray(4 * place, 4 * place + 4), 4 * i));
		const boxes = clipBoxes(applyDeltas(best, deltas, coding), size);
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
