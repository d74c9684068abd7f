import { errorFromData, type ErrorData } from '../domain/errors.ts';
import { endWith, openWorkerPort } from '../process/worker-port.ts';
import type { ExportExchange } from './protocol.ts';
import { writeExport } from './write-export.ts';

// The entry of the process that writes an export: one file, then it ends. Drawing and encoding block only this process.

const port = openWorkerPort<ExportExchange>();
const stop = new AbortController();

let onPrinted: (error: ErrorData | null) => void = () => undefined;

port.onHostGone(() => stop.abort());

/** Has the host print, which on a desktop is a browser itself. */
function print(page: string, pdf: string): Promise<void> {
	return new Promise((resolve, reject) => {
		onPrinted = (error) => (error ? reject(errorFromData(error)) : resolve());
		stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error));
		port.post({ type: 'print', page, pdf });
	});
}

port.onRequest((request) => {
	switch (request.type) {
		case 'start':
			void endWith(
				port,
				writeExport(request.job, stop.signal, (news) => port.post(news), print),
			);
			break;
		case 'cancel':
			stop.abort();
			break;
		case 'printed':
			onPrinted(request.error);
			break;
		default:
			request satisfies never;
	}
});
