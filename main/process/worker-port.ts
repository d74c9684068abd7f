import { errorToData } from '../domain/errors.ts';
import { envelop, openEnvelope, type Exchange, type Report } from './protocol.ts';

/** The worker's end of the channel to its host, whatever the host is. */
export type WorkerPort<E extends Exchange> = {
	post(report: Report<E>): void;
	onRequest(listener: (request: E['request']) => void): void;
	/** Called when the host has gone and nobody reads any more. */
	onHostGone(listener: () => void): void;
	/** Lets the process end once everything posted was sent. */
	close(): void;
};

/**
 * The part of Electron's `process.parentPort` that is used; declared here so that only the shell needs Electron's
 * types.
 */
type ParentPort = {
	postMessage(message: unknown): void;
	on(event: 'message', listener: (event: { data: unknown }) => void): void;
};

/** How long a utility process waits for its host to end it. */
const HOST_PATIENCE_MILLISECONDS = 10_000;

/**
 * The channel of this process, an Electron utilityProcess or a forked Node process. From then on, Ctrl+C does not end
 * it.
 */
export function openWorkerPort<E extends Exchange>(): WorkerPort<E> {
	// A terminal sends it to the whole process group; when to stop is for the host to decide.
	process.on('SIGINT', () => undefined);
	const { parentPort } = process as typeof process & { parentPort?: ParentPort };
	return parentPort ? utilityProcessPort(parentPort) : forkedProcessPort();
}

/** Reports the outcome of this process's work to the host, and lets the process end. */
export async function endWith<E extends Exchange>(
	port: WorkerPort<E>,
	work: Promise<E['outcome']>,
): Promise<void> {
	await reportOutcome(port, work);
	port.close();
}

/** Reports the outcome of a piece of work to the host. */
export async function reportOutcome<E extends Exchange>(
	port: Pick<WorkerPort<E>, 'post'>,
	work: Promise<E['outcome']>,
): Promise<void> {
	try {
		port.post({ type: 'finished', outcome: await work });
	} catch (error) {
		port.post({ type: 'failed', error: errorToData(error) });
	}
}

function utilityProcessPort<E extends Exchange>(parentPort: ParentPort): WorkerPort<E> {
	return {
		post: (report) => parentPort.postMessage(envelop(report)),
		onRequest: (listener) => parentPort.on('message', ({ data }) => deliver(data, listener)),
		// Electron ends its utility processes itself when the main process goes.
		onHostGone: () => undefined,
		// Exiting at once could lose the last report: the host ends this process when it has received it.
		close: () => void setTimeout(() => process.exit(0), HOST_PATIENCE_MILLISECONDS),
	};
}

function forkedProcessPort<E extends Exchange>(): WorkerPort<E> {
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

function deliver<Request>(data: unknown, listener: (request: Request) => void): void {
	const request = openEnvelope<Request>(data);
	if (request) listener(request);
}
