import { fork } from 'node:child_process';
import { errorFromData, UserFacingError } from '../domain/errors.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import {
	envelop,
	openEnvelope,
	type AnalysisJob,
	type AnalysisOutcome,
	type WorkerReport,
	type WorkerRequest,
} from './protocol.ts';

/** Lines of the worker's stderr that are kept to explain its death. */
const LAST_WORDS = 12;

/** A process that speaks the worker protocol; `forkWorker` makes one, Electron's shell makes another kind. */
export type WorkerProcess = {
	readonly pid: number | undefined;
	post(request: WorkerRequest): void;
	onReport(listener: (report: WorkerReport) => void): void;
	onStderr(listener: (text: string) => void): void;
	/** Called once, after the last report. `signal` is null where the process ended by itself. */
	onExit(listener: (code: number | null, signal: string | null) => void): void;
	/** Ends it at once, with everything it started. */
	kill(): void;
};

/** A run that is being recorded in another process. */
export type RunningAnalysis = {
	readonly pid: number | undefined;
	/** Rejects with what went wrong in the worker, or with `worker-died`. */
	readonly outcome: Promise<AnalysisOutcome>;
	changeSettings(settings: SettingValues): void;
	/** Asks for a graceful end: the outcome is then `cancelled`, unless the run was just complete. */
	cancel(): void;
	/** Ends the worker at once; up to the last stored batch, the run stays resumable. */
	kill(): void;
};

/** Starts recording; `onReport` hears everything but the end, which is `outcome`. */
export function startAnalysis(
	job: AnalysisJob,
	worker: WorkerProcess,
	onReport: (report: WorkerReport) => void,
	onStderr: (text: string) => void = () => undefined,
): RunningAnalysis {
	let lastWords: string[] = [];
	worker.onStderr((text) => {
		lastWords = [...lastWords, ...text.split('\n').filter((line) => line.trim())].slice(-LAST_WORDS);
		onStderr(text);
	});
	const outcome = new Promise<AnalysisOutcome>((resolve, reject) => {
		worker.onReport((report) => {
			if (report.type === 'finished') resolve(report.outcome);
			else if (report.type === 'failed') reject(errorFromData(report.error));
			else onReport(report);
		});
		// After a last report this changes nothing: a promise settles once.
		worker.onExit((code, signal) => reject(workerDied(code, signal, lastWords)));
	});
	worker.post({ type: 'start', job });
	return {
		pid: worker.pid,
		outcome,
		changeSettings: (settings) => worker.post({ type: 'change-settings', settings }),
		cancel: () => worker.post({ type: 'cancel' }),
		kill: () => worker.kill(),
	};
}

/** A worker as a plain Node process; `entry` is the built worker file. */
export function forkWorker(entry: string): WorkerProcess {
	const child = fork(entry, [], {
		serialization: 'advanced', // typed arrays cross as they are
		stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
		// Little of what a frame leaves behind outlives it: V8's nursery, in mebibytes, would grow to eight times that in both
		// threads over the first thousand frames, for nothing.
		execArgv: ['--max-semi-space-size=2'],
		// A group of its own: Ctrl+C in the terminal must not reach the ffmpeg that the worker reads from.
		detached: true,
	});
	child.stderr?.setEncoding('utf8');
	child.on('error', () => undefined); // a failed fork or a request after the end shows as the exit
	return {
		pid: child.pid,
		post: (request) => void (child.connected && child.send(envelop(request))),
		onReport: (listener) =>
			void child.on('message', (data) => {
				const report = openEnvelope<WorkerReport>(data);
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

function workerDied(
	code: number | null,
	signal: string | null,
	lastWords: readonly string[],
): UserFacingError {
	const how = signal === null ? `with exit code ${code}` : `by signal ${signal}`;
	return new UserFacingError('worker-died', `The analysis process ended ${how} before its run was done.`, {
		remedy: 'What was stored is kept: repeat the command with --resume to go on from there.',
		...(lastWords.length > 0 ? { cause: new Error(lastWords.join('\n')) } : {}),
	});
}
