import { UserFacingError } from '../domain/errors.ts';
import type { FfmpegOutcome } from './ffmpeg.ts';
import { ffmpegCause } from './ffmpeg.ts';
import { parseDamageLine } from './progress.ts';

export function cancelled(path: string): UserFacingError {
	return new UserFacingError('cancelled', `Working on ${path} was cancelled.`);
}

/** Calls `stop` when the signal fires, or at once where it has; the returned function ends the watch. */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
	if (!signal) return () => undefined;
	if (signal.aborted) stop();
	else signal.addEventListener('abort', stop, { once: true });
	return () => signal.removeEventListener('abort', stop);
}

/** ffmpeg came to its end without a single frame: an empty stream, or one that cannot be decoded. */
export function nothingDecoded(path: string, commandLine: string, outcome: FfmpegOutcome): UserFacingError {
	const cause = ffmpegCause(commandLine, outcome);
	const damage = outcome.lastLines.map(parseDamageLine).find((line) => line !== null);
	if (outcome.failure === null && damage === undefined) {
		return new UserFacingError(
			'no-frames',
			`${path}: its video stream was expected to hold frames, and holds none.`,
			{
				cause,
			},
		);
	}
	const detail = damage === undefined ? '' : ` (ffmpeg: ${damage.replace(/\.$/, '')})`;
	return new UserFacingError('decode-failed', `${path}: no frame of it could be decoded${detail}.`, {
		remedy: 'The file may be damaged, cut off, or coded in a way that this ffmpeg does not know.',
		cause,
	});
}
