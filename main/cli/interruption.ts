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
