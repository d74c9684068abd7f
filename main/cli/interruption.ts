import { errorToData, type ErrorCode, UserFacingError } from '../domain/errors.ts';
import { EXIT } from './exit-codes.ts';

/** Ctrl+C and SIGTERM: the first one asks for an orderly end, the second one ends at once. */
export type Interruption = {
	/** Aborted by the first signal. */
	readonly signal: AbortSignal;
	/** What the second signal must end before this process ends. */
	beforeExit(end: () => void): void;
};

export function listenForInterruption(): Interruption {
	const controller = new AbortController();
	let end: (() => void) | null = null;
	const onSignal = () => {
		if (!controller.signal.aborted) {
			controller.abort();
			return;
		}
		end?.();
		process.exit(EXIT.interrupted);
	};
	process.on('SIGINT', onSignal);
	process.on('SIGTERM', onSignal);
	return {
		signal: controller.signal,
		beforeExit: (listener) => {
			end = listener;
		},
	};
}

/** How a command fails whose children were ended under it. */
const OF_CHILDREN: readonly (ErrorCode | 'internal')[] = [
	'internal',
	'ffmpeg-failed',
	'decode-failed',
	'not-a-video',
	'worker-died',
	'probe-died',
	'print-failed',
];

/** What a command failed by. Ctrl+C reaches the processes that it started as well: their end is then no failure, but `cancelled`. */
export function failureOf(error: unknown, { signal }: Pick<Interruption, 'signal'>): unknown {
	if (!signal.aborted || !OF_CHILDREN.includes(errorToData(error).code)) return error;
	return new UserFacingError('cancelled', 'The command was interrupted.', { cause: error });
}
