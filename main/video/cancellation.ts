import { UserFacingError } from '../domain/errors.ts';

export function cancelled(path: string): UserFacingError {
	return new UserFacingError('cancelled', `Working on ${path} was cancelled.`);
}

/** Calls `stop` when the signal fires, or at once if it already has. The returned function stops listening. */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
	if (!signal) return () => undefined;
	if (signal.aborted) stop();
	else signal.addEventListener('abort', stop, { once: true });
	return () => signal.removeEventListener('abort', stop);
}
