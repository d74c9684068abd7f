import { utilityProcess } from 'electron';
import { envelop, isLast, openEnvelope, type Exchange, type Report } from '../process/protocol.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

/** Names of the processes in task managers and crash reports. */
export const WORKER_NAMES = {
	analysis: 'Sparsight analysis',
	export: 'Sparsight export',
	probe: 'Sparsight probe',
	provider: 'Sparsight provider probe',
} as const;

/** How long the last output of a dead worker may take to arrive. */
const LAST_WORDS_MILLISECONDS = 1000;

/** A worker as an Electron utility process; `entry` is the built worker file, outside any archive. */
export function utilityWorker<E extends Exchange>(entry: string, name: string): WorkerProcess<E> {
	const child = utilityProcess.fork(entry, [], {
		serviceName: name,
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	const stderrEnded = new Promise<void>((resolve) => {
		if (!child.stderr) resolve();
		child.stderr?.once('close', resolve);
		child.once('exit', () => setTimeout(resolve, LAST_WORDS_MILLISECONDS).unref());
	});
	child.stderr?.setEncoding('utf8');
	let pid = child.pid;
	// Electron clears the pid when the process ends.
	child.once('spawn', () => (pid = child.pid));
	return {
		get pid() {
			return pid;
		},
		post: (request) => child.postMessage(envelop(request)),
		onReport: (listener) =>
			void child.on('message', (data: unknown) => {
				const report = openEnvelope<Report<E>>(data);
				if (!report) return;
				listener(report);
				// The worker waits to be killed: what a process posts just before it exits may be lost.
				if (isLast(report)) child.kill();
			}),
		onStderr: (listener) => void child.stderr?.on('data', listener),
		onExit: (listener) =>
			void child.once('exit', (code) => void stderrEnded.then(() => listener(code, null))),
		// Its ffmpeg ends because nobody reads its pipe any more.
		kill: () => killAtOnce(child.pid) || void child.kill(),
	};
}

/** With SIGKILL: a worker in the middle of a frame would not handle anything else. */
function killAtOnce(pid: number | undefined): boolean {
	try {
		return pid !== undefined && process.kill(pid, 'SIGKILL');
	} catch {
		return false; // it has ended already
	}
}
