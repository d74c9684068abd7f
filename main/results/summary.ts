import type { CameraColumns } from '../domain/camera-path.ts';
import { GIGA, STAGES, type StageMilliseconds } from '../domain/cost.ts';
import { type Execution, type ExecutionChange, executionOf } from '../domain/execution.ts';
import type { RunHeader, RunStatus } from '../domain/run.ts';
import { tokenCount } from '../domain/tokens.ts';
import type { DriftSummary } from './drift-summary.ts';
import type { FrameColumns } from './frame-columns.ts';

export type StageTimes = StageMilliseconds & {
	/** All stages of a frame together. */
	total: number;
};

/**
 * A run in a few numbers, ready for JSON. The first frame is computed in full and includes warm-up, so it is kept
 * apart: means and medians are over the frames after it, unless it is the only one. Everything is 0 for a run without
 * frames.
 */
export type RunSummary = {
	frames: number;
	executionChanges: readonly ExecutionChange[];
	threads: number;
	/** Means. `decode` is the time that the pipeline waited for the frame. */
	msPerFrame: StageTimes;
	medianMsPerFrame: StageTimes;
	/** Milliseconds of the first frame. */
	firstFrameMs: StageTimes;
	/** 10⁹ multiply-adds; `dense` is what a dense frame of this model at this size takes, `behind` the part of it behind a transformer. */
	gmacPerFrame: { first: number; mean: number; dense: number; behind: number };
	tokens: {
		/** Tokens of the grid. */
		total: number;
		meanSelected: number;
	};
	/** Null where the camera was fixed in all frames. */
	camera: {
		/** Frames in which it was followed. */
		frames: number;
		/** How far it travelled, in pixels of the displayed video. */
		travelled: number;
	} | null;
	wallSeconds: number;
	/** How far from dense the answers may be; null if the mode didn't estimate it. */
	drift: DriftSummary | null;
} & Execution;

export function summarize(
	header: RunHeader,
	status: RunStatus,
	frames: FrameColumns,
	drift: DriftSummary | null,
): RunSummary {
	const count = frames.frameIndex.length;
	const later = count > 1 ? 1 : 0;
	const total = new Float64Array(count);
	for (const stage of STAGES) {
		const milliseconds = frames.milliseconds[stage];
		for (let i = 0; i < count; i++) total[i]! += milliseconds[i]!;
	}
	const times = { ...frames.milliseconds, total };
	return {
		frames: count,
		...executionOf(header),
		executionChanges: status.executionChanges,
		threads: header.threads,
		msPerFrame: eachTime(times, (ms) => mean(ms.subarray(later))),
		medianMsPerFrame: eachTime(times, (ms) => median(ms.subarray(later))),
		firstFrameMs: eachTime(times, (ms) => ms[0] ?? 0),
		gmacPerFrame: {
			first: (frames.macs[0] ?? 0) / GIGA,
			mean: mean(frames.macs.subarray(later)) / GIGA,
			dense: header.denseMacs / GIGA,
			behind: header.behindMacs / GIGA,
		},
		tokens: {
			total: tokenCount(header.grid),
			meanSelected: mean(frames.selectedTokens.subarray(later)),
		},
		camera: frames.camera && travelOf(frames.camera),
		wallSeconds: status.wallSeconds,
		drift,
	};
}

function travelOf({ x, y }: CameraColumns): { frames: number; travelled: number } {
	let [frames, travelled] = [0, 0];
	for (let i = 0; i < x.length; i++) {
		if (Number.isNaN(x[i]!)) continue;
		frames++;
		const step = i > 0 ? Math.hypot(x[i]! - x[i - 1]!, y[i]! - y[i - 1]!) : 0;
		if (!Number.isNaN(step)) travelled += step;
	}
	return { frames, travelled };
}

type Column = Float32Array | Float64Array | Int32Array;

function eachTime(times: Record<keyof StageTimes, Column>, of: (ms: Column) => number): StageTimes {
	return {
		decode: of(times.decode),
		prepare: of(times.prepare),
		select: of(times.select),
		run: of(times.run),
		interpret: of(times.interpret),
		total: of(times.total),
	};
}

function mean(values: Column): number {
	let sum = 0;
	for (let i = 0; i < values.length; i++) sum += values[i]!;
	return values.length > 0 ? sum / values.length : 0;
}

function median(values: Column): number {
	if (values.length === 0) return 0;
	const own = values.slice();
	const middle = own.length >> 1;
	const upper = smallest(own, middle);
	if (own.length % 2 === 1) return upper;
	let lower = own[0]!;
	for (let i = 1; i < middle; i++) lower = Math.max(lower, own[i]!); // what lies before it is not larger
	return (lower + upper) / 2;
}

/** The value that would stand at `rank` in ascending order, which then stands there (Hoare 1961, Find): sorting takes ten times as long. */
function smallest(values: Column, rank: number): number {
	let [left, right] = [0, values.length - 1];
	while (left < right) {
		const pivot = values[(left + right) >> 1]!;
		let [i, j] = [left, right];
		while (i <= j) {
			while (values[i]! < pivot) i++;
			while (values[j]! > pivot) j--;
			if (i > j) break;
			const swapped = values[i]!;
			values[i++] = values[j]!;
			values[j--] = swapped;
		}
		if (rank <= j) right = j;
		else if (rank >= i) left = i;
		else break;
	}
	return values[rank]!;
}
