import { setImmediate as nextTurn } from 'node:timers/promises';

/** Other work of the process waits at most about this long. */
const TURN_MILLISECONDS = 12;

/**
 * Runs `steps`, the work on all frames of a run, to the end and lets other work run in between. Rejects with the
 * signal's reason once it is aborted.
 */
export async function inTurns<Result>(steps: Generator<void, Result>, signal?: AbortSignal): Promise<Result> {
	let since = performance.now();
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
		if (performance.now() - since < TURN_MILLISECONDS) continue;
		await nextTurn();
		signal?.throwIfAborted();
		since = performance.now();
	}
}
