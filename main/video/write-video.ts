import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { assert, systemError, UserFacingError } from '../domain/errors.ts';
import type { Size } from '../domain/video.ts';
import { cancelled, onAbort } from './cancellation.ts';
import { CLOCK_HZ, encodeCommand } from './ffmpeg-args.ts';
import { findFfmpeg } from './ffmpeg-binary.ts';
import { ffmpegCause } from './ffmpeg-errors.ts';
import { listEncoders, startFfmpeg, type FfmpegJob } from './ffmpeg.ts';
import { matroskaFrameHeader, matroskaHeader } from './matroska-stream.ts';
import { stripLogPrefix } from './log-lines.ts';

export type WriteOptions = {
	/** The mp4 to write. It gets its name once it is complete. */
	path: string;
	/** Size of the frames; an odd side gets one more black row or column. */
	size: Size;
	/** One for every frame, ascending: presentation times in the source's clock. */
	timesSeconds: Float64Array;
	/** When the last frame ends; null shows it as long as the one before (a single frame for 40 ms). */
	endSeconds: number | null;
	/** Sound of this span, in the source's clock; null for none. */
	audioFrom: { path: string; fromSeconds: number; toSeconds: number } | null;
	/** Quality of libx264: 0 (lossless) to 51; default 20. */
	crf?: number;
	/** Most frames between key frames, without frames that depend on later ones, for stepping back and forth. */
	keyFrameEvery?: number;
	signal?: AbortSignal;
};

export interface VideoWriter {
	/** The next frame, packed RGBA. Resolves when ffmpeg has taken it; `rgba` may then be used again. */
	write(rgba: Uint8Array): Promise<void>;
	/** Completes the file and gives it its name. */
	finish(): Promise<void>;
	/** Ends ffmpeg and removes what was written. Does nothing after `finish`. */
	abort(): Promise<void>;
}

const DEFAULT_CRF = 20;

/** In pixels: what x264 takes along either side (its `validate_parameters`). */
export const H264_LONGEST_SIDE = 16384;

/** Default duration of a video of one frame. */
const LONE_FRAME_SECONDS = 0.04;

/**
 * In order of preference. Encoders that need a graphics card are left out: ffmpeg lists them on machines without one,
 * too.
 */
const H264_ENCODERS = ['libx264', 'libopenh264', 'h264_videotoolbox', 'h264_mf'];

/**
 * Starts an H.264 file (yuv420p, made to play while it loads) whose first frame is at time zero and whose other
 * frames keep their distance to it, to within a tick of 1/90000 s. Frames closer than a tick are set one apart.
 * Throws `output-not-writable`, `disk-full`, `ffmpeg-failed`, `ffmpeg-missing`, `cancelled`.
 */
export async function openVideoWriter(options: WriteOptions): Promise<VideoWriter> {
	assert(options.timesSeconds.length > 0, 'a video needs at least one frame');
	assert(Math.max(options.size.width, options.size.height) <= H264_LONGEST_SIDE, 'sides that H.264 takes');
	await checkTarget(options.path);
	const binaries = await findFfmpeg();
	const encoders = await listEncoders(binaries);
	const encoder = H264_ENCODERS.find((name) => encoders.has(name));
	if (encoder === undefined) {
		throw new UserFacingError(
			'ffmpeg-failed',
			`${options.path}: one of the encoders ${H264_ENCODERS.join(', ')} was expected in ffmpeg ${binaries.version}, which has none.`,
			{ remedy: 'Use a build of ffmpeg with libx264.' },
		);
	}
	if (options.signal?.aborted) throw cancelled(options.path);

	const times = relativeTimes(options.timesSeconds);
	const temporary = join(
		dirname(options.path),
		`.${basename(options.path)}.${randomBytes(4).toString('hex')}.partial`,
	);
	const command = encodeCommand({
		encoder,
		crf: options.crf ?? DEFAULT_CRF,
		keyFrameEvery: options.keyFrameEvery ?? null,
		path: temporary,
		size: options.size,
		lastFrameSeconds: lastFrameSeconds(options, times),
		audio: options.audioFrom,
	});
	const job = await startFfmpeg(binaries, command);
	const writer = new FfmpegWriter(job, temporary, options, times);
	await writer.begin();
	return writer;
}

/** Seconds after the first frame, at least a tick apart. */
function relativeTimes(timesSeconds: Float64Array): Float64Array {
	const first = timesSeconds[0]!;
	const times = timesSeconds.map((time) => time - first);
	for (let i = 1; i < times.length; i++) times[i] = Math.max(times[i]!, times[i - 1]! + 1 / CLOCK_HZ);
	return times;
}

function lastFrameSeconds({ timesSeconds, endSeconds }: WriteOptions, times: Float64Array): number {
	const last = times.length - 1;
	if (endSeconds !== null) return endSeconds - timesSeconds[0]! - times[last]!;
	return last > 0 ? times[last]! - times[last - 1]! : LONE_FRAME_SECONDS;
}

async function checkTarget(path: string): Promise<void> {
	const folder = dirname(path);
	const status = await stat(path).catch(() => null);
	if (status?.isDirectory()) {
		throw new UserFacingError(
			'output-not-writable',
			`${path}: a file name was expected, and this is a folder.`,
		);
	}
	try {
		if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is not a folder`);
		await access(folder, constants.W_OK);
	} catch (cause) {
		throw new UserFacingError(
			'output-not-writable',
			`${path}: its folder ${folder} is not there or not writable.`,
			{
				remedy: 'Create it, or choose another one.',
				cause,
			},
		);
	}
}

class FfmpegWriter implements VideoWriter {
	readonly #job: FfmpegJob;
	readonly #temporary: string;
	readonly #options: WriteOptions;
	readonly #times: Float64Array;
	readonly #frameBytes: number;
	#releaseSignal: () => void = () => undefined;
	#framesWritten = 0;
	#finished = false;
	#aborting: Promise<void> | null = null;

	constructor(job: FfmpegJob, temporary: string, options: WriteOptions, times: Float64Array) {
		this.#job = job;
		this.#temporary = temporary;
		this.#options = options;
		this.#times = times;
		this.#frameBytes = 4 * options.size.width * options.size.height;
		this.#releaseSignal = onAbort(options.signal, () => void this.abort());
	}

	async begin(): Promise<void> {
		const last = this.#times.length - 1;
		await this.#send(matroskaHeader(this.#options.size, last > 0 ? this.#times[last]! / last : null));
	}

	async write(rgba: Uint8Array): Promise<void> {
		assert(rgba.length === this.#frameBytes, `a frame needs ${this.#frameBytes} bytes (got ${rgba.length})`);
		const timeSeconds = this.#times[this.#framesWritten];
		assert(timeSeconds !== undefined, `only ${this.#times.length} frames were announced`);
		this.#framesWritten++;
		const header = this.#send(matroskaFrameHeader(timeSeconds, rgba.length));
		await Promise.all([header, this.#send(rgba)]);
	}

	async finish(): Promise<void> {
		this.#job.stdin?.end();
		const outcome = await this.#job.ended;
		if (outcome.failure !== null || isCutOff(outcome.lastLines)) throw await this.#fail();
		try {
			await rename(this.#temporary, this.#options.path);
		} catch (error) {
			await this.abort();
			throw systemError(error) ?? error;
		}
		this.#finished = true;
		this.#releaseSignal();
	}

	abort(): Promise<void> {
		if (this.#finished) return Promise.resolve();
		this.#aborting ??= this.#removeAll();
		return this.#aborting;
	}

	async #removeAll(): Promise<void> {
		this.#releaseSignal();
		this.#job.kill();
		await this.#job.ended;
		await rm(this.#temporary, { force: true });
	}

	/** Resolves when the pipe has taken the bytes. If the pipe is broken, throws why ffmpeg ended. */
	async #send(bytes: Uint8Array): Promise<void> {
		const { stdin } = this.#job;
		const sent = await new Promise<boolean>((resolve) => {
			if (!stdin || stdin.destroyed) resolve(false);
			else stdin.write(bytes, (error) => resolve(!error));
		});
		if (!sent) throw await this.#fail();
	}

	async #fail(): Promise<UserFacingError> {
		const outcome = await this.#job.ended;
		const { path, signal } = this.#options;
		await this.abort();
		if (signal?.aborted) return cancelled(path);
		return writeFailure(path, outcome.lastLines, ffmpegCause(this.#job.commandLine, outcome));
	}
}

/** Whether the end of a file could not be written, where ffmpeg tells of it in its log alone and ends without an error. */
export function isCutOff(lastLines: readonly string[]): boolean {
	return lastLines.some((line) =>
		/error (writing trailer|closing file|muxing)|no space left on device/i.test(line),
	);
}

/** Why ffmpeg could not write `path`, by the last lines of its log. */
export function writeFailure(path: string, lastLines: string[], cause: Error): UserFacingError {
	const log = lastLines.join('\n');
	for (const [code, pattern] of [
		['ENOSPC', /no space left on device/i],
		['EACCES', /permission denied|operation not permitted|read-only file system/i],
	] as const) {
		if (pattern.test(log)) return systemError(Object.assign(new Error(cause.message), { code, path }))!;
	}
	const said = lastLines.filter((line) => /\[(?:error|fatal)\]/.test(line)).at(-1);
	const detail = said === undefined ? '' : ` (${stripLogPrefix(said).replace(/\.$/, '')})`;
	return new UserFacingError('ffmpeg-failed', `${path}: ffmpeg could not write the video${detail}.`, {
		cause,
	});
}
