import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorToData, UserFacingError } from '../domain/errors.ts';
import type { Letterbox } from '../domain/frame.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import type { SettingEvent, VideoIdentity } from '../domain/run.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import { ShortfallWatch } from '../domain/shortfall.ts';
import { tokenCount } from '../domain/tokens.ts';
import type { VideoInfo } from '../domain/video.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';
import type { Detector } from '../detector/detector.ts';
import type { RunWriter } from '../results/run-writer.ts';
import { StoredRun } from '../results/stored-run.ts';
import { findFfmpeg } from '../video/ffmpeg-binary.ts';
import { compareVideo, identifyVideo } from '../video/identity.ts';
import { readFrames } from '../video/read-frames.ts';
import { analyze } from './analyze.ts';
import { packFrameBatch } from './frame-batch.ts';
import type { KeptDetector } from './kept-detector.ts';
import { openRecording, type Recording } from './open-recording.ts';
import { estimateFrames, ProgressMeter } from './progress-meter.ts';
import type { AnalysisJob, AnalysisOutcome, AnalysisNews } from './protocol.ts';

/** Frames per `frames` report: few messages, but without visible delay. */
const FRAMES_PER_BATCH = 8;
const BATCH_MILLISECONDS = 100;

/** How every frame of a run is read. */
const READING = { format: 'rgb24', onDevice: true } as const;

type Frames = ReturnType<typeof readFrames>;

/** Controls of a run in progress; they take effect between frames. */
export class RunControl {
	readonly #pendingSettings: SettingValues[] = [];
	#cancelled = false;

	cancel(): void {
		this.#cancelled = true;
	}

	get cancelled(): boolean {
		return this.#cancelled;
	}

	changeSettings(settings: SettingValues): void {
		this.#pendingSettings.push(settings);
	}

	/** The changes requested since the last call, in order. */
	takeSettings(): SettingValues[] {
		return this.#pendingSettings.splice(0);
	}
}

/**
 * The worker's job: analyses a video and stores the run as it happens. Ends as `cancelled` (resumable) when `control`
 * says so. Throws a UserFacingError for bad input; a run that had begun is then closed as `failed`, and what was stored
 * is kept. `readVideo`: how frames are read, by default in this thread. `kept`: from where
 * its detector is taken, and where it is left for the next run.
 */
export async function recordRun(
	job: AnalysisJob,
	control: RunControl,
	report: (report: AnalysisNews) => void,
	readVideo: typeof readFrames = readFrames,
	kept: KeptDetector | null = null,
): Promise<AnalysisOutcome> {
	await findFfmpeg();
	const folderIsOurs = !existsSync(job.runFolder);
	const stop = new AbortController();
	let begunFrames: Frames | null = null;
	const beginReading = (video: VideoInfo, letterbox: Letterbox) => {
		begunFrames = begun(readVideo(video, { ...READING, range: job.range, letterbox, signal: stop.signal }));
	};
	const recording = await openRecording(job, beginReading, kept).catch((error: unknown) => {
		stop.abort();
		throw error;
	});
	if (recording instanceof StoredRun) {
		const { framesStored, decode } = recording.status;
		return { state: 'complete', framesStored, wallSeconds: 0, decode, peakMemoryBytes: peakMemoryBytes() };
	}
	const { video, header, runtime, detector, writer, remarks } = recording;
	const { execution } = runtime;
	const started = performance.now();
	const wallSeconds = () => (performance.now() - started) / 1000;
	let isSound = false;
	try {
		report({ type: 'opened', header, execution, framesStored: writer.framesStored, remarks });
		const decode = await recordFrames(
			job,
			control,
			report,
			recording,
			begunFrames ?? readRest(recording, readVideo, stop.signal),
			stop,
		);
		if (decode === null) {
			const state = writer.framesStored > 0 ? await detector.saveState() : null;
			const outcome = { decode: null, error: null, wallSeconds: wallSeconds() };
			await writer.close('cancelled', { ...outcome, state });
			isSound = true;
			return {
				state: 'cancelled',
				framesStored: writer.framesStored,
				...outcome,
				peakMemoryBytes: peakMemoryBytes(),
			};
		}
		if (writer.framesStored === 0) throw noFrames(video, job);
		const outcome = { decode, error: null, wallSeconds: wallSeconds() };
		await writer.close('complete', { ...outcome, state: null });
		isSound = true;
		return {
			state: 'complete',
			framesStored: writer.framesStored,
			...outcome,
			peakMemoryBytes: peakMemoryBytes(),
		};
	} catch (error) {
		const nothingStored = writer.framesStored === 0;
		await closeAsFailed(writer, error, wallSeconds());
		// An empty run would only be in the way of the next try.
		if (nothingStored && folderIsOurs) await rm(job.runFolder, { recursive: true, force: true });
		throw error;
	} finally {
		stop.abort();
		await (kept && isSound ? kept.takeBack({ detector, runtime }) : detector.release());
	}
}

/** The frames of a run that goes on. */
function readRest(
	{ video, header, detector, lastFrameIndex, known }: Recording,
	readVideo: typeof readFrames,
	signal: AbortSignal,
): Frames {
	return readVideo(video, {
		...READING,
		range: header.range,
		letterbox: detector.letterbox,
		signal,
		...(lastFrameIndex >= 0 ? { startAfterFrame: lastFrameIndex, known } : {}),
	});
}

/** The same frames, the first of which is asked for at once. Whoever drops them aborts their reader. */
function begun(frames: Frames): Frames {
	const first = frames.next();
	first.catch(() => undefined); // told to whoever asks for it
	return (async function* () {
		let next = await first;
		try {
			while (!next.done) {
				yield next.value;
				next = await frames.next();
			}
			return next.value;
		} finally {
			await frames.return(undefined as never);
		}
	})();
}

/** Frame by frame to the end of the range; null if cancelled before. */
async function recordFrames(
	job: AnalysisJob,
	control: RunControl,
	report: (report: AnalysisNews) => void,
	{ video, header, runtime, detector, writer, lastFrameIndex, events }: Recording,
	frames: Frames,
	stop: AbortController,
) {
	const meter = new ProgressMeter(estimateFrames(video, header.range), writer.framesStored);
	const watch = new ShortfallWatch(tokenCount(header.grid));
	const batch = job.wantsFrames ? new FrameReports(report) : null;
	const results = analyze(frames, detector);
	let lastFrame = lastFrameIndex;
	try {
		for (;;) {
			// Inference blocks this thread: one turn of the event loop a frame lets requests come in.
			await nextTurn();
			replaySettings(detector, events, lastFrame);
			await applySettings(detector, writer, control, report, lastFrame);
			if (control.cancelled) return null;

			const next = await results.next();
			if (next.done) return next.value;
			const isFirst = lastFrame === lastFrameIndex;
			if (isFirst) await refuseReplaced(video.path, header.videoIdentity);
			await writer.append(next.value);
			if (isFirst) reportPlacement(runtime, report);
			lastFrame = next.value.frameIndex;
			batch?.add(next.value);
			watchBudget(watch, next.value, detector.settings);
			const progress = meter.add(next.value);
			if (progress) report({ type: 'progress', progress: { ...progress, shortfall: watch.shortfall } });
			if (writer.wantsSnapshot) await writer.snapshot(await detector.saveState());
		}
	} finally {
		batch?.flush();
		stop.abort();
		await results.return(undefined as never);
	}
}

/**
 * A file that takes another's place between being looked at and being opened for its frames would be stored under the other's name:
 * throws `file-unreadable`, before the first frame is stored.
 */
async function refuseReplaced(path: string, identity: VideoIdentity): Promise<void> {
	// One that is gone by now was opened before.
	const same = await identifyVideo(path).then(
		(now) => compareVideo(path, now, identity),
		() => 'same',
	);
	if (same !== 'other') return;
	throw new UserFacingError('file-unreadable', `${path}: the file was replaced while it was being opened.`, {
		remedy: 'Analyse it again once nothing writes to it.',
	});
}

/** Which operators a provider left to the processor is known when its graphs have run. */
function reportPlacement(
	{ execution, leftToCpu }: GraphRuntime,
	report: (report: AnalysisNews) => void,
): void {
	const operators = [...new Set([...leftToCpu.values()].flat())].sort();
	if (operators.length > 0) report({ type: 'left-to-cpu', provider: execution.provider, operators });
}

function watchBudget(watch: ShortfallWatch, result: FrameResult, settings: SettingValues): void {
	const { frameIndex, timeSeconds, selectedTokens, drift } = result;
	if (!drift) return;
	watch.add({ frameIndex, timeSeconds, selectedTokens, ...drift }, settings);
}

/**
 * Changes of an earlier sitting that took effect after the point where this one began. They were recorded with the
 * index after the frame they followed, so that the same frames get the same settings again.
 */
function replaySettings(detector: Detector, events: SettingEvent[], lastFrame: number): void {
	while (events.length > 0 && events[0]!.frameIndex <= lastFrame + 1) {
		detector.changeSettings(events.shift()!.settings);
	}
}

async function applySettings(
	detector: Detector,
	writer: RunWriter,
	control: RunControl,
	report: (report: AnalysisNews) => void,
	lastFrame: number,
): Promise<void> {
	for (const settings of control.takeSettings()) {
		try {
			detector.changeSettings(settings);
		} catch (error) {
			report({ type: 'settings-refused', error: errorToData(error) });
			continue;
		}
		const event = { frameIndex: lastFrame + 1, settings };
		await writer.recordEvent(event);
		report({ type: 'settings-changed', event });
	}
}

/** Gathers results into `frames` reports. */
class FrameReports {
	readonly #report: (report: AnalysisNews) => void;
	#results: FrameResult[] = [];
	#since = 0;

	constructor(report: (report: AnalysisNews) => void) {
		this.#report = report;
	}

	add(result: FrameResult): void {
		if (this.#results.length === 0) this.#since = performance.now();
		this.#results.push(result);
		const due = performance.now() - this.#since >= BATCH_MILLISECONDS;
		if (due || this.#results.length >= FRAMES_PER_BATCH) this.flush();
	}

	flush(): void {
		if (this.#results.length > 0) this.#report({ type: 'frames', batch: packFrameBatch(this.#results) });
		this.#results = [];
	}
}

function noFrames(video: VideoInfo, job: AnalysisJob): UserFacingError {
	const whole = job.range.to === null && 'frame' in job.range.from && job.range.from.frame === 0;
	if (whole) return new UserFacingError('no-frames', `${video.path}: the video stream holds no frame.`);
	const length =
		video.durationSeconds === null ? '' : ` The video is ${video.durationSeconds.toFixed(2)} s long.`;
	return new UserFacingError('bad-range', `${video.path}: no frame lies in the range asked for.${length}`);
}

/** Node gives it in kibibytes. */
function peakMemoryBytes(): number {
	return process.resourceUsage().maxRSS * 1024;
}

/** The first failure is the one to report; that the run could not be closed either shows when it is opened. */
async function closeAsFailed(writer: RunWriter, error: unknown, wallSeconds: number): Promise<void> {
	try {
		const { message } = errorToData(error);
		await writer.close('failed', { decode: null, error: message, wallSeconds, state: null });
	} catch {
		// An unclosed run can be read up to its last batch, like an interrupted one.
	}
}
