import { expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import { packFrameBatch } from './frame-batch.ts';

function frame(frameIndex: number, boxes: number): FrameResult {
	return {
		frameIndex,
		timeSeconds: frameIndex / 10,
		detections: new Detections(
			new Uint16Array(boxes).fill(frameIndex),
			new Float32Array(boxes).fill(0.5),
			Float32Array.from({ length: 4 * boxes }, (_, i) => 100 * frameIndex + i),
		),
		kind: frameIndex === 0 ? 'flush' : 'partial',
		selectedTokens: frameIndex,
		selection: Uint8Array.of(frameIndex, 255),
		cost: {
			macs: frameIndex * 1e9,
			milliseconds: { decode: 1, prepare: 2, select: 3, run: 4, interpret: frameIndex },
		},
		budgetMacs: frameIndex === 0 ? null : 2e9,
	};
}

it('lays frames out in columns, one after another', () => {
	expect(packFrameBatch([frame(0, 2), frame(1, 0), frame(2, 1)])).toEqual({
		frameIndices: Int32Array.of(0, 1, 2),
		timesSeconds: Float64Array.of(0, 0.1, 0.2),
		kinds: Uint8Array.of(0, 1, 1),
		selectedTokens: Int32Array.of(0, 1, 2),
		macs: Float64Array.of(0, 1e9, 2e9),
		budgetMacs: Float64Array.of(Number.NaN, 2e9, 2e9),
		milliseconds: Float32Array.of(1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 1, 2, 3, 4, 2),
		bitmaps: Uint8Array.of(0, 255, 1, 255, 2, 255),
		mapKinds: Uint8Array.of(0, 0, 0),
		detectionOffsets: Uint32Array.of(0, 2, 2, 3),
		classIndices: Uint16Array.of(0, 0, 2),
		scores: Float32Array.of(0.5, 0.5, 0.5),
		boxesXyxy: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 200, 201, 202, 203),
	});
});

it('tells which maps there are, and leaves them where they are', () => {
	const values = new Uint8Array(10_000);
	const maps = [
		{ kind: 'relevance', values },
		{ kind: 'clusters', values },
	] as const;
	const batch = packFrameBatch([frame(0, 0), { ...frame(1, 0), maps }]);
	expect(batch.mapKinds).toEqual(Uint8Array.of(0, 0b101));
	expect(Object.values(batch).reduce((sum, column) => sum + column.byteLength, 0)).toBeLessThan(200);
});

it('takes less than 8 kB for a frame with a hundred boxes and ten thousand tokens', () => {
	const crowded = { ...frame(1, 100), selection: new Uint8Array(1250) };
	const bytes = Object.values(packFrameBatch([crowded])).reduce((sum, column) => sum + column.byteLength, 0);
	expect(bytes).toBeLessThan(8000);
});
