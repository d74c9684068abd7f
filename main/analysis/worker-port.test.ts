import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { envelop, type WorkerReport, type WorkerRequest } from './protocol.ts';
import { openWorkerPort } from './worker-port.ts';

/** `process.parentPort` as Electron documents it: messages come inside of events. */
class ParentPort extends EventEmitter {
	readonly posted: unknown[] = [];
	postMessage(message: unknown): void {
		this.posted.push(message);
	}
}

let parentPort: ParentPort;
let exit: ReturnType<typeof vi.fn>;
beforeEach(() => {
	vi.useFakeTimers();
	parentPort = new ParentPort();
	exit = vi.fn();
	vi.stubGlobal('process', Object.assign(Object.create(process) as object, { parentPort, exit }));
});
afterEach(() => {
	vi.unstubAllGlobals();
	vi.useRealTimers();
});

describe('a worker in a utility process', () => {
	it('hears requests of our protocol, and nothing else', () => {
		const heard: WorkerRequest[] = [];
		openWorkerPort().onRequest((request) => heard.push(request));
		parentPort.emit('message', { data: envelop({ type: 'cancel' }) });
		parentPort.emit('message', { data: { type: 'cancel' } });
		parentPort.emit('message', { data: { sparsightProtocol: 0, message: { type: 'cancel' } } });
		expect(heard).toEqual([{ type: 'cancel' }]);
	});

	it('stays after its last report until its host ends it, and not for ever', () => {
		const report = { type: 'finished' } as WorkerReport;
		const port = openWorkerPort();
		port.post(report);
		port.close();
		vi.advanceTimersByTime(1000);
		expect(parentPort.posted).toEqual([envelop(report)]);
		expect(exit).not.toHaveBeenCalled();
		vi.advanceTimersByTime(60_000);
		expect(exit).toHaveBeenCalledWith(0);
	});
});
