import { expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import { packFrameBatch } from './frame-batch.ts';

const NONE = new Float32Array(9).fill(Number.NaN);

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
		waitingTokens: new Int32Array(3),
		longestWaits: new Int32Array(3),
		sufficientTokens: new Int32Array(3),
		agreements: NONE,
		audits: NONE.subarray(0, 3),
		cameras: new Float32Array(18).fill(Number.NaN),
		milliseconds: Float32Array.of(1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 1, 2, 3, 4, 2),
		bitmaps: Uint8Array.of(0, 255, 1, 255, 2, 255),
		mapKinds: Uint8Array.of(0, 0, 0),
		detectionOffsets: Uint32Array.of(0, 2, 2, 3),
		classIndices: Uint16Array.of(0, 0, 2),
		scores: Float32Array.of(0.5, 0.5, 0.5),
		boxesXyxy: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 200, 201, 202, 203),
		stale: new Uint8Array(3),
	});
});

it('gives estimates and marks where the mode makes them', () => {
	const drift = {
		waitingTokens: 9,
		longestWait: 4,
		sufficientTokens: 21,
		agreement: 0.5,
		lower: 0.25,
		upper: 0.75,
		audit: { matched: 3, lost: 1, gained: 1 },
	};
	const plain = frame(1, 2);
	const detections = plain.detections.withStale(Uint8Array.of(0, 1));
	expect(packFrameBatch([frame(0, 1), { ...plain, detections, drift }])).toMatchObject({
		waitingTokens: Int32Array.of(0, 9),
		longestWaits: Int32Array.of(0, 4),
		sufficientTokens: Int32Array.of(0, 21),
		agreements: Float32Array.of(Number.NaN, Number.NaN, Number.NaN, 0.5, 0.25, 0.75),
		audits: Float32Array.of(Number.NaN, 0.75),
		stale: Uint8Array.of(0, 0, 1),
	});
});

it('gives the path of a camera that is followed', () => {
	const camera = { x: 3, y: -1, scale: 1.5, rotation: 0.25, gridX: 7, gridY: -8 };
	const { cameras } = packFrameBatch([frame(0, 1), { ...frame(1, 2), camera }]);
	expect([...cameras]).toEqual([...new Array<number>(6).fill(Number.NaN), 3, -1, 1.5, 0.25, 7, -8]);
});

it('tells which maps there are, and leaves them where they are', () => {
	const values = new Uint8Array(10_000);
	const maps = [
		{ kind: 'relevance', values },
		{ kind: 'clusters', values },
	] as const;
	const batch = packFrameBatch([frame(0, 0), { ...frame(1, 0), maps }]);
	expect(batch.mapKinds).toEqual(Uint8Array.of(0, 0b101));
	expect(Object.values(batch).reduce((sum, column) => sum + column.byteLength, 0)).toBeLessThan(300);
});

it('takes less than 8 kB for a frame with a hundred boxes and ten thousand tokens', () => {
	const crowded = { ...frame(1, 100), selection: new Uint8Array(1250) };
	const bytes = Object.values(packFrameBatch([crowded])).reduce((sum, column) => sum + column.byteLength, 0);
	expect(bytes).toBeLessThan(8000);
});
