import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { analyze } from '../main/analysis/analyze.ts';
import { Registration } from '../main/camera/registration.ts';
import type { Detector } from '../main/detector/detector.ts';
import { compareDetections } from '../main/domain/agreement.ts';
import type { Detections } from '../main/domain/detections.ts';
import type { Frame } from '../main/domain/frame.ts';
import type { FrameResult } from '../main/domain/frame-result.ts';
import { AT_REST } from '../main/domain/placement.ts';
import type { SettingValues } from '../main/domain/settings-table.ts';
import { tokenCount } from '../main/domain/tokens.ts';
import type { DecodeSummary, Size } from '../main/domain/video.ts';
import { allPointAveragePrecision, judge } from '../main/evaluation/average-precision.ts';
import { IGNORED, TruthBuilder, type TruthObjects } from '../main/evaluation/ground-truth/ground-truth.ts';
import { readGroundTruth } from '../main/evaluation/ground-truth/index.ts';
import { openModel } from '../main/families/index.ts';
import { WasmFramePixels } from '../main/pixels/frame-pixels.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import { probeVideo } from '../main/video/probe.ts';
import { framesOf, seenBox, takeClip, VTEST } from './camera-clip.ts';
import { mean, median } from './machine.ts';
import { CAMERA_MOTIONS, type View } from './virtual-camera.ts';

/** Frames that a configuration gets in a row. */
const BLOCK_FRAMES = 10;

const CONFIGURATIONS: readonly { label: string; mode: string; settings: SettingValues }[] = [
	{ label: 'dense', mode: 'dense', settings: {} },
	{ label: 'as by default', mode: 'token-cache', settings: {} },
	{ label: 'threshold 4', mode: 'token-cache', settings: { threshold: 4 } },
	{ label: 'screen grid', mode: 'token-cache', settings: { camera: 'fixed' } },
];

export type MovingCameraRow = {
	source: string;
	motion: string;
	crf: number;
	label: string;
	/** Share of the tokens that were computed, after the first frame. */
	share: number;
	/** F1 with the dense detections of the same clip, of those shown. */
	agreement: number;
	/** Person AP50 against ground truth that moves along; null without ground truth. */
	ap50: number | null;
	runMs: number;
	selectMs: number;
	/** Medians of dense run time over this one's, block by block in one process. */
	runSpeedup: number;
	/** Share of the frames in which the camera was taken for moving. */
	followed: number;
	/** Pixels between the camera's path and the true one: median and 95 %; null where it was fixed. */
	pathError: { median: number; most: number } | null;
};

/**
 * Clips that a virtual camera takes of videos, and what the token cache makes of them. `truthPath`: MOT ground truth of the vtest
 * sequence, where there is some.
 */
export async function* benchMovingCamera(options: {
	videoPath: string;
	modelPath: string;
	threads: number;
	frames: number;
	truthPath: string | null;
}): AsyncGenerator<MovingCameraRow, void> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-camera-'));
	try {
		// Plaza is the beginning of vtest.
		const { name, path, truthPath } = existsSync(VTEST)
			? { name: 'vtest', path: VTEST, truthPath: options.truthPath }
			: { name: 'plaza', path: options.videoPath, truthPath: null };
		const truth = truthPath === null ? null : readGroundTruth(truthPath);
		for (const motion of CAMERA_MOTIONS) {
			for (const crf of [18, 23, 28]) {
				const clip = join(folder, 'clip.mp4');
				const views = await takeClip(path, clip, motion, crf, options.frames);
				const moved =
					truth && views.map((view, i) => moveTruth(truth.frames.get(i), view, truth.pictureSize!));
				for (const row of await compare(clip, views, moved, options))
					yield { source: name, motion: motion.name, crf, ...row };
			}
		}
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Milliseconds that registering a frame takes at the size of a video: luma, pyramid, search and fit; median and 95 %. */
export async function benchRegistration(
	videoPath: string,
	frames: number,
): Promise<{ median: number; most: number }> {
	const video = await probeVideo(videoPath);
	const { displaySize } = video;
	const grid = {
		rows: displaySize.height / 16,
		cols: displaySize.width / 16,
		stride: 16,
		windowSize: 31,
		windowOffset: -7,
	};
	const pixels = new WasmFramePixels(grid, [0, 0, 0], [1, 1, 1], undefined, { follows: true });
	const registration = new Registration(grid, displaySize);
	const milliseconds: number[] = [];
	for await (const frame of framesOf(video, frames)) {
		pixels.load(frame);
		const start = performance.now();
		const { data, stride } = pixels.view.luma();
		registration.reference.load(data, stride);
		if (frame.index > 0) {
			registration.register({ ...AT_REST, x: 1.5, y: -0.7 }); // as if it had been predicted wrongly
			milliseconds.push(performance.now() - start);
		}
		registration.reference.rememberFrame();
	}
	return quantiles(milliseconds);
}

/** Objects where a camera sees them; those that are cut by more than a half are ignored. */
function moveTruth(truth: TruthObjects | undefined, view: View, picture: Size): TruthObjects {
	const moved = new TruthBuilder();
	for (let i = 0; i < (truth?.roles.length ?? 0); i++) {
		const seen = seenBox(truth!.boxesXyxy.subarray(4 * i, 4 * i + 4), view, picture);
		if (!seen) continue;
		const { x, y, width, height, isCut } = seen;
		moved.add(truth!.classIndices[i]!, x, y, width, height, isCut ? IGNORED : truth!.roles[i]!);
	}
	return moved.build();
}

type ClipRow = Omit<MovingCameraRow, 'source' | 'motion' | 'crf'>;

/** All configurations over the same frames in one process, taking turns. */
async function compare(
	clip: string,
	views: readonly View[],
	truth: readonly TruthObjects[] | null,
	{ modelPath, threads, frames }: { modelPath: string; threads: number; frames: number },
): Promise<ClipRow[]> {
	const video = await probeVideo(clip);
	const model = await openModel(modelPath);
	const lanes: { label: string; detector: Detector; frames: Frame[]; results: FrameResult[] }[] = [];
	for (const { label, mode, settings } of CONFIGURATIONS) {
		const picture = { displaySize: video.displaySize, maxSide: 768, scoreThreshold: 0.05 };
		const detector = await model.open({ ...picture, mode, settings }, createRuntime(threads));
		lanes.push({ label, detector, frames: [], results: [] });
	}
	const readings = lanes.map((lane) => analyze(waiting(lane.frames), lane.detector));
	let block: Frame[] = [];
	const runBlock = async () => {
		for (const [i, lane] of lanes.entries()) {
			for (const frame of block) {
				lane.frames.push(frame);
				const next = await readings[i]!.next();
				if (!next.done) lane.results.push(next.value);
			}
		}
		block = [];
	};
	for await (const frame of framesOf(video, frames)) {
		block.push({ ...frame, pixels: frame.pixels.slice() });
		if (block.length === BLOCK_FRAMES) await runBlock();
	}
	await runBlock();
	for (const reading of readings) await reading.return(undefined as never);
	const shown = (detections: Detections) => detections.scoredAtLeast(model.displayThresholds);
	const dense = lanes[0]!.results;
	const rows = lanes.map(({ label, results, detector }) => {
		const later = results.slice(1);
		const [matched, counted] = results.reduce(
			([matched, counted], { detections }, i) => {
				const [mine, theirs] = [shown(detections), shown(dense[i]!.detections)];
				return [
					matched + 2 * compareDetections(mine, theirs).matched,
					counted + mine.count + theirs.count,
				] as const;
			},
			[0, 0] as readonly [number, number],
		);
		const errors = results.flatMap(({ camera }, i) => {
			const [first, here] = [views[0]!, views[i]!];
			return camera ? [Math.hypot(camera.x - (here.x - first.x), camera.y - (here.y - first.y))] : [];
		});
		const pictures = truth?.map((objects, i) => ({ found: results[i]!.detections, truth: objects }));
		return {
			label,
			share: mean(later.map(({ selectedTokens }) => selectedTokens)) / tokenCount(detector.grid),
			agreement: counted > 0 ? matched / counted : 1,
			ap50: pictures ? allPointAveragePrecision(judge(pictures, 0, [0.5]), 0) : null,
			runMs: median(later.map(({ cost }) => cost.milliseconds.run)),
			selectMs: median(later.map(({ cost }) => cost.milliseconds.select)),
			runSpeedup: speedup(results, dense),
			followed: errors.length / results.length,
			pathError: errors.length > 0 ? quantiles(errors) : null,
		};
	});
	for (const { detector } of lanes) await detector.release();
	return rows;
}

async function* waiting(frames: Frame[]): AsyncGenerator<Frame, DecodeSummary> {
	for (let next = frames.shift(); next; next = frames.shift()) yield next;
	return { framesRead: 0, framesDecoded: 0, framesLost: 0, warnings: [], clockRestarts: [], hardware: null };
}

/** The first block warms up. */
function speedup(results: readonly FrameResult[], dense: readonly FrameResult[]): number {
	const ratios: number[] = [];
	for (let from = BLOCK_FRAMES; from + BLOCK_FRAMES <= results.length; from += BLOCK_FRAMES) {
		const [mine, theirs] = [results, dense].map((of) =>
			mean(of.slice(from, from + BLOCK_FRAMES).map(({ cost }) => cost.milliseconds.run)),
		) as [number, number];
		ratios.push(theirs / mine);
	}
	return median(ratios);
}

function quantiles(values: readonly number[]): { median: number; most: number } {
	const sorted = [...values].sort((a, b) => a - b);
	return { median: median(sorted), most: sorted[Math.floor(0.95 * (sorted.length - 1))]! };
}
