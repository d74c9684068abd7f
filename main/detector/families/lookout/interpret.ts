import { Detections } from '../../../domain/detections.ts';
import type { Letterbox } from '../../../domain/frame.ts';
import type { TokenGrid } from '../../../domain/tokens.ts';
import type { RunOutcome } from '../../../reduction/mode.ts';
import { suppressPerClass } from '../../nms.ts';
import type { LookoutConfig } from './config.ts';
import { BOX_SIDES, POINTS_PER_TOKEN } from './plan.ts';

/** Pixels between prediction points, along each axis. */
const POINT_STRIDE = 8;
const LEAST_EXPONENT = -4;
const LARGEST_EXPONENT = 5;
/** Most candidates that go into suppression; the rest has lower scores. */
const MAX_CANDIDATES = 2000;

type Candidate = { classIndex: number; logit: number; token: number; point: number };

/**
 * Head outputs [tokens, 4 · (classes + 4)] -> detections in displayed video pixels. A point gives a logit per
 * class and distances 8 · exp(clamp(v, −4, 5)) to the left, top, right and bottom of the box.
 */
export function interpretLookout(
	outcome: RunOutcome,
	config: LookoutConfig,
	grid: TokenGrid,
	letterbox: Letterbox,
	scoreThreshold: number,
): Detections {
	const candidates = collectCandidates(outcome, config.classes.length, grid, logit(scoreThreshold));
	candidates.sort(
		(a, b) => b.logit - a.logit || a.token - b.token || a.point - b.point || a.classIndex - b.classIndex,
	);
	candidates.length = Math.min(candidates.length, MAX_CANDIDATES);

	const { contentSize, displaySize } = letterbox;
	const boxes = new Float32Array(4 * candidates.length);
	candidates.forEach((candidate, i) => {
		const [left, top, right, bottom] = decodeBox(outcome.head, candidate, config.classes.length, grid);
		boxes[4 * i] = clamp(left, 0, contentSize.width);
		boxes[4 * i + 1] = clamp(top, 0, contentSize.height);
		boxes[4 * i + 2] = clamp(right, 0, contentSize.width);
		boxes[4 * i + 3] = clamp(bottom, 0, contentSize.height);
	});
	const classes = Uint16Array.from(candidates, (candidate) => candidate.classIndex);
	const kept = suppressPerClass(
		{ classIndices: classes, boxesXyxy: boxes, count: candidates.length },
		config.nms.iou,
		config.nms.max,
	);

	const scaleX = displaySize.width / contentSize.width;
	const scaleY = displaySize.height / contentSize.height;
	return new Detections(
		Uint16Array.from(kept, (i) => classes[i]!),
		Float32Array.from(kept, (i) => sigmoid(candidates[i]!.logit)),
		Float32Array.from({ length: 4 * kept.length }, (_, j) => {
			return boxes[4 * kept[j >> 2]! + (j & 3)]! * (j & 1 ? scaleY : scaleX);
		}),
	);
}

function collectCandidates(
	outcome: RunOutcome,
	classCount: number,
	grid: TokenGrid,
	lowest: number,
): Candidate[] {
	const { head, emitting } = outcome;
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
