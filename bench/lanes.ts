import { readFile } from 'node:fs/promises';
import type { Detector } from '../main/detector/detector.ts';
import type { ModelFamily } from '../main/families/family.ts';
import { ModelSource } from '../main/families/source.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import { GIGA } from '../main/domain/cost.ts';
import type { Frame } from '../main/domain/frame.ts';
import type { SettingValues } from '../main/domain/settings-table.ts';
import { WHOLE_VIDEO } from '../main/domain/video.ts';
import { probeVideo } from '../main/video/probe.ts';
import { readFrames } from '../main/video/read-frames.ts';
import { mean, median } from './machine.ts';
import { randomWeights } from './random-weights.ts';

/** What the published models see of a picture of 4:3. */
const SIZE = { width: 1066, height: 800 };
/** Frames that a model gets in a row. */
const BLOCK_FRAMES = 3;

/** A full-size model of random weights in a mode. */
export type Lane = {
	label: string;
	family: ModelFamily;
	/** List of the published model's tensors. */
	manifestPath: string;
	mode: string;
	settings: SettingValues;
};

export type LaneRow = {
	label: string;
	tokens: number;
	gmac: number;
	runMs: number;
	/** Median over blocks of the first lane's run time over this one's, side by side in one process. */
	speedup: number;
};

type Measured = { label: string; detector: Detector; blockMs: number[]; frameMs: number[]; macs: number[] };

export type LaneOptions = { videoPath: string; threads: number; blocks: number };

/**
 * Full-size models over the same frames, taking turns; all see the same pictures. Their weights are random, from a fixed
 * seed: what is measured does not depend on them, but for what a model decides by its data, which random ones set as well.
 */
export async function benchLanes(lanes: readonly Lane[], options: LaneOptions): Promise<LaneRow[]> {
	const opened: Measured[] = [];
	for (const lane of lanes) {
		const detector = await openLane(lane, options.threads);
		opened.push({ label: lane.label, detector, blockMs: [], frameMs: [], macs: [] });
	}
	const frames = await firstFrames(options.videoPath, opened[0]!.detector);
	for (let block = 0; block <= options.blocks; block++) {
		for (const lane of opened) {
			const results = [];
			for (const frame of frames) results.push(await timeFrame(lane.detector, frame));
			if (block === 0) continue; // warms up
			lane.blockMs.push(mean(results.map(({ milliseconds }) => milliseconds)));
			lane.frameMs.push(...results.map(({ milliseconds }) => milliseconds));
			lane.macs.push(...results.map(({ macs }) => macs));
		}
	}
	const first = opened[0]!.blockMs;
	const rows = opened.map(({ label, detector, blockMs, frameMs, macs }) => ({
		label,
		tokens: detector.grid.rows * detector.grid.cols,
		gmac: mean(macs) / GIGA,
		runMs: median(frameMs),
		speedup: median(blockMs.map((ms, i) => first[i]! / ms)),
	}));
	for (const { detector } of opened) await detector.release();
	return rows;
}

/** One line of a table. */
export function describeLane({ label, tokens, gmac, runMs, speedup }: LaneRow, against: string): string {
	return (
		`${label.padEnd(24)} ${String(tokens).padStart(5)} tokens ${gmac.toFixed(1).padStart(6)} GMAC ` +
		`run ${runMs.toFixed(0).padStart(5)} ms  ${speedup.toFixed(2)}× ${against}`
	);
}

async function openLane({ family, manifestPath, mode, settings }: Lane, threads: number): Promise<Detector> {
	const weights = randomWeights(await tensorsOf(manifestPath));
	const checkpoint = { path: manifestPath, sha256: '', weights, options: null };
	const model = await family.open(ModelSource.inMemory(checkpoint));
	const options = { displaySize: SIZE, mode, settings, maxSide: SIZE.width, scoreThreshold: 0.05 };
	return model.open(options, createRuntime(threads));
}

async function timeFrame(detector: Detector, frame: Frame): Promise<{ milliseconds: number; macs: number }> {
	const prepared = detector.prepare(frame);
	const start = performance.now();
	const { macs } = await detector.run(prepared, detector.select(prepared));
	return { milliseconds: performance.now() - start, macs };
}

async function firstFrames(videoPath: string, { letterbox }: Detector): Promise<Frame[]> {
	const video = await probeVideo(videoPath);
	const frames: Frame[] = [];
	for await (const frame of readFrames(video, { range: WHOLE_VIDEO, letterbox, format: 'rgb24' })) {
		frames.push({ ...frame, pixels: frame.pixels.slice() });
		if (frames.length === BLOCK_FRAMES) break;
	}
	return frames;
}

async function tensorsOf(path: string): Promise<Record<string, number[]>> {
	return (JSON.parse(await readFile(path, 'utf8')) as { tensors: Record<string, number[]> }).tensors;
}
