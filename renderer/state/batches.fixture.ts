import { CAMERA_FIELDS } from '../../main/domain/camera-path.ts';
import { STAGES } from '../../main/domain/cost.ts';
import { SELECTION_KINDS } from '../../main/domain/tokens.ts';
import type { FrameBatch } from '../../main/analysis/frame-batch.ts';
import type { RunTimeline } from '../../preload/contract.ts';

/** Tokens of the generated grid. */
export const TOKENS = 12;

/**
 * The frames `from`, `from + every`, … of a generated run: frame i costs i GMAC, has i % 3 boxes of score 0.9 and one
 * of 0.1, and recomputes token i % TOKENS. Frame 0 is computed in full; frames from 5 on have a map of relevance.
 * Of frame i, i % 12 tokens wait, for up to i frames, where 6 would do; its agreement is estimated as 0.9, 0.8 to 0.95, and every
 * fourth frame but the first is audited, with an F1 of 0.5. From frame 4 on the camera is followed: it goes 3 pixels to the right and one up.
 */
export function madeUpBatch(from: number, count: number, every = 1): FrameBatch {
	const frames = Array.from({ length: count }, (_, i) => from + i * every);
	const boxes = frames.map((frame) => (frame % 3) + 1);
	const offsets = new Uint32Array(count + 1);
	boxes.forEach((boxCount, i) => (offsets[i + 1] = offsets[i]! + boxCount));
	const bitmaps = new Uint8Array(count * 2);
	frames.forEach((frame, i) => {
		const token = frame % TOKENS;
		bitmaps[2 * i + (token >> 3)] = 1 << (token & 7);
		if (frame === 0) bitmaps.set([0xff, 0x0f], 2 * i);
	});
	return {
		frameIndices: Int32Array.from(frames),
		timesSeconds: Float64Array.from(frames, (frame) => frame / 10),
		kinds: Uint8Array.from(frames, (frame) => SELECTION_KINDS.indexOf(frame === 0 ? 'flush' : 'partial')),
		selectedTokens: Int32Array.from(frames, (frame) => (frame === 0 ? TOKENS : 1)),
		macs: Float64Array.from(frames, (frame) => frame * 1e9),
		budgetMacs: Float64Array.from(frames, (frame) => (frame % 2 === 0 ? Number.NaN : 5e9)),
		waitingTokens: Int32Array.from(frames, (frame) => frame % TOKENS),
		longestWaits: Int32Array.from(frames),
		sufficientTokens: new Int32Array(count).fill(6),
		agreements: Float32Array.from(frames.flatMap(() => [0.9, 0.8, 0.95])),
		audits: Float32Array.from(frames, (frame) => (frame > 0 && frame % 4 === 0 ? 0.5 : Number.NaN)),
		cameras: Float32Array.from(
			frames.flatMap((frame) =>
				frame >= 4 ? [3 * frame, -frame, 1, 0, 5, -2] : CAMERA_FIELDS.map(() => Number.NaN),
			),
		),
		milliseconds: Float32Array.from(
			frames.flatMap((frame) => STAGES.map((_, s) => (frame === 0 ? 100 : s + 1))),
		),
		bitmaps,
		mapKinds: Uint8Array.from(frames, (frame) => (frame >= 5 ? 1 : 0)),
		detectionOffsets: offsets,
		classIndices: new Uint16Array(offsets[count]!),
		scores: Float32Array.from(boxes.flatMap((boxCount) => [...Array<number>(boxCount - 1).fill(0.9), 0.1])),
		boxesXyxy: new Float32Array(4 * offsets[count]!),
		stale: new Uint8Array(offsets[count]!),
	};
}

/** The same frames as stored columns, at a display threshold of 0.5. */
export function madeUpTimeline(from: number, count: number): RunTimeline {
	const batch = madeUpBatch(from, count);
	return { ...batch, detections: Uint32Array.from(batch.frameIndices, (frame) => frame % 3) };
}
