import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UserFacingError } from '../domain/errors.ts';
import { lastExecution, ON_CPU } from '../domain/execution.ts';
import type { Letterbox } from '../domain/frame.ts';
import type { RunHeader, SettingEvent, VideoIdentity } from '../domain/run.ts';
import { resolveSettings } from '../domain/settings-table.ts';
import { type FrameRange, type KnownFrame, type VideoInfo, WHOLE_VIDEO } from '../domain/video.ts';
import type { Detector, Model } from '../detector/detector.ts';
import { defaultMaxSide } from '../detector/max-side.ts';
import { DEFAULT_SCORE_THRESHOLD, openModel } from '../families/index.ts';
import { findMode } from '../reduction/index.ts';
import { knownFrames } from '../results/frame-columns.ts';
import { RunWriter } from '../results/run-writer.ts';
import { RUN_FILES } from '../results/run-folder.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import { findFfmpeg } from '../video/ffmpeg-binary.ts';
import { compareVideo, identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';
import { readOneFrame } from '../video/read-one-frame.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';
import { TensorStore } from '../runtime/tensor-store.ts';
import type { KeptDetector } from './kept-detector.ts';
import type { AnalysisJob } from './protocol.ts';
import { physicalCores } from '../process/physical-cores.ts';
import { PRODUCT_VERSION } from '../process/product-version.ts';
import { dataFolders } from '../process/data-folders.ts';
import { runtimeVersion } from '../runtime/runtime-version.ts';

/** Beyond these, small matrix products gain nothing from another thread. */
const MOST_DEFAULT_THREADS = 8;

/** A run that is ready for its next frame. */
export type Recording = {
	video: VideoInfo;
	header: RunHeader;
	/** What computes the frames of this sitting. */
	runtime: GraphRuntime;
	/** Reset, or as it was after `lastFrameIndex`. */
	detector: Detector;
	writer: RunWriter;
	/** -1: from the beginning. */
	lastFrameIndex: number;
	/** Some of the frames that are stored. */
	known: KnownFrame[];
	/** Changes of settings still to be replayed, in order. */
	events: SettingEvent[];
	/** What a person should know of the model. */
	remarks: readonly string[];
};

const GOES_ON = 'the run goes on into the new part';
const COMPUTED_ANEW =
	'a complete run keeps no memory to go on from, so its frames are computed again as well';

/** One for each core; of more than two, one is left to decoding and to whoever watches. */
function defaultThreads(): number {
	const cores = physicalCores();
	return Math.min(MOST_DEFAULT_THREADS, cores > 2 ? cores - 1 : cores);
}

/**
 * Opens video and model, then creates the run or continues it; leaves nothing behind if that fails. Returns the stored
 * run instead if it is complete and matches the job: nothing is left to do. `onLetterbox` hears which frames a new run needs before
 * its graphs are loaded, so that both can go on at once. `kept`: where the detector of the run before lies.
 */
export async function openRecording(
	job: AnalysisJob,
	onLetterbox: (video: VideoInfo, letterbox: Letterbox) => void = () => undefined,
	kept: KeptDetector | null = null,
): Promise<Recording | StoredRun> {
	// ffmpeg probes the video in another process while this one opens the model.
	const probing = lookAtVideo(job);
	probing.catch(() => undefined); // the first failure is reported, the other one is ignored
	const earlier = await openEarlier(job);
	const mode = findMode(job.mode);
	const settings = resolveSettings(mode.settings, job.settings, `mode ${mode.id}`);
	const model = await openModel(job.modelPath, job.cacheFolder, dataFolders().cards);
	const [video, videoIdentity] = await probing;
	const threads = job.threads ?? earlier?.header.threads ?? defaultThreads();
	const tensors = job.cacheFolder === null ? null : new TensorStore(join(job.cacheFolder, 'weights'));
	const before = earlier && lastExecution(earlier.header, earlier.status.executionChanges);
	const execution = job.execution ?? before ?? ON_CPU;
	const ownRuntime = createRuntime(threads, { execution, tensors });
	const doubt =
		earlier || !model.examine ? null : await model.examine(await glimpseOf(video, job.range), ownRuntime);
	const remarks = [...(model.remarks ?? []), ...(doubt === null ? [] : [doubt])];
	const options = {
		displaySize: video.displaySize,
		mode: mode.id,
		settings,
		maxSide: job.maxSide ?? defaultMaxSide(mode),
		scoreThreshold: job.scoreThreshold ?? DEFAULT_SCORE_THRESHOLD,
		...(!earlier && { onLetterbox: (letterbox: Letterbox) => onLetterbox(video, letterbox) }),
	};
	const { detector, runtime } = kept
		? await kept.open(model, options, ownRuntime)
		: { detector: await model.open(options, ownRuntime), runtime: ownRuntime };
	try {
		const header = await describeRun(job, { video, videoIdentity, model, doubt, detector, runtime });
		if (!earlier) {
			detector.reset();
			const writer = await RunWriter.create(job.runFolder, header);
			const nothing = { lastFrameIndex: -1, known: [], events: [] };
			return { video, header, runtime, detector, writer, ...nothing, remarks };
		}
		const expected = job.afterLoss && execution.provider === ON_CPU.provider ? execution : before;
		const same = await compareVideo(video.path, videoIdentity, earlier.header.videoIdentity);
		// What it grew from is what it was.
		const asked = same === 'grown' ? { ...header, videoIdentity: earlier.header.videoIdentity } : header;
		refuseOtherRun(job.runFolder, { ...earlier.header, ...expected }, asked);
		const grown = same === 'grown' && !reachedItsEnd(earlier) ? { video, videoIdentity } : null;
		if (earlier.status.state === 'complete' && !grown) {
			await detector.release();
			return earlier;
		}
		const { writer, lastFrameIndex, state, events } = await RunWriter.resume(job.runFolder, execution, grown);
		restore(detector, state, events, lastFrameIndex);
		if (grown)
			remarks.push(`the recording is longer than it was; ${lastFrameIndex < 0 ? COMPUTED_ANEW : GOES_ON}`);
		const known = knownFrames(earlier.frames, lastFrameIndex);
		const opened = { video, header: { ...earlier.header, ...grown }, runtime, detector, writer };
		return { ...opened, lastFrameIndex, known, events, remarks };
	} catch (error) {
		await detector.release();
		throw error;
	}
}

async function lookAtVideo({ videoPath, known }: AnalysisJob): Promise<[VideoInfo, VideoIdentity]> {
	if (!known) return Promise.all([probeVideo(videoPath), identifyVideo(videoPath)]);
	const identity = await identifyVideo(videoPath);
	const isSame = known.video.path === videoPath && isDeepStrictEqual(identity, known.identity);
	return [isSame ? known.video : await probeVideo(videoPath), identity];
}

/** Whether a run ended with the last frame that was asked for, not with its video. */
function reachedItsEnd({ header: { range }, status }: StoredRun): boolean {
	const { to, every } = range;
	return to !== null && 'frame' in to && status.lastFrameIndex > to.frame - every;
}

/** Of the frames that are asked for; the middle of a whole video, for many begin black. */
function glimpseOf(video: VideoInfo, range: FrameRange) {
	const isWhole = isDeepStrictEqual(range.from, WHOLE_VIDEO.from) && range.to === null;
	return readOneFrame(video, isWhole ? null : range.from);
}

async function openEarlier({ start, runFolder }: AnalysisJob): Promise<StoredRun | null> {
	switch (start) {
		case 'create':
			return null;
		case 'continue':
			return openRun(runFolder);
		case 'ensure':
			return existsSync(join(runFolder, RUN_FILES.header)) ? openRun(runFolder) : null;
	}
}

/** Settings first, state last: the restored state overrides everything that a change of settings may touch. */
function restore(
	detector: Detector,
	state: Awaited<ReturnType<typeof RunWriter.resume>>['state'],
	events: SettingEvent[],
	lastFrameIndex: number,
): void {
	while (events.length > 0 && events[0]!.frameIndex <= lastFrameIndex) {
		detector.changeSettings(events.shift()!.settings);
	}
	detector.reset();
	if (state) detector.restoreState(state);
}

type Opened = {
	video: VideoInfo;
	videoIdentity: VideoIdentity;
	model: Model;
	/** What a frame said of how the model is read, where that is only likely. */
	doubt: string | null;
	detector: Detector;
	runtime: GraphRuntime;
};

async function describeRun(
	job: AnalysisJob,
	{ video, videoIdentity, model, doubt, detector, runtime }: Opened,
): Promise<RunHeader> {
	const ffmpeg = await findFfmpeg();
	const scoreThreshold = job.scoreThreshold ?? DEFAULT_SCORE_THRESHOLD;
	return {
		format: 'sparsight-run',
		version: 1,
		createdAt: new Date().toISOString(),
		video,
		videoIdentity,
		model: {
			id: model.id,
			name: model.name,
			path: model.path,
			sha256: model.sha256,
			classes: [...model.classes],
			...(model.reading && { reading: model.reading }),
			...(doubt !== null && { doubt }),
		},
		mode: job.mode,
		settings: detector.settings,
		range: job.range,
		letterbox: detector.letterbox,
		maxSide: job.maxSide ?? defaultMaxSide(findMode(job.mode)),
		grid: detector.grid,
		scoreThreshold,
		displayThresholds: model.displayThresholds.map((score) => Math.max(scoreThreshold, score)),
		denseMacs: detector.denseMacs,
		behindMacs: detector.behindMacs,
		...runtime.execution,
		threads: runtime.threads,
		versions: {
			sparsight: PRODUCT_VERSION,
			onnxruntime: runtimeVersion(),
			ffmpeg: ffmpeg.version,
			node: process.versions.node,
		},
	};
}

/** What must be the same for a run to go on: everything its rows depend on. */
const SAME_FOR_RESUME: Record<string, (header: RunHeader) => unknown> = {
	video: (header) => header.videoIdentity,
	model: (header) => header.model.sha256,
	classes: (header) => header.model.classes,
	mode: (header) => header.mode,
	settings: (header) => header.settings,
	range: (header) => header.range,
	'input size': (header) => header.letterbox,
	'score threshold': (header) => header.scoreThreshold,
	// Providers round differently: the rest of the run would not match its beginning.
	'execution provider': (header) => header.provider,
	attention: (header) => header.attention,
	precision: (header) => header.precision,
};

/** Throws resume-mismatch, naming what differs. */
function refuseOtherRun(folder: string, stored: RunHeader, asked: RunHeader): void {
	const differing = [
		...Object.entries(SAME_FOR_RESUME).map(([name, part]) => [name, part(stored), part(asked)] as const),
		...differingReading(stored, asked),
	].filter(([, before, now]) => !isDeepStrictEqual(before, now));
	if (differing.length === 0) return;
	const words = differing.map(
		([name, before, now]) => `${name} (stored ${shown(before)}, asked ${shown(now)})`,
	);
	throw new UserFacingError(
		'resume-mismatch',
		`${folder}: the stored run can only go on as it began, but it differs in ${words.join(' and ')}.`,
		{ remedy: 'Go on with what it began with, or begin another run.' },
	);
}

/** How a foreign file is read, part by part: its card may be another one since. */
function differingReading({ model: stored }: RunHeader, { model: asked }: RunHeader) {
	const parts = new Set([...Object.keys(stored.reading ?? {}), ...Object.keys(asked.reading ?? {})]);
	return [...parts].map(
		(part) => [`the model's card: ${part}`, stored.reading?.[part], asked.reading?.[part]] as const,
	);
}

function shown(value: unknown): string {
	return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none');
}
