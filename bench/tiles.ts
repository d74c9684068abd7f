import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Detector } from '../main/detector/detector.ts';
import { compareDetections, f1Of } from '../main/domain/agreement.ts';
import { boxIou, type Detections } from '../main/domain/detections.ts';
import type { Frame } from '../main/domain/frame.ts';
import type { LeastScores } from '../main/domain/least-scores.ts';
import type { SettingValues } from '../main/domain/settings-table.ts';
import { tokenCount } from '../main/domain/tokens.ts';
import { WHOLE_VIDEO } from '../main/domain/video.ts';
import { cocoAveragePrecision, judge } from '../main/evaluation/average-precision.ts';
import type { TruthObjects } from '../main/evaluation/ground-truth/ground-truth.ts';
import { openModel } from '../main/families/index.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import { probeVideo } from '../main/video/probe.ts';
import { readFrames } from '../main/video/read-frames.ts';
import { type Canvas, paintCanvas, smallOnly } from './large-canvas.ts';
import { mean, median } from './machine.ts';

/** Pixels of objects that COCO calls small, below. */
const SMALL_AREA = 32 ** 2;
/** Frames whose times do not count: the first runs all tiles, and reserves memory. */
const WARM_UP = 3;
/** Frames that a lane runs in a row. They are decoded before: neither that nor the lane before it slows them down. */
const TURN = 8;

export type TileLane = { label: string; mode: string; settings: SettingValues; maxSide: number };

const tiles = (label: string, settings: SettingValues): TileLane => ({
	label,
	mode: 'tiles',
	settings,
	maxSide: 4096,
});

const TILE_LANES: readonly TileLane[] = [
	tiles('all tiles', { policy: 'all' }),
	{ label: 'dense, shrunk to 768', mode: 'dense', settings: {}, maxSide: 768 },
	tiles('quality 0.97', {}),
	tiles('quality 0.93', { agreement: 0.93 }),
	tiles('threshold 8', { threshold: 8, audits: 0 }),
	tiles('threshold 8, unpacked', { threshold: 8, audits: 0, pack: false }),
	tiles('k = 2', { k: 2, audits: 0 }),
];

export type TileRow = {
	label: string;
	/** COCO's AP50 of persons: of all, and of those smaller than 32² pixels. */
	ap50: number | null;
	small: number | null;
	/** F1 with a run of all tiles, of boxes shown; and what the mode estimated it to be, if it does. */
	agreement: number;
	estimated: number | null;
	/** Shares of all cells and of the multiply-adds of all tiles. */
	cells: number;
	cost: number;
	/** Per frame after the first few, in milliseconds: means of what the network takes, and of everything from pixels to boxes. */
	runMs: number;
	totalMs: number;
	/** Median of prepare and select. */
	aroundMs: number;
	/** Mean time of all tiles over this one's. */
	speedup: number;
};

/** Lanes over the same frames of a canvas, in turns. The first is what others are held against. */
export async function benchTiles(
	canvas: Canvas,
	options: {
		videoPath: string;
		truthPath: string;
		modelPath: string;
		threads: number;
		frames: number;
		lanes?: readonly TileLane[];
	},
): Promise<TileRow[]> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-tiles-'));
	try {
		const path = join(folder, 'canvas.mp4');
		const truth = await paintCanvas(canvas, options, path, options.frames);
		return await runLanes(path, truth, options);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** As `benchTiles`, over a video; without truth there is no average precision. */
export async function runLanes(
	videoPath: string,
	truth: readonly TruthObjects[] | null,
	options: { modelPath: string; threads: number; frames: number; lanes?: readonly TileLane[] },
): Promise<TileRow[]> {
	const video = await probeVideo(videoPath);
	const model = await openModel(options.modelPath);
	const person = model.classes.indexOf('person');
	const lanes = [];
	for (const lane of options.lanes ?? TILE_LANES) {
		const picture = { displaySize: video.displaySize, maxSide: lane.maxSide, scoreThreshold: 0.05 };
		const detector = await model.open({ ...picture, ...lane }, createRuntime(options.threads));
		const range = { ...WHOLE_VIDEO, to: { frame: options.frames - 1 } };
		const frames = readFrames(video, { range, letterbox: detector.letterbox, format: 'rgb24' });
		lanes.push({ ...lane, detector, frames, results: [] as LaneFrame[] });
	}
	for (let first = 0; first < options.frames; first += TURN) {
		for (const { detector, frames, results } of lanes) {
			for (const frame of await nextFrames(frames, Math.min(TURN, options.frames - first))) {
				results.push(await runFrame(detector, frame));
			}
		}
	}
	for (const { detector, frames } of lanes) {
		await frames.return(undefined as never);
		await detector.release();
	}
	const reference = lanes[0]!;
	return lanes.map(({ label, detector, results }) => ({
		label,
		...(truth ? precisions(results, truth, person) : { ap50: null, small: null }),
		...summarise(results, reference.results, {
			shown: model.displayThresholds,
			cells: tokenCount(detector.grid),
			macs: reference.detector.denseMacs,
		}),
	}));
}

/** At most `count` frames. */
async function nextFrames(frames: AsyncIterator<Frame>, count: number): Promise<Frame[]> {
	const taken: Frame[] = [];
	while (taken.length < count) {
		const next = await frames.next();
		if (next.done) break;
		taken.push({ ...next.value, pixels: next.value.pixels.slice() });
	}
	return taken;
}

/** Of a lane's frames beside those of the reference. `cells` and `macs`: of a frame of which everything runs. */
export function summarise(
	results: readonly LaneFrame[],
	reference: readonly LaneFrame[],
	{ shown, cells, macs }: { shown: LeastScores; cells: number; macs: number },
): Omit<TileRow, 'label' | 'ap50' | 'small'> {
	const counts = results.map(({ found }, i) =>
		compareDetections(found.scoredAtLeast(shown), reference[i]!.found.scoredAtLeast(shown)),
	);
	const estimates = results.flatMap(({ estimated }) => estimated ?? []);
	const timed = results.slice(WARM_UP);
	const totalOf = (of: readonly LaneFrame[]) => mean(of.map(({ runMs, aroundMs }) => runMs + aroundMs));
	return {
		agreement: f1Of({
			matched: total(counts, ({ matched }) => matched),
			lost: total(counts, ({ lost }) => lost),
			gained: total(counts, ({ gained }) => gained),
		}),
		estimated: estimates.length > 0 ? mean(estimates) : null,
		cells: mean(timed.map((frame) => frame.cells)) / cells,
		cost: mean(timed.map((frame) => frame.macs)) / macs,
		runMs: mean(timed.map(({ runMs }) => runMs)),
		totalMs: totalOf(timed),
		aroundMs: median(timed.map(({ aroundMs }) => aroundMs)),
		speedup: totalOf(reference.slice(WARM_UP)) / totalOf(timed),
	};
}

export type LaneFrame = {
	found: Detections;
	estimated: number | null;
	macs: number;
	cells: number;
	runMs: number;
	aroundMs: number;
};

export async function runFrame(
	detector: Detector,
	frame: Parameters<Detector['prepare']>[0],
): Promise<LaneFrame> {
	const start = performance.now();
	const pixels = detector.prepare(frame);
	const selection = detector.select(pixels);
	const selected = performance.now();
	const computed = await detector.run(pixels, selection);
	const ran = performance.now();
	const found = detector.interpret(computed.output, computed.stale);
	const end = performance.now();
	detector.observe(ran - selected, found);
	const aroundMs = selected - start + (end - ran);
	const { macs, drift } = computed;
	const estimated = drift?.agreement ?? null;
	return { found, estimated, macs, cells: selection.count, runMs: ran - selected, aroundMs };
}

export function precisions(
	results: readonly LaneFrame[],
	truth: readonly TruthObjects[],
	person: number,
): Pick<TileRow, 'ap50' | 'small'> {
	const persons = truth.map((objects) => ({
		...objects,
		classIndices: objects.classIndices.map(() => person),
	}));
	const all = results.map(({ found }, i) => ({ found, truth: persons[i]! }));
	const small = all.map(({ found, truth }) => {
		const objects = smallOnly(truth, SMALL_AREA);
		return { found: found.filter((i) => mayBeSmall(found, i, objects)), truth: objects };
	});
	return {
		ap50: cocoAveragePrecision(judge(all, person), 0),
		small: cocoAveragePrecision(judge(small, person), 0),
	};
}

/** Whether a detection is small, or overlaps an object by half: others neither count for nor against, as in COCO. */
function mayBeSmall(found: Detections, i: number, truth: TruthObjects): boolean {
	const [left, top, right, bottom] = found.box(i);
	if ((right - left) * (bottom - top) < SMALL_AREA) return true;
	return truth.roles.some((_, j) => boxIou(found.boxesXyxy, i, truth.boxesXyxy, j) >= 0.5);
}

function total<T>(items: readonly T[], of: (item: T) => number): number {
	return items.reduce((sum, item) => sum + of(item), 0);
}

/** One line of a table. */
export function describeTiles(row: TileRow): string {
	const figure = (value: number | null) => value?.toFixed(3) ?? '-';
	return (
		`${row.label.padEnd(24)} AP50 ${figure(row.ap50)}, small ${figure(row.small)}  F1 ${row.agreement.toFixed(3)} (estimated ${figure(row.estimated)})  ` +
		`cells ${(100 * row.cells).toFixed(1).padStart(5)} %  operations ${(100 * row.cost).toFixed(1).padStart(5)} %  ` +
		`run ${row.runMs.toFixed(1).padStart(7)} ms, around it ${row.aroundMs.toFixed(1)} ms  ${row.speedup.toFixed(2)}× all tiles`
	);
}
