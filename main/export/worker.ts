import { endWith, openWorkerPort } from '../process/worker-port.ts';
import type { ExportExchange } from './protocol.ts';
import { writeExport } from './write-export.ts';

// The entry of the process that writes an export: one file, then it ends. Drawing and encoding block only this process.

const port = openWorkerPort<ExportExchange>();
const stop = new AbortController();

port.onHostGone(() => stop.abort());

port.onRequest((request) => {
	switch (request.type) {
		case 'start':
			void endWith(
				port,
				writeExport(request.job, stop.signal, (news) => port.post(news)),
			);
			break;
		case 'cancel':
			stop.abort();
			break;
		default:
			request satisfies never;
	}
});
