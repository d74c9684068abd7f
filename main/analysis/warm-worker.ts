import { assert } from '../domain/errors.ts';
import { isLast, type Report } from '../process/protocol.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import type { AnalysisExchange } from './protocol.ts';

type Worker = WorkerProcess<AnalysisExchange>;

/** What whoever has the process at the moment wants to hear. */
type Lease = {
	onReport: ((report: Report<AnalysisExchange>) => void)[];
	onStderr: ((text: string) => void)[];
	onExit: ((code: number | null, signal: string | null) => void)[];
};

/**
 * A worker's process for one run after another, so that modules, model and graphs are loaded once. `take` gives what `startAnalysis`
 * wants: to each run it looks like a process of its own. A process that dies is replaced for the next run.
 */
export class WarmWorker {
	readonly #start: () => Worker;
	#process: Worker | null = null;
	#lease: Lease | null = null;

	constructor(start: () => Worker) {
		this.#start = start;
	}

	/** The process for the next run, which ends with its last report; one run at a time. */
	take(): Worker {
		assert(this.#lease === null, 'a warm worker does one run at a time');
		const worker = (this.#process ??= this.#begin());
		const lease: Lease = (this.#lease = { onReport: [], onStderr: [], onExit: [] });
		return {
			get pid() {
				return worker.pid;
			},
			post: (request) => {
				if (this.#lease !== lease) return;
				worker.post(request.type === 'start' ? { ...request, stays: true } : request);
			},
			onReport: (listener) => void lease.onReport.push(listener),
			onStderr: (listener) => void lease.onStderr.push(listener),
			onExit: (listener) => void lease.onExit.push(listener),
			kill: () => {
				if (this.#lease === lease) worker.kill();
			},
		};
	}

	/** Ends the process at once. */
	close(): void {
		this.#process?.kill();
	}

	#begin(): Worker {
		const worker = this.#start();
		worker.onReport((report) => {
			const lease = this.#lease;
			if (isLast(report)) this.#lease = null;
			for (const listener of lease?.onReport ?? []) listener(report);
		});
		worker.onStderr((text) => this.#lease?.onStderr.forEach((listener) => listener(text)));
		worker.onExit((code, signal) => {
			const lease = this.#lease;
			this.#lease = null;
			this.#process = null;
			for (const listener of lease?.onExit ?? []) listener(code, signal);
		});
		return worker;
	}
}
