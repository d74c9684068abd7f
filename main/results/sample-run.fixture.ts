import { ON_CPU } from '../domain/execution.ts';
import { Detections } from '../domain/detections.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import type { RunHeader } from '../domain/run.ts';
import { fullBitmap, packBitmap, type TokenMap } from '../domain/tokens.ts';
import { WHOLE_VIDEO } from '../domain/video.ts';

// A run without a video or a model, for tests: every value of a frame is derived from its index.

const TOKENS = 6 * 5;

export function sampleHeader(change: Partial<RunHeader> = {}): RunHeader {
	const displaySize = { width: 80, height: 96 };
	return {
		format: 'sparsight-run',
		version: 1,
		createdAt: '2026-01-02T03:04:05.000Z',
		video: {
			path: 'street.mp4',
			fileBytes: 1234,
			container: 'mov,mp4',
			codec: 'h264',
			pixelFormat: 'yuv420p',
			codedSize: displaySize,
			displaySize,
			rotationDegrees: 0,
			sampleAspectRatio: 1,
			startSeconds: 0,
			durationSeconds: null,
			nominalFramesPerSecond: 25,
			estimatedFrames: null,
			hasAudio: false,
			recordedAt: null,
		},
		videoIdentity: { fileBytes: 1234, edgesSha256: 'ab' },
		model: {
			id: 'sample',
			name: 'Sample',
			path: 'sample',
			sha256: 'cd',
			classes: ['person', 'bicycle', 'car'],
		},
		mode: 'token-cache',
		settings: { fraction: 0.1, policy: 'top-fraction', dilate: true },
		range: WHOLE_VIDEO,
		letterbox: { displaySize, contentSize: displaySize, inputSize: displaySize, fill: 114 },
		grid: { rows: 6, cols: 5, stride: 16, windowSize: 31, windowOffset: -7 },
		scoreThreshold: 0.05,
		displayThresholds: [0.25, 0.25, 0.25],
		denseMacs: 3e9,
		behindMacs: 0,
		...ON_CPU,
		threads: 2,
		versions: { sparsight: '0.1.0', onnxruntime: '1.30', ffmpeg: '5.1', node: '20' },
		...change,
	};
}

/** Frame `frameIndex` of the sample run; about one frame in four is without detections. */
export function sampleResult(frameIndex: number): FrameResult {
	const at = (salt: number): number =>
		Math.fround(((frameIndex * 2654435761 + salt * 40503) >>> 7) % 1000) / 1000;
	const count = frameIndex % 4;
	const selected = frameIndex === 0 ? TOKENS : frameIndex % 7;
	const tokens = Int32Array.from({ length: selected }, (_, i) => (frameIndex + 3 * i) % TOKENS);
	return {
		frameIndex,
		timeSeconds: frameIndex / 25 + 0.1,
		detections: new Detections(
			Uint16Array.from({ length: count }, (_, i) => (frameIndex + i) % 3),
			Float32Array.from({ length: count }, (_, i) => 0.9 - 0.2 * i),
			Float32Array.from({ length: 4 * count }, (_, i) => 40 * at(i) + (i % 4 > 1 ? 40 : 0)),
		),
		kind: frameIndex === 0 ? 'flush' : selected > 0 ? 'partial' : 'skipped',
		selectedTokens: selected,
		selection: frameIndex === 0 ? fullBitmap(TOKENS) : packBitmap(tokens, selected, TOKENS),
		cost: {
			macs: selected * 1e8,
			milliseconds: {
				decode: 1,
				prepare: 0.5,
				select: 0.25,
				run: frameIndex === 0 ? 64 : 8,
				interpret: 0.125,
			},
		},
		budgetMacs: frameIndex % 3 === 0 ? null : 5e8 + frameIndex,
	};
}

/** From frame 70 on, two frames in three have a map, and one in six has another. */
export function sampleMaps(frameIndex: number): TokenMap[] {
	if (frameIndex < 70 || frameIndex % 3 === 0) return [];
	const values = (salt: number) =>
		Uint8Array.from({ length: TOKENS }, (_, token) => (frameIndex * 31 + token * 7 + salt) % 256);
	const maps: TokenMap[] = [{ kind: 'relevance', values: values(0) }];
	return frameIndex % 2 === 0 ? [...maps, { kind: 'clusters', values: values(9) }] : maps;
}
