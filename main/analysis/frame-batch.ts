import { STAGES } from '../domain/cost.ts';
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
		milliseconds: new Float32Array(frames * STAGES.length),
		bitmaps: new Uint8Array(frames * bytes),
		mapKinds: new Uint8Array(frames),
		detectionOffsets: new Uint32Array(frames + 1),
		classIndices: new Uint16Array(detections),
		scores: new Float32Array(detections),
		boxesXyxy: new Float32Array(4 * detections),
	};
	let offset = 0;
	results.forEach((result, f) => {
		batch.frameIndices[f] = result.frameIndex;
		batch.timesSeconds[f] = result.timeSeconds;
		batch.kinds[f] = SELECTION_KINDS.indexOf(result.kind);
		batch.selectedTokens[f] = result.selectedTokens;
		batch.macs[f] = result.cost.macs;
		batch.budgetMacs[f] = result.budgetMacs ?? Number.NaN;
		STAGES.forEach((stage, s) => {
			batch.milliseconds[f * STAGES.length + s] = result.cost.milliseconds[stage];
		});
		batch.bitmaps.set(result.selection, f * bytes);
		for (const { kind } of result.maps ?? []) batch.mapKinds[f]! |= 1 << TOKEN_MAP_KINDS.indexOf(kind);
		batch.classIndices.set(result.detections.classIndices, offset);
		batch.scores.set(result.detections.scores, offset);
		batch.boxesXyxy.set(result.detections.boxesXyxy, 4 * offset);
		offset += result.detections.count;
		batch.detectionOffsets[f + 1] = offset;
	});
	return batch;
}
