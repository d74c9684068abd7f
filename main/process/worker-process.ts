import { fork } from 'node:child_process';
import { errorFromData } from '../domain/errors.ts';
import { envelop, isLast, openEnvelope, type Exchange, type Report } from './protocol.ts';

/**
 * Enables `ArrayBuffer.transfer` in Node 20, with which needless copies by the runtime are freed; see
 * runtime/onnx-runtime.ts.
 */
const TRANSFER = '--harmony-rab-gsab-transfer';
/** Lines of the worker's stderr that are kept to explain its death. */
const LAST_WORDS = 12;

/** A process that does one job; `forkWorker` starts one, Electron's shell starts another kind. */
export type WorkerProcess<E extends Exchange> = {
	/** Undefined before the process exists; stays known after it has ended. */
	readonly pid: number | undefined;
	post(request: E['request']): void;
	onReport(listener: (report: Report<E>) => void): void;
	onStderr(listener: (text: string) => void): void;
	/** Called once, after the last report. `signal` is null if the process ended by itself. */
	onExit(listener: (code: number | null, signal: string | null) => void): void;
	/** Kills it at once, with everything it started. */
	kill(): void;
};

/** How a worker died that had not reported an outcome. */
export type Death = {
	/** Such as `by signal SIGKILL`. */
	how: string;
	/** The end of what it wrote to stderr; null if it wrote nothing. */
	lastWords: Error | null;
};

/**
 * The outcome of the worker's job. Rejects with the worker's error, or with the error that `ofDeath` gives if the
 * process ended without reporting. `onNews` is called with everything reported before.
 */
export function followWorker<E extends Exchange>(
	worker: WorkerProcess<E>,
	listener: {
		onNews: (news: E['news']) => void;
		onStderr?: (text: string) => void;
		ofDeath: (death: Death) => Error;
	},
): Promise<E['outcome']> {
	let lines: string[] = [];
	worker.onStderr((text) => {
		lines = [...lines, ...text.split('\n').filter((line) => line.trim())].slice(-LAST_WORDS);
		listener.onStderr?.(text);
	});
	return new Promise<E['outcome']>((resolve, reject) => {
		worker.onReport((report) => {
			if (!isLast(report)) listener.onNews(report);
			else if (report.type === 'finished') resolve(report.outcome);
			else reject(errorFromData(report.error));
		});
		// No effect after a last report: a promise settles once.
		worker.onExit((code, signal) => {
			const how = signal === null ? `with exit code ${code}` : `by signal ${signal}`;
			const lastWords = lines.length > 0 ? new Error(lines.join('\n')) : null;
			reject(listener.ofDeath({ how, lastWords }));
		});
	});
}

/** A worker as a plain Node process; `entry` is the built file of its kind. */
export function forkWorker<E extends Exchange>(entry: string): WorkerProcess<E> {
	const child = fork(entry, [], {
		serialization: 'advanced', // typed arrays cross as they are
		stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
		// In mebibytes. Little memory outlives a frame: otherwise V8's young generation would grow to eight times this in
		// both threads within a thousand frames, without benefit.
		execArgv: ['--max-semi-space-size=2', ...('transfer' in ArrayBuffer.prototype ? [] : [TRANSFER])],
		// A process group of its own: Ctrl+C in the terminal must not reach the ffmpeg that the worker reads from.
		detached: true,
	});
	child.stderr?.setEncoding('utf8');
	child.on('error', () => undefined); // a failed fork or a request after the end shows as the exit
	// It may have been killed alone: end what it had started, too.
	child.once(
		'exit',
		(_code, signal) => signal !== null && process.platform !== 'win32' && killGroup(child.pid),
	);
	return {
		pid: child.pid,
		post: (request) => void (child.connected && child.send(envelop(request))),
		onReport: (listener) =>
			void child.on('message', (data) => {
				const report = openEnvelope<Report<E>>(data);
				if (report) listener(report);
			}),
		onStderr: (listener) => void child.stderr?.on('data', listener),
		// `close` comes after the pipes have been read to their end, `exit` may come before.
		onExit: (listener) => void child.once('close', listener),
		kill: () => killGroup(child.pid),
	};
}

function killGroup(pid: number | undefined): void {
	if (pid === undefined) return;
	try {
		process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
	} catch {
		// It has ended already.
	}
}
