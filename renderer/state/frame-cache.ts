import { CAMERA_FIELDS, eachCameraField, type CameraPath } from '../../main/domain/camera-path.ts';
import { STAGES, noMilliseconds } from '../../main/domain/cost.ts';
import { Detections } from '../../main/domain/detections.ts';
import type { DriftFigures } from '../../main/domain/drift.ts';
import { RecentMap } from '../../main/domain/recent-map.ts';
import { SELECTION_KINDS } from '../../main/domain/tokens.ts';
import type { FrameBatch } from '../../main/analysis/frame-batch.ts';
import type { FrameView } from '../player/frame-view.ts';

/** Frame `row` of a batch; its columns are views into the batch's. */
export function frameViewOf(batch: FrameBatch, row: number): FrameView {
	const rows = batch.frameIndices.length;
	const bitmapLength = rows > 0 ? batch.bitmaps.length / rows : 0;
	const from = batch.detectionOffsets[row]!;
	const to = batch.detectionOffsets[row + 1]!;
	const budget = batch.budgetMacs[row]!;
	const milliseconds = noMilliseconds();
	STAGES.forEach((stage, s) => (milliseconds[stage] = batch.milliseconds[row * STAGES.length + s]!));
	return {
		frameIndex: batch.frameIndices[row]!,
		timeSeconds: batch.timesSeconds[row]!,
		kind: SELECTION_KINDS[batch.kinds[row]!]!,
		selectedTokens: batch.selectedTokens[row]!,
		bitmap: batch.bitmaps.subarray(row * bitmapLength, (row + 1) * bitmapLength),
		macs: batch.macs[row]!,
		budgetMacs: Number.isNaN(budget) ? null : budget,
		milliseconds,
		drift: driftOf(batch, row),
		camera: cameraOf(batch, row),
		detections: new Detections(
			batch.classIndices.subarray(from, to),
			batch.scores.subarray(from, to),
			batch.boxesXyxy.subarray(4 * from, 4 * to),
			batch.stale.subarray(from, to),
		),
	};
}

function cameraOf({ cameras }: FrameBatch, row: number): CameraPath | null {
	const from = row * CAMERA_FIELDS.length;
	return Number.isNaN(cameras[from]!) ? null : eachCameraField((_, i) => cameras[from + i]!);
}

function driftOf(batch: FrameBatch, row: number): DriftFigures | null {
	const agreement = batch.agreements[3 * row]!;
	if (Number.isNaN(agreement)) return null;
	const audit = batch.audits[row]!;
	return {
		waitingTokens: batch.waitingTokens[row]!,
		longestWait: batch.longestWaits[row]!,
		sufficientTokens: batch.sufficientTokens[row]!,
		agreement,
		lower: batch.agreements[3 * row + 1]!,
		upper: batch.agreements[3 * row + 2]!,
		audit: Number.isNaN(audit) ? null : audit,
	};
}

/** The recently viewed frames of a run, by their position in the run. */
export class FrameCache {
	readonly #views: RecentMap<number, FrameView>;

	/** `capacity` in frames, at some 600 bytes each. */
	constructor(capacity: number) {
		this.#views = new RecentMap(capacity);
	}

	/** Puts the rows of `batch` from `row` on at `position`, `position + 1`, … */
	put(position: number, batch: FrameBatch, row = 0): void {
		for (let r = row; r < batch.frameIndices.length; r++) {
			this.#views.set(position + r - row, frameViewOf(batch, r));
		}
	}

	get(position: number): FrameView | null {
		return this.#views.get(position) ?? null;
	}
}
