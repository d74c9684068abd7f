import { CAMERA_FIELDS } from '../domain/camera-path.ts';
import { STAGES } from '../domain/cost.ts';
import { f1Of } from '../domain/agreement.ts';
import type { Drift } from '../domain/drift.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import { SELECTION_KINDS, TOKEN_MAP_KINDS } from '../domain/tokens.ts';

/**
 * The results of some frames in columns, for a page: a few hundred bytes a frame, never pixels. Entry f of a
 * column belongs to frame f of the batch; its detections are `detectionOffsets[f]` up to `[f + 1]`.
 */
export type FrameBatch = {
	frameIndices: Int32Array;
	timesSeconds: Float64Array;
	/** Index into `SELECTION_KINDS`. */
	kinds: Uint8Array;
	selectedTokens: Int32Array;
	macs: Float64Array;
	/** NaN = no budget. */
	budgetMacs: Float64Array;
	/** Tokens that changed and were not recomputed, the longest wait among them in frames, and the tokens that would have done. */
	waitingTokens: Int32Array;
	longestWaits: Int32Array;
	sufficientTokens: Int32Array;
	/** [frames, 3]: estimated agreement with dense, its lower and its upper bound; NaN = not estimated. */
	agreements: Float32Array;
	/** F1 of the reduced answer of an audited frame against its dense one; NaN = not audited. */
	audits: Float32Array;
	/** [frames, fields], in the order of `CAMERA_FIELDS`; NaN = the camera is fixed. */
	cameras: Float32Array;
	/** [frames, stages], in the order of `STAGES`. */
	milliseconds: Float32Array;
	/** [frames, bytes]; every bitmap has the same length. */
	bitmaps: Uint8Array;
	/** Which maps a frame has: bit k for kind k of `TOKEN_MAP_KINDS`. The maps themselves are requested separately. */
	mapKinds: Uint8Array;
	/** [frames + 1] */
	detectionOffsets: Uint32Array;
	/** [detections] */
	classIndices: Uint16Array;
	scores: Float32Array;
	/** [detections, 4], in displayed video pixels. */
	boxesXyxy: Float32Array;
	/** 1 = the box rests on what has been out of date for too long. */
	stale: Uint8Array;
};

/** Copies results of one run, in frame order, into columns. */
export function packFrameBatch(results: readonly FrameResult[]): FrameBatch {
	const frames = results.length;
	const bytes = results[0]?.selection.length ?? 0;
	const detections = results.reduce((sum, result) => sum + result.detections.count, 0);
	const batch: FrameBatch = {
		frameIndices: new Int32Array(frames),
		timesSeconds: new Float64Array(frames),
		kinds: new Uint8Array(frames),
		selectedTokens: new Int32Array(frames),
		macs: new Float64Array(frames),
		budgetMacs: new Float64Array(frames),
		waitingTokens: new Int32Array(frames),
		longestWaits: new Int32Array(frames),
		sufficientTokens: new Int32Array(frames),
		agreements: new Float32Array(3 * frames).fill(Number.NaN),
		audits: new Float32Array(frames).fill(Number.NaN),
		cameras: new Float32Array(frames * CAMERA_FIELDS.length).fill(Number.NaN),
		milliseconds: new Float32Array(frames * STAGES.length),
		bitmaps: new Uint8Array(frames * bytes),
		mapKinds: new Uint8Array(frames),
		detectionOffsets: new Uint32Array(frames + 1),
		classIndices: new Uint16Array(detections),
		scores: new Float32Array(detections),
		boxesXyxy: new Float32Array(4 * detections),
		stale: new Uint8Array(detections),
	};
	let offset = 0;
	results.forEach((result, f) => {
		batch.frameIndices[f] = result.frameIndex;
		batch.timesSeconds[f] = result.timeSeconds;
		batch.kinds[f] = SELECTION_KINDS.indexOf(result.kind);
		batch.selectedTokens[f] = result.selectedTokens;
		batch.macs[f] = result.cost.macs;
		batch.budgetMacs[f] = result.budgetMacs ?? Number.NaN;
		if (result.drift) putDrift(batch, f, result.drift);
		const { camera } = result;
		if (camera)
			batch.cameras.set(
				CAMERA_FIELDS.map((field) => camera[field]),
				f * CAMERA_FIELDS.length,
			);
		STAGES.forEach((stage, s) => {
			batch.milliseconds[f * STAGES.length + s] = result.cost.milliseconds[stage];
		});
		batch.bitmaps.set(result.selection, f * bytes);
		for (const { kind } of result.maps ?? []) batch.mapKinds[f]! |= 1 << TOKEN_MAP_KINDS.indexOf(kind);
		batch.classIndices.set(result.detections.classIndices, offset);
		batch.scores.set(result.detections.scores, offset);
		batch.boxesXyxy.set(result.detections.boxesXyxy, 4 * offset);
		if (result.detections.stale) batch.stale.set(result.detections.stale, offset);
		offset += result.detections.count;
		batch.detectionOffsets[f + 1] = offset;
	});
	return batch;
}

function putDrift(batch: FrameBatch, f: number, drift: Drift): void {
	batch.waitingTokens[f] = drift.waitingTokens;
	batch.longestWaits[f] = drift.longestWait;
	batch.sufficientTokens[f] = drift.sufficientTokens;
	batch.agreements.set([drift.agreement, drift.lower, drift.upper], 3 * f);
	if (drift.audit) batch.audits[f] = f1Of(drift.audit);
}
