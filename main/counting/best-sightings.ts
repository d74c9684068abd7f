import type { TrackPaths } from '../domain/track-paths.ts';
import type { Size } from '../domain/video.ts';
import { anchorOf, type Anchor, type Point } from '../domain/zones.ts';
import { orderByFrame } from './frame-order.ts';
import { isInside } from './geometry.ts';

/** The sighting of each track that shows it best, in columns; tracks are in order of their first sighting. */
export type BestSightings = {
	/** [tracks] */
	identities: Int32Array;
	/** [tracks] */
	classIndices: Uint16Array;
	/** [tracks] The decoded frame. */
	frameIndices: Int32Array;
	/** [tracks] Its time on the rising time line of the video. */
	timesSeconds: Float64Array;
	/** [tracks, 4] Left, top, right, bottom in displayed pixels of the video. */
	boxesXyxy: Float32Array;
	/** [tracks] 0 to 1. */
	scores: Float32Array;
	/** [tracks] */
	firstFrames: Int32Array;
	/** [tracks] */
	firstSeconds: Float64Array;
	/** [tracks] */
	lastFrames: Int32Array;
	/** [tracks] */
	lastSeconds: Float64Array;
	/** [tracks] Frames in which it was seen. */
	sightings: Int32Array;
};

/** A box with sides of this many pixels shows half of what a very large one would. */
const HALF_SIDE = 64;
/** A side of a box this near to the picture's border, in pixels, or beyond it, is cut. */
const BORDER = 2;
/** What a cut side leaves of a sighting's worth. */
const CUT = 0.5;
/** How much of a sighting's worth is lost where another box covers the whole of it: it may be behind, or only worn. */
const COVERED = 0.75;

/**
 * The best sighting of each track: that with the highest
 *
 *     score · s / (s + 64) · inside · ½^cut · (1 − ¾ covered)
 *
 * where s is the square root of the area that lies within the picture, in pixels, `inside` the share of the box that this is,
 * `cut` the number of its sides at or beyond the picture's border, and `covered` the largest share of it that lies under the box of one
 * other track in the same frame. Of equals, the earliest. Only frames from `first` to `last` count, both included; tracks without a
 * sighting there are left out. One step per frame with sightings.
 */
export function* bestSightings(
	paths: TrackPaths,
	size: Size,
	{ first, last } = { first: 0, last: Number.POSITIVE_INFINITY },
): Generator<void, BestSightings> {
	const { frameIndices, offsets, boxesXyxy, scores } = paths;
	const worths = new Float64Array(frameIndices.length);
	const order = orderByFrame(frameIndices);
	let together = new Float32Array(4 * 64);
	for (let from = 0, to = 0; from < order.length; from = to) {
		const frame = frameIndices[order[from]!]!;
		while (to < order.length && frameIndices[order[to]!] === frame) to++;
		if (frame < first || frame > last) continue;
		const count = to - from;
		if (4 * count > together.length) together = new Float32Array(8 * count);
		// Side by side, they are compared several times as fast.
		for (let i = 0; i < count; i++) {
			const at = 4 * order[from + i]!;
			for (let edge = 0; edge < 4; edge++) together[4 * i + edge] = boxesXyxy[at + edge]!;
		}
		for (let i = 0; i < count; i++) {
			const alone = worthAlone(together, i, size) * scores[order[from + i]!]!;
			worths[order[from + i]!] = alone * (1 - COVERED * coveredShare(together, count, i));
		}
		yield;
	}
	const rows: { track: number; best: number; first: number; last: number }[] = [];
	for (let track = 0; track < paths.identities.length; track++) {
		let [begin, end] = [offsets[track]!, offsets[track + 1]!];
		while (begin < end && frameIndices[begin]! < first) begin++;
		while (begin < end && frameIndices[end - 1]! > last) end--;
		if (begin === end) continue;
		let best = begin;
		for (let at = begin + 1; at < end; at++) if (worths[at]! > worths[best]!) best = at;
		rows.push({ track, best, first: begin, last: end - 1 });
	}
	return {
		identities: Int32Array.from(rows, ({ track }) => paths.identities[track]!),
		classIndices: Uint16Array.from(rows, ({ track }) => paths.classIndices[track]!),
		frameIndices: Int32Array.from(rows, ({ best }) => frameIndices[best]!),
		timesSeconds: Float64Array.from(rows, ({ best }) => paths.timesSeconds[best]!),
		boxesXyxy: boxesOf(
			paths,
			Uint32Array.from(rows, ({ best }) => best),
		),
		scores: Float32Array.from(rows, ({ best }) => paths.scores[best]!),
		firstFrames: Int32Array.from(rows, (row) => frameIndices[row.first]!),
		firstSeconds: Float64Array.from(rows, (row) => paths.timesSeconds[row.first]!),
		lastFrames: Int32Array.from(rows, (row) => frameIndices[row.last]!),
		lastSeconds: Float64Array.from(rows, (row) => paths.timesSeconds[row.last]!),
		sightings: Int32Array.from(rows, (row) => row.last - row.first + 1),
	};
}

/** The identities of tracks whose anchor was in a polygon in some frame. */
export function seenInside(paths: TrackPaths, points: readonly Point[], anchor: Anchor): Int32Array {
	const corners = Float64Array.from(points.flat());
	const { boxesXyxy: boxes, offsets } = paths;
	return paths.identities.filter((_, track) => {
		for (let at = 4 * offsets[track]!; at < 4 * offsets[track + 1]!; at += 4) {
			const [x, y] = anchorOf([boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!], anchor);
			if (isInside(corners, x, y)) return true;
		}
		return false;
	});
}

/** What box i is worth without regard to others, and to its score. */
function worthAlone(boxes: Float32Array, i: number, { width, height }: Size): number {
	const [left, top, right, bottom] = [boxes[4 * i]!, boxes[4 * i + 1]!, boxes[4 * i + 2]!, boxes[4 * i + 3]!];
	const whole = (right - left) * (bottom - top);
	const seenWidth = Math.min(width, right) - Math.max(0, left);
	const seenHeight = Math.min(height, bottom) - Math.max(0, top);
	if (!(whole > 0) || seenWidth <= 0 || seenHeight <= 0) return 0;
	const seen = seenWidth * seenHeight;
	const side = Math.sqrt(seen);
	let worth = (side / (side + HALF_SIDE)) * (seen / whole);
	if (left <= BORDER) worth *= CUT;
	if (top <= BORDER) worth *= CUT;
	if (right >= width - BORDER) worth *= CUT;
	if (bottom >= height - BORDER) worth *= CUT;
	return worth;
}

/** The largest share of box `own` that one other of the first `count` lies over. */
function coveredShare(boxes: Float32Array, count: number, own: number): number {
	const at = 4 * own;
	const [left, top, right, bottom] = [boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!];
	let most = 0;
	for (let other = 0; other < 4 * count; other += 4) {
		if (boxes[other]! >= right || boxes[other + 2]! <= left || other === at) continue;
		const height = Math.min(bottom, boxes[other + 3]!) - Math.max(top, boxes[other + 1]!);
		if (height <= 0) continue;
		const common = height * (Math.min(right, boxes[other + 2]!) - Math.max(left, boxes[other]!));
		if (common > most) most = common;
	}
	return most > 0 ? most / ((right - left) * (bottom - top)) : 0;
}

function boxesOf({ boxesXyxy }: TrackPaths, sightings: Uint32Array): Float32Array {
	const boxes = new Float32Array(4 * sightings.length);
	sightings.forEach((at, i) => boxes.set(boxesXyxy.subarray(4 * at, 4 * at + 4), 4 * i));
	return boxes;
}
