import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Detector } from '../main/detector/detector.ts';
import { detrFamily } from '../main/detector/families/detr/index.ts';
import { GIGA } from '../main/domain/cost.ts';
import type { Frame } from '../main/domain/frame.ts';
import { WHOLE_VIDEO } from '../main/domain/video.ts';
import { probeVideo } from '../main/video/probe.ts';
import { readFrames } from '../main/video/read-frames.ts';
import { mean, median } from './machine.ts';
import { randomWeights } from './random-weights.ts';

/** What the published models see of a picture of 4:3. */
const SIZE = { width: 1066, height: 800 };
/** Frames that a model gets in a row. */
const BLOCK_FRAMES = 3;
/** Hosts whose published models have one backbone with and without ENACT. */
const HOSTS = ['detr', 'anchor-detr'];

export type DetrRow = {
	label: string;
	tokens: number;
	gmac: number;
	runMs: number;
	/** Median over blocks of the plain host's run time over this one's, side by side in one process. */
	speedup: number;
};

/**
 * Full-size models with and without ENACT over the same frames, taking turns. Their weights are random, from a fixed
 * seed: what is measured does not depend on them but for the length of the clusters, which random ones set as well.
 */
export async function benchDetr(options: {
	videoPath: string;
	/** Lists of the published models' tensors, `<host>-<plain or enact>.json`. */
	manifestFolder: string;
	threads: number;
	blocks: number;
}): Promise<DetrRow[]> {
	const rows: DetrRow[] = [];
	for (const host of HOSTS) rows.push(...(await benchHost(host, options)));
	return rows;
}

async function benchHost(host: string, options: Parameters<typeof benchDetr>[0]): Promise<DetrRow[]> {
	const { manifestFolder, threads, blocks } = options;
	const lanes = [];
	for (const [kind, mode] of [
		['plain', 'dense'],
		['enact', 'enact'],
	] as const) {
		const name = `${host}-${kind}`;
		const weights = randomWeights(await tensorsOf(join(manifestFolder, `${name}.json`)));
		const model = detrFamily.open({ path: name, sha256: '', weights, options: null });
		const detector = await model.open({
			...{ displaySize: SIZE, mode, settings: {}, threads },
			maxSide: SIZE.width,
			scoreThreshold: 0.05,
		});
		lanes.push({
			label: model.name,
			detector,
			blockMs: [] as number[],
			frameMs: [] as number[],
			macs: [] as number[],
		});
	}
	const frames = await firstFrames(options.videoPath, lanes[0]!.detector);
	for (let block = 0; block <= blocks; block++) {
		for (const lane of lanes) {
			const results = [];
			for (const frame of frames) results.push(await timeFrame(lane.detector, frame));
			if (block === 0) continue; // warms up
			lane.blockMs.push(mean(results.map(({ milliseconds }) => milliseconds)));
			lane.frameMs.push(...results.map(({ milliseconds }) => milliseconds));
			lane.macs.push(...results.map(({ macs }) => macs));
		}
	}
	const plain = lanes[0]!.blockMs;
	const rows = lanes.map(({ label, detector, blockMs, frameMs, macs }) => ({
		label,
		tokens: detector.grid.rows * detector.grid.cols,
		gmac: mean(macs) / GIGA,
		runMs: median(frameMs),
		speedup: median(blockMs.map((ms, i) => plain[i]! / ms)),
	}));
	for (const { detector } of lanes) await detector.release();
	return rows;
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
