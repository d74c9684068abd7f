import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ON_CPU } from '../domain/execution.ts';
import type { CameraPath } from '../domain/camera-path.ts';
import { Detections } from '../domain/detections.ts';
import type { Drift } from '../domain/drift.ts';
import { sameLeastScore } from '../domain/least-scores.ts';
import type { RunHeader } from '../domain/run.ts';
import { fullBitmap, packBitmap, tokenCount, type TokenGrid, type TokenMap } from '../domain/tokens.ts';
import { RunWriter } from '../results/run-writer.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';

/** A temporary folder, removed after `use`. */
export async function inTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-export-'));
	try {
		return await use(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

export type SampleRun = {
	frames?: number;
	/** The first frame; by default 0. */
	from?: number;
	every?: number;
	mode?: string;
	classes?: string[];
	header?: Partial<RunHeader>;
	/** Seconds of a frame; by default ten frames a second. */
	timeOf?: (frameIndex: number) => number;
	/** Milliseconds of the run stage. */
	runMilliseconds?: number;
	detectionsOf?: (frameIndex: number) => Detections;
	mapsOf?: (frameIndex: number) => TokenMap[];
	driftOf?: (frameIndex: number) => Drift;
	/** Undefined where the camera is fixed. */
	cameraOf?: (frameIndex: number) => CameraPath | undefined;
	state?: 'complete' | 'cancelled';
};

/** 64 × 48 pixels, 4 × 3 tokens of 16 pixels. */
const GRID: TokenGrid = { rows: 3, cols: 4, stride: 16, windowSize: 16, windowOffset: 0 };

/** Another model than the usual one, for the run's header. */
export const OTHER_MODEL: RunHeader['model'] = {
	id: 'other',
	name: 'Other',
	path: 'other.safetensors',
	sha256: 'b'.repeat(64),
	classes: ['person', 'bicycle'],
};

/** Stores a small run as analysis would and opens it. Frame i recomputes token i mod 12; the first all of them. */
export async function storeSampleRun(folder: string, sample: SampleRun = {}): Promise<StoredRun> {
	const {
		frames = 12,
		from = 0,
		every = 1,
		timeOf = (i) => i / 10,
		detectionsOf = (i) => walker(i),
	} = sample;
	const header = sampleHeader(sample);
	const tokens = tokenCount(header.grid);
	const writer = await RunWriter.create(folder, header);
	for (let i = from; i < frames; i += every) {
		const whole = i === from || header.mode === 'dense';
		const token = i % tokens;
		await writer.append({
			frameIndex: i,
			timeSeconds: timeOf(i),
			detections: detectionsOf(i),
			kind: whole ? 'flush' : 'partial',
			selectedTokens: whole ? tokens : 1,
			selection: whole ? fullBitmap(tokens) : packBitmap([token], 1, tokens),
			cost: {
				macs: whole ? header.denseMacs : header.denseMacs / 10,
				milliseconds: {
					decode: 1,
					prepare: 0.5,
					select: 0.25,
					run: sample.runMilliseconds ?? 10,
					interpret: 0.25,
				},
			},
			budgetMacs: header.mode === 'dense' ? null : header.denseMacs / 8,
			...(sample.mapsOf && { maps: sample.mapsOf(i) }),
			...(sample.driftOf && { drift: sample.driftOf(i) }),
			...cameraOf(sample, i),
		});
	}
	const decode = {
		framesRead: frames,
		framesDecoded: frames,
		framesLost: 0,
		warnings: [],
		clockRestarts: [],
		hardware: null,
	};
	await writer.close(sample.state ?? 'complete', {
		decode,
		error: null,
		wallSeconds: frames / 20,
		state: null,
	});
	return openRun(folder);
}

function cameraOf(sample: SampleRun, frameIndex: number): { camera?: CameraPath } {
	const camera = sample.cameraOf?.(frameIndex);
	return camera ? { camera } : {};
}

/** A person with a high score who walks to the right, and a bicycle with a low score that stays. */
export function walker(frameIndex: number): Detections {
	const left = 2 + frameIndex;
	return new Detections(
		Uint16Array.of(0, 1),
		Float32Array.of(0.9, 0.125),
		Float32Array.of(left, 10, left + 12.5, 40, 40, 20, 60, 30),
	);
}

/** A run whose budget is too small from frame 3 on: 6 of its 12 tokens would do, frame 8 is audited, and the walker is stale. */
export const TOO_SMALL: SampleRun = {
	frames: 20,
	detectionsOf: (i) => walker(i).withStale(Uint8Array.of(i >= 8 ? 1 : 0, 0)),
	driftOf: (i) => ({
		waitingTokens: i,
		longestWait: 2 * i,
		sufficientTokens: 6,
		agreement: i < 3 ? 1 : 0.75,
		lower: i < 3 ? 0.9375 : 0.5,
		upper: i < 3 ? 1 : 0.875,
		audit: i === 8 ? { matched: 3, lost: 1, gained: 1 } : null,
	}),
};

function sampleHeader({ mode = 'token-cache', classes, from = 0, every = 1, header }: SampleRun): RunHeader {
	const size = { width: 64, height: 48 };
	return {
		format: 'sparsight-run',
		version: 1,
		createdAt: '2026-01-02T03:04:05.000Z',
		video: {
			path: 'street.mp4',
			fileBytes: 1000,
			container: 'mov,mp4,m4a,3gp,3g2,mj2',
			codec: 'h264',
			pixelFormat: 'yuv420p',
			codedSize: size,
			displaySize: size,
			rotationDegrees: 0,
			sampleAspectRatio: 1,
			startSeconds: 0,
			durationSeconds: 1.2,
			nominalFramesPerSecond: 10,
			estimatedFrames: 12,
			hasAudio: false,
			recordedAt: null,
		},
		videoIdentity: { fileBytes: 1000, edgesSha256: 'e'.repeat(64) },
		model: {
			id: 'lookout',
			name: 'Lookout',
			path: 'lookout.safetensors',
			sha256: 'a'.repeat(64),
			classes: classes ?? ['person', 'bicycle'],
		},
		mode,
		settings: mode === 'dense' ? {} : { policy: 'fraction', fraction: 0.1 },
		range: { from: { frame: from }, to: null, every },
		letterbox: { displaySize: size, contentSize: size, inputSize: size, fill: 114 },
		grid: GRID,
		scoreThreshold: 0.05,
		displayThresholds: sameLeastScore((classes ?? ['person', 'bicycle']).length, 0.3),
		denseMacs: 2e9,
		behindMacs: 0,
		...ON_CPU,
		threads: 2,
		versions: { sparsight: '0.1.0', onnxruntime: '1.30.0', ffmpeg: '5.1', node: '20.19.0' },
		...header,
	};
}
