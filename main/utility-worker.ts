import { utilityProcess } from 'electron';
import type { WorkerProcess } from './analysis/client.ts';
import { envelop, openEnvelope, type WorkerReport } from './analysis/protocol.ts';

/** How the process is called in task managers and crash reports. */
export const WORKER_NAME = 'Sparsight analysis';

/** How long the last words of a dead worker may take to arrive. */
const LAST_WORDS_MILLISECONDS = 1000;

/** A worker as Electron's kind of process; `entry` is the built worker file, outside of any archive. */
export function utilityWorker(entry: string): WorkerProcess {
	const child = utilityProcess.fork(entry, [], {
		serviceName: WORKER_NAME,
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	const stderrEnded = new Promise<void>((resolve) => {
		if (!child.stderr) resolve();
		child.stderr?.once('close', resolve);
		child.once('exit', () => setTimeout(resolve, LAST_WORDS_MILLISECONDS).unref());
	});
	child.stderr?.setEncoding('utf8');
	return {
		get pid() {
			return child.pid;
		},
		post: (request) => child.postMessage(envelop(request)),
		onReport: (listener) =>
			void child.on('message', (data: unknown) => {
				const report = openEnvelope<WorkerReport>(data);
				if (!report) return;
				listener(report);
				// It waits for this: what a process posts just before it leaves may be lost.
				if (report.type === 'finished' || report.type === 'failed') child.kill();
			}),
		onStderr: (listener) => void child.stderr?.on('data', listener),
		onExit: (listener) =>
			void child.once('exit', (code) => void stderrEnded.then(() => listener(code, null))),
		// Its ffmpeg ends with the pipe that nobody reads any more.
		kill: () => killAtOnce(child.pid) || void child.kill(),
	};
}

/** Without the politeness that a worker in the middle of a frame would not hear. */
function killAtOnce(pid: number | undefined): boolean {
	try {
		return pid !== undefined && process.kill(pid, 'SIGKILL');
	} catch {
		return false; // it has ended already
	}
}
