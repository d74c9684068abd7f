import { UserFacingError } from '../domain/errors.ts';
import type { FfmpegOutcome } from './ffmpeg.ts';
import { ffmpegCause } from './ffmpeg.ts';

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

// What ffmpeg complains of once an empty stream is through, on its way out.
const AFTER_THE_END = /Cannot determine format of input/;

/**
 * ffmpeg came to its end without a single frame: an empty stream, or one that cannot be decoded. `damage` is what its
 * log said of damaged data, in order.
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
