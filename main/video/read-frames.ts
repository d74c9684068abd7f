import { debuglog } from 'node:util';
import { assert, UserFacingError } from '../domain/errors.ts';
import type { Frame, Letterbox } from '../domain/frame.ts';
import type { DecodeSummary, FrameRange, KnownFrame, VideoInfo } from '../domain/video.ts';
import { cancelled, onAbort } from './cancellation.ts';
import { readFramesCommand } from './ffmpeg-args.ts';
import { findFfmpeg } from './ffmpeg-binary.ts';
import { ffmpegError, nothingDecoded } from './ffmpeg-errors.ts';
import { startFfmpeg, type FfmpegJob } from './ffmpeg.ts';
import { FrameLog } from './frame-log.ts';
import { FrameQueue } from './frame-queue.ts';
import { checkRange, FramePicker, type SeekPlan } from './frame-range.ts';
import { hardwareDecoder } from './hardware-decoder.ts';
import { planSeek, SeekCheck } from './seek.ts';

export type ReadOptions = {
	range: FrameRange;
	letterbox: Letterbox;
	format: 'rgb24' | 'rgba';
	signal?: AbortSignal;
	/**
	 * Continues where an earlier reading stopped: frames of the range up to and including this decoded index are skipped,
	 * without changing which ones `every` picks.
	 */
	startAfterFrame?: number;
	/**
	 * Frames known from an earlier decoding from the start: if the file's packets disagree with them, no jump is made.
	 */
	known?: readonly KnownFrame[];
	/** A device may decode where it gives the same frames; see `hardwareDecoder`. */
	onDevice?: boolean;
};

export const BYTES_PER_PIXEL = { rgb24: 3, rgba: 4 } as const;

/** Printed if NODE_DEBUG contains `sparsight`. */
const detail = debuglog('sparsight');

/**
 * The frames of a range, scaled and padded as `letterbox` says, with their exact index and time. At most three are held
 * at once; a frame's pixels are valid until the next one is requested. Leaving the loop early, or aborting, kills
 * ffmpeg and waits until it has exited.
 *
 * A range far into the file is reached by a jump (`seek.ts`), or by decoding from the start if a jump would not give
 * exactly the same frames.
 *
 * Damaged data costs frames, not the reading: the summary counts them. Throws `bad-range`, `no-frames`, `decode-failed`
 * (nothing decodes), `ffmpeg-failed` (ffmpeg died), `cancelled`.
 */
export async function* readFrames(
	video: VideoInfo,
	options: ReadOptions,
): AsyncGenerator<Frame, DecodeSummary> {
	const { range, startAfterFrame = -1, known = [], signal } = options;
	checkRange(range);
	const [seek, method] = await Promise.all([
		planSeek(video, { range, startAfterFrame, known }, signal),
		options.onDevice ? hardwareDecoder(video, signal) : null,
	]);
	if (typeof seek === 'string') detail('%s is decoded from its start: %s', video.path, seek);
	else if (seek !== null) {
		const summary = yield* readFrom(video, options, seek, method);
		if (summary !== null) return summary;
		detail('%s is decoded from its start: frames differ from its packets', video.path);
	}
	return (yield* readFrom(video, options, null, method))!;
}

/** Null, without having given a frame, if a jump led to other frames than expected; never null without a jump. */
async function* readFrom(
	video: VideoInfo,
	options: ReadOptions,
	seek: SeekPlan | null,
	method: string | null,
): AsyncGenerator<Frame, DecodeSummary | null> {
	const { letterbox, format, signal, range, startAfterFrame = -1 } = options;
	const hardware = method === null ? null : { method, pixelFormat: video.pixelFormat };
	const binaries = await findFfmpeg();
	if (signal?.aborted) throw cancelled(video.path);

	const size = letterbox.inputSize;
	const queue = new FrameQueue(size.width * size.height * BYTES_PER_PIXEL[format]);
	const picker = new FramePicker(range, startAfterFrame, seek);
	const check = seek && new SeekCheck(seek);
	let arrived = seek === null;
	let rangeEnd: number | null = null; // frames up to the range's end, once that has come
	const log = new FrameLog((logged, timeSeconds) => {
		if (rangeEnd !== null) return;
		let index = logged;
		if (!arrived) {
			const step = check!.take(timeSeconds);
			if (step === 'differs') stop(job, queue);
			if (step !== 'arrived') return;
			arrived = true;
			index = seek!.firstIndex;
			log.beginAt(index);
		}
		const choice = picker.pick(index, timeSeconds);
		if (choice === 'pick') queue.addRecord(index, timeSeconds);
		if (choice === 'past') rangeEnd = index;
		else if (picker.endsAt(index)) rangeEnd = index + 1;
		if (rangeEnd !== null && queue.waitingRecords === 0) queue.end();
	});

	const command = readFramesCommand(video.path, {
		range,
		startAfterFrame,
		letterbox,
		format,
		seek,
		hardware,
	});
	const job = await startFfmpeg(binaries, command, {
		stdout: queue.sink,
		onLine: (line) => log.readLine(line),
	});
	void job.ended.then(() => queue.end());
	const release = onAbort(signal, () => stop(job, queue));

	let framesRead = 0;
	try {
		for (;;) {
			const next = await queue.next();
			if (signal?.aborted) throw cancelled(video.path);
			if (next === null) break;
			framesRead++;
			const { index, timeSeconds, pixels } = next;
			yield { index, timeSeconds, pixels, format, size };
			queue.release(pixels);
			if (rangeEnd !== null && queue.waitingRecords === 0) break;
		}
	} finally {
		release();
		stop(job, queue);
		await job.ended;
	}
	return arrived ? summarize() : null;

	async function summarize(): Promise<DecodeSummary> {
		const outcome = await job.ended;
		const framesDecoded = rangeEnd ?? log.framesDecoded;
		const warnings = [...log.warnings];
		if (rangeEnd === null) {
			// ffmpeg ended by itself: the end of the file was reached, or ffmpeg failed.
			assert(
				queue.unclaimedFrames === 0,
				`ffmpeg sent ${queue.unclaimedFrames} frames that the range does not pick`,
			);
			if (outcome.failure?.includes('killed with signal')) {
				throw ffmpegError('ffmpeg-failed', `${video.path}: ffmpeg died after ${framesDecoded} frames.`, {
					commandLine: job.commandLine,
					outcome,
				});
			}
			if (framesDecoded === 0)
				throw nothingDecoded(video.path, warnings, { commandLine: job.commandLine, outcome });
			if (outcome.failure !== null) warnings.push(`Reading ended early: ${outcome.failure.split('\n')[0]}`);
		}
		if (framesRead === 0 && startAfterFrame < 0) throw emptyRange(video.path, framesDecoded);
		return {
			framesRead,
			framesDecoded,
			framesLost: log.countLost(rangeEnd === null ? video : null),
			warnings,
			hardware: method,
			clockRestarts: [...log.clockRestarts],
		};
	}
}

function stop(job: FfmpegJob, queue: FrameQueue): void {
	job.kill();
	queue.discard();
}

function emptyRange(path: string, framesDecoded: number): UserFacingError {
	return new UserFacingError(
		'bad-range',
		`${path}: the range was expected to hold a frame, and holds none of the ${framesDecoded} that were decoded.`,
	);
}
