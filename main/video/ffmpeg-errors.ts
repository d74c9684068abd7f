import { UserFacingError } from '../domain/errors.ts';
import type { FfmpegOutcome } from './ffmpeg.ts';

/** An error for a failure of ffmpeg, with the command line and the last lines of its log as the cause. */
export function ffmpegError(
	code: 'ffmpeg-failed' | 'decode-failed' | 'not-a-video' | 'no-frames',
	message: string,
	run: { commandLine: string; outcome: FfmpegOutcome },
	remedy?: string,
): UserFacingError {
	const cause = ffmpegCause(run.commandLine, run.outcome);
	return new UserFacingError(code, message, remedy === undefined ? { cause } : { cause, remedy });
}

/** What a developer wants to see: the exit, the command line, the last lines of the log. */
export function ffmpegCause(commandLine: string, outcome: FfmpegOutcome): Error {
	const ending = outcome.failure ?? 'ffmpeg ended without an error';
	return new Error([ending.split('\n')[0], commandLine, ...outcome.lastLines].join('\n'));
}

// What ffmpeg complains about after an empty stream has ended.
const AFTER_THE_END = /Cannot determine format of input/;

/**
 * ffmpeg ended without a single frame: the stream is empty or cannot be decoded. `damage`: what its log said about
 * damaged data, in order.
 */
export function nothingDecoded(
	path: string,
	damage: string[],
	run: { commandLine: string; outcome: FfmpegOutcome },
): UserFacingError {
	const cause = ffmpegCause(run.commandLine, run.outcome);
	const [first] = damage;
	if (first === undefined ? run.outcome.failure === null : AFTER_THE_END.test(first)) {
		return new UserFacingError(
			'no-frames',
			`${path}: its video stream was expected to hold frames, and holds none.`,
			{
				cause,
			},
		);
	}
	const detail = first === undefined ? '' : ` (ffmpeg: ${first.replace(/\.$/, '')})`;
	return new UserFacingError('decode-failed', `${path}: no frame of it could be decoded${detail}.`, {
		remedy: 'The file may be damaged, cut off, or coded in a way that this ffmpeg does not know.',
		cause,
	});
}
