import { join } from 'node:path';
import { endWith, openWorkerPort } from '../process/worker-port.ts';
import { readFramesAhead } from '../video/read-frames-ahead.ts';
import type { AnalysisExchange } from './protocol.ts';
import { recordRun, RunControl } from './record-run.ts';

// The entry of the process that analyses: one job, then it ends. Native crashes end this process alone.

/** The built thread that reads frames; it lies beside the built worker. */
const FRAME_THREAD_ENTRY = join(import.meta.dirname, 'frame-thread.js');

const PULSE_MILLISECONDS = 5000;

const port = openWorkerPort<AnalysisExchange>();
const control = new RunControl();

port.onHostGone(() => control.cancel());

port.onRequest((request) => {
	switch (request.type) {
		case 'start': {
			const run = recordRun(
				request.job,
				control,
				(news) => port.post(news),
				(video, options) => readFramesAhead(FRAME_THREAD_ENTRY, video, options),
			);
			const pulse = setInterval(() => port.post({ type: 'alive' }), PULSE_MILLISECONDS);
			void endWith(
				port,
				run.finally(() => clearInterval(pulse)),
			);
			break;
		}
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
