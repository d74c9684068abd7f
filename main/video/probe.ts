import { open, stat } from 'node:fs/promises';
import { UserFacingError } from '../domain/errors.ts';
import type { VideoInfo } from '../domain/video.ts';
import { describeArgs, probeArgs } from './ffmpeg-args.ts';
import { findFfmpeg } from './ffmpeg-binary.ts';
import { ffmpegCause } from './ffmpeg-errors.ts';
import { captureOutput } from './run-program.ts';
import { displaySize, parseFfmpegDescription, parseProbeJson } from './stream-description.ts';
import type { FileDescription } from './stream-description.ts';

// Demuxers that make a "video" of a text or a still picture.
const NOT_VIDEO = /^(?:tty|image2|subviewer|lrc|bin|xbin|adf|idf)$|_pipe$/;

/**
 * What the file says about itself, without decoding it, as ffprobe reports it (ffmpeg if there is no ffprobe). Throws
 * `file-not-found`, `file-unreadable` (a folder, no permission), `not-a-video`, `no-video-stream`, `no-frames`,
 * `decode-failed` (cut off before its index, unknown codec), `ffmpeg-missing`.
 */
export async function probeVideo(path: string): Promise<VideoInfo> {
	const fileBytes = await checkFile(path);
	const { description, cause } = await describe(path);
	if (description === null || NOT_VIDEO.test(description.container))
		throw await notAVideo(path, description, cause);
	const { stream } = description;
	if (stream === null) {
		const what = description.hasAudio ? 'only sound' : 'no picture';
		throw new UserFacingError(
			'no-video-stream',
			`${path}: a video stream was expected, and the file holds ${what}.`,
		);
	}
	if (stream.codedSize.width === 0 && (stream.durationSeconds ?? 0) === 0) throw noFrames(path);
	if (stream.codedSize.width === 0 || stream.codedSize.height === 0) {
		throw new UserFacingError(
			'decode-failed',
			`${path}: its ${stream.codec} stream does not tell the size of its pictures, so no frame can be decoded.`,
			{ remedy: 'The file may be damaged, or coded in a way that this ffmpeg does not know.' },
		);
	}
	return {
		path,
		fileBytes,
		container: description.container,
		codec: stream.codec,
		pixelFormat: stream.pixelFormat,
		codedSize: stream.codedSize,
		displaySize: displaySize(stream.codedSize, stream.sampleAspectRatio, stream.rotationDegrees),
		rotationDegrees: stream.rotationDegrees,
		sampleAspectRatio: stream.sampleAspectRatio,
		startSeconds: stream.startSeconds ?? 0,
		durationSeconds: stream.durationSeconds,
		nominalFramesPerSecond: stream.framesPerSecond,
		estimatedFrames: estimateFrames(stream),
		hasAudio: description.hasAudio,
		recordedAt: description.recordedAt,
	};
}

async function checkFile(path: string): Promise<number> {
	let status;
	try {
		status = await stat(path);
	} catch (cause) {
		const code = cause instanceof Error && 'code' in cause ? cause.code : null;
		if (code === 'ENOENT' || code === 'ENOTDIR') {
			throw new UserFacingError(
				'file-not-found',
				`${path}: a video file was expected, and there is no such file.`,
			);
		}
		throw new UserFacingError('file-unreadable', `${path}: the file cannot be read (${String(code)}).`, {
			cause,
		});
	}
	if (status.isDirectory()) {
		throw new UserFacingError('file-unreadable', `${path}: a video file was expected, and this is a folder.`);
	}
	if (status.size === 0) {
		throw new UserFacingError('not-a-video', `${path}: a video was expected, and the file is empty.`);
	}
	return status.size;
}

async function describe(path: string): Promise<{ description: FileDescription | null; cause: Error }> {
	const binaries = await findFfmpeg();
	const [program, args] =
		binaries.ffprobe === null ? [binaries.ffmpeg, describeArgs(path)] : [binaries.ffprobe, probeArgs(path)];
	const { stdout, stderr, exitCode } = await captureOutput(program, args);
	const cause = ffmpegCause([program, ...args].join(' '), {
		failure: `exit code ${exitCode}`,
		lastLines: stderr.trim().split('\n').slice(-6),
	});
	return {
		description: binaries.ffprobe === null ? parseFfmpegDescription(stderr) : parseProbeJson(stdout),
		cause,
	};
}

async function notAVideo(
	path: string,
	description: FileDescription | null,
	cause: Error,
): Promise<UserFacingError> {
	if (/permission denied/i.test(cause.message)) {
		return new UserFacingError('file-unreadable', `${path}: reading it is not permitted.`, { cause });
	}
	if (/moov atom not found/.test(cause.message) && (await beginsLikeMp4(path))) {
		const message = `${path}: the file is cut off before its index (moov), without which no frame can be read.`;
		return new UserFacingError('decode-failed', message, {
			remedy: 'Copy or record it again; a whole file of the same camera lets some tools rebuild the index.',
			cause,
		});
	}
	if (description === null && /: End of file$/.test(cause.message)) return noFrames(path, cause);
	const taken = description === null ? 'knows no such format' : `takes it for ${description.container}`;
	return new UserFacingError('not-a-video', `${path}: a video was expected, and ffmpeg ${taken}.`, { cause });
}

// If the content says nothing, ffmpeg trusts the file name: to it, noise called .mp4 is a cut-off mp4.
async function beginsLikeMp4(path: string): Promise<boolean> {
	const file = await open(path);
	try {
		const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
		return /^(?:ftyp|mdat|moov|wide|free|skip|pnot)$/.test(buffer.toString('latin1', 4));
	} finally {
		await file.close();
	}
}

function noFrames(path: string, cause?: Error): UserFacingError {
	const message = `${path}: frames were expected, and the file ends after its header.`;
	return new UserFacingError('no-frames', message, { cause });
}

function estimateFrames(stream: NonNullable<FileDescription['stream']>): number | null {
	if (stream.claimedFrames !== null) return stream.claimedFrames;
	if (stream.durationSeconds === null || stream.framesPerSecond === null) return null;
	return Math.max(1, Math.round(stream.durationSeconds * stream.framesPerSecond));
}
