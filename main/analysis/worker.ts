import { join } from 'node:path';
import { endWith, openWorkerPort, reportOutcome } from '../process/worker-port.ts';
import { readFramesAhead } from '../video/read-frames-ahead.ts';
import { KeptDetector } from './kept-detector.ts';
import type { AnalysisExchange } from './protocol.ts';
import { recordRun, RunControl } from './record-run.ts';

// The entry of the process that analyses: one job, then it ends, unless it is to stay for the next one. Native crashes end this
// process alone.

/** The built thread that reads frames; it lies beside the built worker. */
const FRAME_THREAD_ENTRY = join(import.meta.dirname, 'frame-thread.js');

const PULSE_MILLISECONDS = 5000;

const port = openWorkerPort<AnalysisExchange>();
const kept = new KeptDetector();
/** Of the job that is going, or the last one. */
let control = new RunControl();

port.onHostGone(() => control.cancel());

port.onRequest((request) => {
	switch (request.type) {
		case 'start': {
			control = new RunControl();
			const run = recordRun(
				request.job,
				control,
				(news) => port.post(news),
				(video, options) => readFramesAhead(FRAME_THREAD_ENTRY, video, options),
				request.stays ? kept : null,
			);
			const pulse = setInterval(() => port.post({ type: 'alive' }), PULSE_MILLISECONDS);
			const end = request.stays ? reportOutcome : endWith;
			void end(
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
