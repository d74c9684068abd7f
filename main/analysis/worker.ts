import { join } from 'node:path';
import { errorToData } from '../domain/errors.ts';
import { readFramesAhead } from '../video/read-frames-ahead.ts';
import type { WorkerReport } from './protocol.ts';
import { recordRun, RunControl } from './record-run.ts';
import { openWorkerPort } from './worker-port.ts';

// The entry of the process that analyses: one job, then it ends. Native crashes end this process alone.

/** The built thread that reads frames; it lies beside the built worker. */
const FRAME_THREAD_ENTRY = join(import.meta.dirname, 'frame-thread.js');

const port = openWorkerPort();
const control = new RunControl();

// Ctrl+C reaches the whole group of a terminal; when to stop is the host's decision.
process.on('SIGINT', () => undefined);
port.onHostGone(() => control.cancel());

port.onRequest((request) => {
	switch (request.type) {
		case 'start':
			void recordRun(request.job, control, port.post, (video, options) =>
				readFramesAhead(FRAME_THREAD_ENTRY, video, options),
			)
				.then((outcome) => ({ type: 'finished', outcome }) satisfies WorkerReport)
				.catch((error: unknown) => ({ type: 'failed', error: errorToData(error) }) satisfies WorkerReport)
				.then((report) => {
					port.post(report);
					port.close();
				});
			break;
		case 'change-settings':
			control.changeSettings(request.settings);
			break;
		case 'cancel':
			control.cancel();
			break;
		default:
			request satisfies never;
	}
});
