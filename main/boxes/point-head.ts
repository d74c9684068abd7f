import type { Detections } from '../domain/detections.ts';
import type { Letterbox } from '../domain/frame.ts';
import type { TokenGrid } from '../domain/tokens.ts';
import type { Size } from '../domain/video.ts';
import { clipBoxes } from './box-deltas.ts';
import { type BoxColumns, keepBest, scaleToDisplay } from './candidates.ts';

/** Prediction points per token: top left, top right, bottom left, bottom right. */
export const POINTS_PER_TOKEN = 4;
/** Distances to the four sides of a box, after the class logits of a point. */
export const BOX_SIDES = 4;
/** Pixels between prediction points, along each axis. */
const POINT_STRIDE = 8;
const LEAST_EXPONENT = -4;
const LARGEST_EXPONENT = 5;
/** Most candidates that go into suppression; the rest has lower scores. */
const MAX_CANDIDATES = 2000;

/**
 * What Lookout's head gives: `head` [tokens, 4 · (classes + 4)]. A point gives a logit per class and distances
 * 8 · exp(clamp(v, −4, 5)) to the left, top, right and bottom of the box.
 */
type PointOutputs = {
	head: Float32Array;
	/** Tokens whose rows count; null = all. */
	emitting: Int32Array | null;
	classCount: number;
	grid: TokenGrid;
};

type Candidate = { classIndex: number; logit: number; token: number; point: number };

/** Columns of the head's output per token. */
export function pointHeadWidth(classCount: number): number {
	return POINTS_PER_TOKEN * (classCount + BOX_SIDES);
}

/** The best score, 0 to 1, among the points and classes of a token. */
export function bestPointScore(head: Float32Array, token: number, classCount: number): number {
	let best = -Infinity;
	for (let point = 0; point < POINTS_PER_TOKEN; point++) {
		const start = (token * POINTS_PER_TOKEN + point) * (classCount + BOX_SIDES);
		for (let i = start; i < start + classCount; i++) best = Math.max(best, head[i]!);
	}
	return sigmoid(best);
}

/**
 * The pairs of a point and a class that score more than `scoreThreshold`, best first and at most 2000, their boxes in
 * input pixels, clipped to `picture`, the part of the input that is not padding. `inFrame`: where boxes of the view lie in the frame.
 */
export function pointCandidates(
	outputs: PointOutputs,
	picture: Size,
	scoreThreshold: number,
	inFrame: ((boxesXyxy: Float32Array) => Float32Array) | null = null,
): BoxColumns {
	const candidates = collectCandidates(outputs, logit(scoreThreshold));
	candidates.sort(
		(a, b) => b.logit - a.logit || a.token - b.token || a.point - b.point || a.classIndex - b.classIndex,
	);
	candidates.length = Math.min(candidates.length, MAX_CANDIDATES);
	const { head, classCount, grid } = outputs;
	const boxes = new Float32Array(4 * candidates.length);
	candidates.forEach((candidate, i) => boxes.set(decodeBox(head, candidate, classCount, grid), 4 * i));
	return {
		classIndices: Int32Array.from(candidates, ({ classIndex }) => classIndex),
		scores: Float32Array.from(candidates, (candidate) => sigmoid(candidate.logit)),
		boxesXyxy: clipBoxes(inFrame ? inFrame(boxes) : boxes, picture),
	};
}

/** `pointCandidates` after suppression within each class, in displayed video pixels. */
export function pointDetections(
	candidates: BoxColumns,
	{ iou, max }: { iou: number; max: number },
	letterbox: Letterbox,
): Detections {
	return scaleToDisplay(keepBest(candidates, iou, max), letterbox);
}

function collectCandidates(outputs: PointOutputs, lowest: number): Candidate[] {
	const { head, emitting, classCount, grid } = outputs;
	const pointWidth = classCount + BOX_SIDES;
	const count = emitting ? emitting.length : grid.rows * grid.cols;
	const candidates: Candidate[] = [];
	for (let i = 0; i < count; i++) {
		const token = emitting ? emitting[i]! : i;
		for (let point = 0; point < POINTS_PER_TOKEN; point++) {
			const start = (token * POINTS_PER_TOKEN + point) * pointWidth;
			for (let classIndex = 0; classIndex < classCount; classIndex++) {
				const value = head[start + classIndex]!;
				if (value > lowest) candidates.push({ classIndex, logit: value, token, point });
			}
		}
	}
	return candidates;
}

/** Left, top, right, bottom in input pixels. */
export function decodeBox(
	head: Float32Array,
	at: { token: number; point: number },
	classCount: number,
	grid: TokenGrid,
): [left: number, top: number, right: number, bottom: number] {
	const start = (at.token * POINTS_PER_TOKEN + at.point) * (classCount + BOX_SIDES) + classCount;
	const x = (at.token % grid.cols) * grid.stride + (at.point & 1) * POINT_STRIDE + POINT_STRIDE / 2;
	const y =
		Math.floor(at.token / grid.cols) * grid.stride + (at.point >> 1) * POINT_STRIDE + POINT_STRIDE / 2;
	const distance = (side: number) =>
		POINT_STRIDE * Math.exp(clamp(head[start + side]!, LEAST_EXPONENT, LARGEST_EXPONENT));
	return [x - distance(0), y - distance(1), x + distance(2), y + distance(3)];
}

function clamp(value: number, least: number, most: number): number {
	return Math.min(most, Math.max(least, value));
}

function sigmoid(value: number): number {
	return 1 / (1 + Math.exp(-value));
}

function logit(probability: number): number {
	return Math.log(probability / (1 - probability));
}
