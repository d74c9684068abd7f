import type { Exchange, Report } from './protocol.ts';
import type { WorkerProcess } from './worker-process.ts';

// For tests only.

/** A worker that reports what a test makes it report, records requests, and ends when killed. */
export function scriptedWorker<E extends Exchange>(pid = 7) {
	const requests: E['request'][] = [];
	const said: {
		report: (report: Report<E>) => void;
		stderr: (text: string) => void;
		exit: (code: number | null, signal: string | null) => void;
	} = { report: () => undefined, stderr: () => undefined, exit: () => undefined };
	const worker: WorkerProcess<E> = {
		pid,
		post: (request) => void requests.push(request),
		onReport: (listener) => void (said.report = listener),
		onStderr: (listener) => void (said.stderr = listener),
		onExit: (listener) => void (said.exit = listener),
		kill: () => said.exit(null, 'SIGKILL'),
	};
	return { worker, requests, said };
}
