import { envelop, openEnvelope, type WorkerReport, type WorkerRequest } from './protocol.ts';

/** The worker's end of the channel to its host, whatever the host is. */
export type WorkerPort = {
	post(report: WorkerReport): void;
	onRequest(listener: (request: WorkerRequest) => void): void;
	/** The host has gone; nobody will read any more. */
	onHostGone(listener: () => void): void;
	/** Lets the process end once everything posted has left it. */
	close(): void;
};

/** The part of Electron's `process.parentPort` that is used; written down so that no room needs Electron's types. */
type ParentPort = {
	postMessage(message: unknown): void;
	on(event: 'message', listener: (event: { data: unknown }) => void): void;
};

/** How long a utility process waits for its host to end it. */
const HOST_PATIENCE_MILLISECONDS = 10_000;

/** The channel of the process this is called in: Electron's utilityProcess, or a forked Node process. */
export function openWorkerPort(): WorkerPort {
	const { parentPort } = process as typeof process & { parentPort?: ParentPort };
	return parentPort ? utilityProcessPort(parentPort) : forkedProcessPort();
}

function utilityProcessPort(parentPort: ParentPort): WorkerPort {
	return {
		post: (report) => parentPort.postMessage(envelop(report)),
		onRequest: (listener) => parentPort.on('message', ({ data }) => deliver(data, listener)),
		// Electron ends its utility processes itself when the main process goes.
		onHostGone: () => undefined,
		// Leaving at once could lose what was just posted: the host ends this process when it has the last report.
		close: () => void setTimeout(() => process.exit(0), HOST_PATIENCE_MILLISECONDS),
	};
}

function forkedProcessPort(): WorkerPort {
	let unsent = 0;
	let closing = false;
	const disconnectWhenDone = () => {
		if (closing && unsent === 0 && process.connected) process.disconnect();
	};
	return {
		post(report) {
			if (!process.connected) return;
			unsent++;
			process.send?.(envelop(report), undefined, undefined, () => {
				unsent--;
				disconnectWhenDone();
			});
		},
		onRequest: (listener) => void process.on('message', (data) => deliver(data, listener)),
		onHostGone: (listener) => void process.on('disconnect', () => !closing && listener()),
		close() {
			closing = true;
			disconnectWhenDone();
		},
	};
}

function deliver(data: unknown, listener: (request: WorkerRequest) => void): void {
	const request = openEnvelope<WorkerRequest>(data);
	if (request) listener(request);
}
