import { Detections } from '../../../main/domain/detections.ts';
import { packBitmap, tokenCount, type TokenGrid } from '../../../main/domain/tokens.ts';
import type { Size } from '../../../main/domain/video.ts';
import type { FrameView, RunFrames } from '../frame-view.ts';

/** A generated run that analysed every second frame: a box that moves to the right, and the tokens under it. */
export function sampleRun(displaySize: Size): RunFrames {
	const grid: TokenGrid = {
		rows: Math.ceil(displaySize.height / 16),
		cols: Math.ceil(displaySize.width / 16),
		stride: 16,
		windowSize: 16,
		windowOffset: 0,
	};
	const letterbox = {
		displaySize,
		contentSize: displaySize,
		inputSize: { width: 16 * grid.cols, height: 16 * grid.rows },
		fill: 114,
	};
	const tokens = tokenCount(grid);
	const columnOf = (frameIndex: number) => frameIndex % grid.cols;

	function frame(frameIndex: number, hold: boolean): FrameView | null {
		const own = frameIndex - (frameIndex % 2);
		if (own !== frameIndex && !hold) return null;
		const column = columnOf(own);
		const selected = Array.from({ length: grid.rows }, (_, row) => row * grid.cols + column);
		const left = 16 * column;
		return {
			frameIndex: own,
			timeSeconds: Number.NaN,
			kind: 'partial',
			selectedTokens: selected.length,
			bitmap: packBitmap(selected, selected.length, tokens),
			macs: 0,
			budgetMacs: null,
			drift: null,
			camera: null,
			milliseconds: { decode: 0, prepare: 0, select: 0, run: 0, interpret: 0 },
			detections: new Detections(
				Uint16Array.of(0, 1),
				Float32Array.of(0.9, 0.4),
				Float32Array.of(left, 20, left + 60, 100, left + 80, 40, left + 120, 90),
			),
		};
	}

	return {
		runId: 'sample',
		classes: ['person', 'bicycle'],
		displayThresholds: [0.3, 0.3],
		letterbox,
		grid,
		frame,
		mapKinds: ['relevance', 'clusters'],
		mapOf: (frameIndex, kind) =>
			Uint8Array.from({ length: tokens }, (_, token) => {
				if (kind === 'relevance') return (token + frameIndex) % 256;
				return 1 + Math.floor((token % grid.cols) / 4);
			}),
		cameraTrack: () => null,
		identitiesOf: () => Int32Array.of(7, 0),
		trackNames: new Map(),
		history: () => Float32Array.from({ length: tokens }, (_, token) => (token % grid.cols) / grid.cols),
	};
}
