import { analyze } from '../main/analysis/analyze.ts';
import type { Detector } from '../main/detector/detector.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import { openModel } from '../main/families/index.ts';
import type { Frame } from '../main/domain/frame.ts';
import type { FrameResult } from '../main/domain/frame-result.ts';
import { GIGA } from '../main/domain/cost.ts';
import { WHOLE_VIDEO, type DecodeSummary } from '../main/domain/video.ts';
import { probeVideo } from '../main/video/probe.ts';
import { readFrames } from '../main/video/read-frames.ts';
import { mean, median } from './machine.ts';

/** Frames that one configuration gets in a row, so that it meets its own data in the caches, as in a real run. */
const BLOCK_FRAMES = 10;

export type RunStageRow = {
	label: string;
	tokens: number;
	gmac: number;
	runMs: number;
	selectMs: number;
	/** Medians of dense run time over this one's, block by block, side by side in one process. */
	runSpeedup: number;
	/** Select over run, as a share. */
	selectShare: number;
};

/** Runs all configurations over the same frames in one process, taking turns, and compares their run stages. */
export async function benchRunStage(options: {
	videoPath: string;
	modelPath: string;
	threads: number;
	frames: number;
	configurations: readonly { label: string; mode: string; settings: Record<string, number | string> }[];
}): Promise<RunStageRow[]> {
	const video = await probeVideo(options.videoPath);
	const model = await openModel(options.modelPath);
	const lanes: { label: string; detector: Detector; feed: FrameFeed; results: FrameResult[] }[] = [];
	for (const { label, mode, settings } of options.configurations) {
		const { displaySize } = video;
		const detector = await model.open(
			{ displaySize, mode, settings, maxSide: 768, scoreThreshold: 0.05 },
			createRuntime(options.threads),
		);
		lanes.push({ label, detector, feed: new FrameFeed(), results: [] });
	}
	const readings = lanes.map((lane) => ({ ...lane, analysis: analyze(lane.feed.frames(), lane.detector) }));
	const letterbox = lanes[0]!.detector.letterbox;

	let block: Frame[] = [];
	for await (const frame of readFrames(video, { range: WHOLE_VIDEO, letterbox, format: 'rgb24' })) {
		if (frame.index >= options.frames) break;
		block.push({ ...frame, pixels: frame.pixels.slice() });
		if (block.length < BLOCK_FRAMES) continue;
		for (const { feed, analysis, results } of readings) {
			for (const waiting of block) {
				feed.next = waiting;
				const result = await analysis.next();
				if (!result.done) results.push(result.value);
			}
		}
		block = [];
	}
	const rows = lanes.map(({ label, results }, lane) => summarise(label, results, lanes[0]!.results, lane));
	for (const { analysis } of readings) await analysis.return(undefined as never);
	for (const { detector } of lanes) await detector.release();
	return rows;
}

function summarise(label: string, results: FrameResult[], dense: FrameResult[], lane: number): RunStageRow {
	const later = results.slice(BLOCK_FRAMES); // the first block warms up
	const runs = later.map((result) => result.cost.milliseconds.run);
	const selects = later.map((result) => result.cost.milliseconds.select);
	const denseRuns = dense.slice(BLOCK_FRAMES).map((result) => result.cost.milliseconds.run);
	const ratios: number[] = [];
	for (let from = 0; from < runs.length; from += BLOCK_FRAMES) {
		const [mine, theirs] = [runs, denseRuns].map((times) => mean(times.slice(from, from + BLOCK_FRAMES)));
		ratios.push(theirs! / mine!);
	}
	return {
		label,
		tokens: mean(later.map((result) => result.selectedTokens)),
		gmac: mean(later.map((result) => result.cost.macs)) / GIGA,
		runMs: median(runs),
		selectMs: median(selects),
		runSpeedup: lane === 0 ? 1 : median(ratios),
		selectShare: mean(selects) / mean(runs),
	};
}

/** Hands one frame at a time to an analysis that pulls. */
class FrameFeed {
	next: Frame | null = null;

	async *frames(): AsyncGenerator<Frame, DecodeSummary> {
		while (this.next) yield this.next;
		return {
			framesRead: 0,
			framesDecoded: 0,
			framesLost: 0,
			warnings: [],
			clockRestarts: [],
			hardware: null,
		};
	}
}
